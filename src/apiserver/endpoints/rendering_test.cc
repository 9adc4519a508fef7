// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/rendering.h"

#include <gtest/gtest.h>

#include "apiserver/endpoints/endpoints_testing.h"
#include "json/build.h"
#include "json/print.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

constexpr auto kOne = "/apis/ex.io/v1/namespaces/n/widgets/a";
constexpr auto kMany = "/apis/ex.io/v1/namespaces/n/widgets";

StoredPtr stored(std::string bytes) {
  return std::make_shared<const StoredObject>(
      StoredObject::Fields{.key = {"n", "a"}, .revision = 5, .bytes = std::move(bytes)});
}

/// A widget whose bytes are recognizable: nothing that parses and prints would keep the spaces.
constexpr auto kWidget =
    R"({"apiVersion":"ex.io/v1","kind":"Widget", "metadata":{"name":"a","resourceVersion":"5"}})";
constexpr auto kConfigMap =
    R"({"kind":"ConfigMap","apiVersion":"v1","metadata": {"name":"a"},"data":{"k":"v"}})";

TEST(Rendering, CopiesWhatIsServedAsItIsStored) {
  TestRequest request(widgets(), kOne);
  const auto response = render_stored(request, Representation{}, *stored(kWidget), Time{});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body.view(), std::string(kWidget) + "\n");
  EXPECT_EQ(response->headers.get("Content-Type"), "application/json");
  EXPECT_EQ(response->headers.get("Cache-Control"), "no-cache, private");
}

TEST(Rendering, ConvertsWhatIsStoredInAnotherVersion) {
  TestRequest request(converted_widgets(), kOne);
  const auto object = stored(R"({"apiVersion":"ex.io/v1beta1","kind":"Widget","metadata":{"name":"a"}})");
  const auto response = render_stored(request, Representation{}, *object, Time{});
  EXPECT_EQ(response->body.view(),
            "{\"apiVersion\":\"ex.io/v1\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"}}\n");
}

TEST(Rendering, GivesYamlAndTextForPeople) {
  TestRequest request(widgets(), kOne);
  const auto object = json::object({{"b", 1}, {"a", json::array({true})}});
  const auto yaml =
      render_object(request, {.encoding = Representation::Encoding::kYaml}, object, 201, Time{});
  EXPECT_EQ(yaml->status, 201);
  EXPECT_EQ(yaml->body.view(), "a:\n- true\nb: 1\n");
  EXPECT_EQ(yaml->headers.get("Content-Type"), "application/yaml");
  const auto pretty = render_object(request, {.pretty = true}, object, 200, Time{});
  EXPECT_EQ(pretty->body.view(), "{\n  \"b\": 1,\n  \"a\": [\n    true\n  ]\n}");
}

TEST(Rendering, KeepsTheTypeOfCustomItemsAndCopiesThem) {
  TestRequest request(widgets(), kMany);
  const auto response = render_list(request, Representation{}, {stored(kWidget), stored(kWidget)},
                                    {.resource_version = "9"}, Time{});
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(
      response->body.view(),
      R"({"kind":"WidgetList","apiVersion":"ex.io/v1","metadata":{"resourceVersion":"9","continue":""},)"
      R"("items":[)" +
          std::string(kWidget) + "," + kWidget + "]}\n");
}

TEST(Rendering, LeavesTheTypeOfBuiltinItemsOut) {
  TestRequest request(config_maps(), "/api/v1/namespaces/n/configmaps");
  // The second says its type at another place and must be parsed.
  const auto other = stored(R"({"metadata":{"name":"b"},"apiVersion":"v1","kind":"ConfigMap"})");
  const auto response = render_list(request, Representation{}, {stored(kConfigMap), other},
                                    {.resource_version = "9", .continue_token = "t", .remaining = 3}, Time{});
  EXPECT_EQ(response->body.view(),
            R"({"kind":"ConfigMapList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"t",)"
            R"("remainingItemCount":3},"items":[{"metadata": {"name":"a"},"data":{"k":"v"}},)"
            R"({"metadata":{"name":"b"}}]})"
            "\n");
}

TEST(Rendering, GivesAnEmptyListItems) {
  TestRequest request(config_maps(), "/api/v1/configmaps");
  const auto response = render_list(request, Representation{}, {}, {.resource_version = "1"}, Time{});
  EXPECT_EQ(response->body.view(),
            "{\"kind\":\"ConfigMapList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"1\"},"
            "\"items\":[]}\n");
}

TEST(Rendering, MakesTables) {
  TestRequest request(widgets(), kMany);
  Representation form{.shape = Representation::Shape::kTable};
  const auto list = render_list(request, form, {stored(kWidget)}, {.resource_version = "9"}, Time{});
  const auto expected = json::object(
      {{"kind", "Table"},
       {"apiVersion", "meta.k8s.io/v1"},
       {"metadata", json::object({{"resourceVersion", "9"}})},
       {"columnDefinitions", json::array({json::object({{"name", "Name"},
                                                        {"type", "string"},
                                                        {"format", "name"},
                                                        {"description", "The name."},
                                                        {"priority", 0}}),
                                          json::object({{"name", "Color"},
                                                        {"type", "string"},
                                                        {"format", ""},
                                                        {"description", "What it looks like."},
                                                        {"priority", 1}})})},
       {"rows",
        json::array({json::object(
            {{"cells", json::array({"a", nullptr})},
             {"object",
              json::object({{"kind", "PartialObjectMetadata"},
                            {"apiVersion", "meta.k8s.io/v1"},
                            {"metadata", json::object({{"name", "a"}, {"resourceVersion", "5"}})}})}})})}});
  EXPECT_EQ(body_of(*list), expected);

  form.include = Representation::Include::kNone;
  const auto one = body_of(*render_stored(request, form, *stored(kWidget), Time{}));
  EXPECT_EQ(one.find("metadata")->find_string("resourceVersion"), "5");
  EXPECT_TRUE(one.find("rows")->at(0).find("object")->is_null());
  form.include = Representation::Include::kObject;
  EXPECT_EQ(body_of(*render_stored(request, form, *stored(kWidget), Time{}))
                .find("rows")
                ->at(0)
                .find("object")
                ->find_string("kind"),
            "Widget");
}

TEST(Rendering, ShowsNameAndAgeOfKindsWithoutColumns) {
  TestRequest request(config_maps(), "/api/v1/configmaps");
  const auto object = json::object(
      {{"metadata", json::object({{"name", "a"}, {"creationTimestamp", "2020-01-01T00:00:00Z"}})}});
  const Time now{std::chrono::seconds(1577836800 + 90)};
  const auto table =
      body_of(*render_object(request, {.shape = Representation::Shape::kTable}, object, 200, now));
  EXPECT_EQ(*table.find("rows")->at(0).find("cells"), json::array({"a", "90s"}));
}

TEST(Rendering, GivesMetadataAlone) {
  TestRequest request(widgets(), kMany);
  const Representation form{.shape = Representation::Shape::kMetadata, .version = "v1beta1"};
  const auto list =
      body_of(*render_list(request, form, {stored(kWidget)}, {.resource_version = "9"}, Time{}));
  const auto item = json::object({{"kind", "PartialObjectMetadata"},
                                  {"apiVersion", "meta.k8s.io/v1beta1"},
                                  {"metadata", json::object({{"name", "a"}, {"resourceVersion", "5"}})}});
  EXPECT_EQ(list, json::object({{"kind", "PartialObjectMetadataList"},
                                {"apiVersion", "meta.k8s.io/v1beta1"},
                                {"metadata", json::object({{"resourceVersion", "9"}})},
                                {"items", json::array({json::Value(item)})}}));
  EXPECT_EQ(body_of(*render_stored(request, form, *stored(kWidget), Time{})), item);
}

TEST(Rendering, SendsWarningsAndThatOfADeprecatedResource) {
  auto resource = std::make_shared<ServedResource>(*widgets());
  resource->description.deprecation_warning = "ex.io/v1 Widget is deprecated";
  TestRequest request(resource, kOne);
  request.api().warnings.add("unknown field \"spec.x\"");
  const auto response = render_object(request, {}, json::object({}), 200, Time{});
  EXPECT_EQ(response->headers.joined("Warning"),
            R"(299 - "ex.io/v1 Widget is deprecated", 299 - "unknown field \"spec.x\"")");
}

TEST(ErrorAnswer, IsAStatusWithItsCausesAndTheDelay) {
  TestRequest request(nullptr, "/x");
  kube::Status status;
  status.http_status = 504;
  status.reason = "Timeout";
  status.message = "Timeout: too large";
  status.causes = {{.reason = "ResourceVersionTooLarge", .message = "m", .field = {}}};
  status.retry_after_seconds = 1;
  const auto response = render_error(status.to_error(), request.http());
  EXPECT_EQ(response.status, 504);
  EXPECT_EQ(response.headers.get("Retry-After"), "1");
  EXPECT_EQ(response.headers.get("Content-Type"), "application/json");
  EXPECT_EQ(body_of(response),
            json::object(
                {{"kind", "Status"},
                 {"apiVersion", "v1"},
                 {"metadata", json::object()},
                 {"status", "Failure"},
                 {"message", "Timeout: too large"},
                 {"reason", "Timeout"},
                 {"details",
                  json::object({{"causes", json::array({json::object(
                                               {{"reason", "ResourceVersionTooLarge"}, {"message", "m"}})})},
                                {"retryAfterSeconds", 1}})},
                 {"code", 504}}));
}

TEST(ErrorAnswer, TellsNothingOfTheInside) {
  const auto internal = status_of(Error(Code::kInternal, "cannot read /var/secret"));
  EXPECT_EQ(internal.find_string("message"), "internal error, request id r-1");
  EXPECT_EQ(internal.find_int("code"), 500);
  const auto unauthorized = status_of(Error(Code::kUnauthenticated, "the token has expired"));
  EXPECT_EQ(unauthorized, json::object({{"kind", "Status"},
                                        {"apiVersion", "v1"},
                                        {"metadata", json::object()},
                                        {"status", "Failure"},
                                        {"message", "Unauthorized"},
                                        {"reason", "Unauthorized"},
                                        {"code", 401}}));
  const auto stopping = status_of(Error(Code::kCancelled, "cancelled"));
  EXPECT_EQ(stopping.find_int("code"), 503);
  EXPECT_EQ(stopping.find_string("reason"), "ServiceUnavailable");
}

TEST(ErrorAnswer, IsTextForAPathThatNothingServes) {
  TestRequest request(nullptr, "/apis/nope/v1/x");
  const auto response = render_error(page_not_found(), request.http());
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body.view(), "404 page not found\n");
  EXPECT_EQ(response.headers.get("Content-Type"), "text/plain; charset=utf-8");
}

TEST(ErrorAnswer, IsAStatusForAResourceThatItsGroupDoesNotHave) {
  EXPECT_EQ(status_of(unknown_resource()),
            json::object({{"kind", "Status"},
                          {"apiVersion", "v1"},
                          {"metadata", json::object()},
                          {"status", "Failure"},
                          {"message", "the server could not find the requested resource"},
                          {"reason", "NotFound"},
                          {"code", 404}}));
}

TEST(ErrorAnswer, IsInTheEncodingThatTheClientAccepts) {
  TestRequest yaml(nullptr, "/x", {{"Accept", "application/yaml"}});
  const auto response = render_error(Error(Code::kBadRequest, "no"), yaml.http());
  EXPECT_EQ(response.headers.get("Content-Type"), "application/yaml");
  EXPECT_TRUE(response.body.view().starts_with("apiVersion: v1\ncode: 400\nkind: Status\n"));
  TestRequest other(nullptr, "/x", {{"Accept", "application/xml"}});
  EXPECT_EQ(render_error(Error(Code::kBadRequest, "no"), other.http()).headers.get("Content-Type"),
            "application/json");
  TestRequest table(nullptr, "/x",
                    {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}});
  EXPECT_EQ(body_of(render_error(Error(Code::kBadRequest, "no"), table.http())).find_string("kind"),
            "Status");
}

}  // namespace
}  // namespace klutch::apiserver
