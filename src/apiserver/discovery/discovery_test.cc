// SPDX-License-Identifier: Apache-2.0
#include "apiserver/discovery/discovery.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "apiserver/discovery/discovery_testing.h"
#include "apiserver/endpoints/rendering.h"
#include "json/parse.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"
#include "testing/table.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

struct Server {
  std::unique_ptr<Storage> storage;
  Registry registry;
  Discovery discovery;

  explicit Server(Ctx& ctx)
      : storage(*Storage::open(ctx, make_ephemeral_backend())),
        registry(*storage, describe_builtins(),
                 reader_of({describe_widgets("v1"), describe_widgets("v1beta1")})),
        discovery(registry, {.other_paths = {"/healthz", "/openapi/v2"}}) {}
  void stop(Ctx& ctx) const { storage->stop(ctx); }
};

json::Value body_as_json(const http::Response& response) {
  auto value = json::parse(response.body.view());
  EXPECT_TRUE(value.has_value()) << response.body.view();
  return value ? *std::move(value) : json::Value();
}

FIBER_TEST(Discovery, SaysWhatKubernetesSays) {
  Server server(ctx);
  set_widgets_served(ctx, *server.storage, true);
  for (const auto& row : testing::read_table("src/apiserver/discovery/testdata/discovery.tsv", 3)) {
    SCOPED_TRACE(row[0] + " " + row[1]);
    http::Headers headers;
    if (!row[1].empty()) headers.add("Accept", row[1]);
    const DocumentRequest request(row[0], std::move(headers));
    ASSERT_TRUE(Discovery::handles(request));
    const auto response = server.discovery.serve(request);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    // As text: the order of members and elements is what people see.
    EXPECT_EQ(response->body.view(), row[2] + "\n");
    EXPECT_EQ(response->headers.get("Content-Type"), row[1].empty() ? "application/json" : row[1]);
  }
  server.stop(ctx);
}

FIBER_TEST(Discovery, ShowsADefinitionAtOnceAndNoLongerThanItIsServed) {
  Server server(ctx);
  const DocumentRequest all("/apis", {{"Accept", kAggregated}});
  const DocumentRequest version("/apis/ex.io/v1");
  const auto before = *server.discovery.serve(all);
  EXPECT_EQ(before.body.view().find("ex.io"), std::string_view::npos);
  EXPECT_TRUE(is(server.discovery.serve(version).error(), Code::kNotFound));

  set_widgets_served(ctx, *server.storage, true);
  const auto during = *server.discovery.serve(all);
  EXPECT_NE(during.body.view().find("\"widgets\""), std::string_view::npos);
  EXPECT_NE(during.headers.get("ETag"), before.headers.get("ETag"));
  EXPECT_TRUE(server.discovery.serve(version).has_value());

  set_widgets_served(ctx, *server.storage, false);
  const auto after = *server.discovery.serve(all);
  EXPECT_EQ(after.body.view(), before.body.view());
  EXPECT_EQ(after.headers.get("ETag"), before.headers.get("ETag"));
  server.stop(ctx);
}

FIBER_TEST(Discovery, AnswersFromMemoryWhileNothingChanges) {
  Server server(ctx);
  const DocumentRequest request("/apis", {{"Accept", kAggregated}});
  const auto first = *server.discovery.serve(request);
  const auto second = *server.discovery.serve(request);
  EXPECT_EQ(first.body.view().data(), second.body.view().data());
  server.stop(ctx);
}

FIBER_TEST(Discovery, SendsNothingToClientsThatHaveItAlready) {
  Server server(ctx);
  const auto first = *server.discovery.serve(DocumentRequest("/apis", {{"Accept", kAggregated}}));
  const std::string etag(first.headers.get("ETag").value_or(""));
  ASSERT_GT(etag.size(), 2U);
  EXPECT_EQ(first.headers.get("Vary"), "Accept");
  EXPECT_EQ(first.headers.get("Cache-Control"), "public");
  for (const std::string& known : {etag, "W/" + etag, "\"other\", " + etag}) {
    const auto again = *server.discovery.serve(
        DocumentRequest("/apis", {{"Accept", kAggregated}, {"If-None-Match", known}}));
    EXPECT_EQ(again.status, 304) << known;
    EXPECT_TRUE(again.body.empty()) << known;
    EXPECT_EQ(again.headers.get("ETag"), etag) << known;
  }
  const auto other = *server.discovery.serve(
      DocumentRequest("/apis", {{"Accept", kAggregated}, {"If-None-Match", "\"other\""}}));
  EXPECT_EQ(other.status, 200);
  server.stop(ctx);
}

FIBER_TEST(Discovery, GivesTheFormThatTheClientLikesBest) {
  struct Case {
    std::string_view accept;
    std::string_view content_type;
    std::string_view reason;
  };
  constexpr std::string_view kV2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  constexpr std::string_view kV2Beta1 =
      "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList";
  const Case cases[] = {
      {kAggregated, kV2, "what client-go sends"},
      {"application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io", kV2,
       "parameters in any order"},
      {kV2Beta1, kV2Beta1, "clients of 1.26 to 1.29"},
      {"application/json", "application/json", "clients before 1.26"},
      {"*/*", "application/json", "curl"},
      {"application/yaml", "application/yaml", "people"},
      {"application/json,application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
       "application/json", "the first of equals wins"},
      {"application/vnd.kubernetes.protobuf,application/json;g=apidiscovery.k8s.io;v=v2;"
       "as=APIGroupDiscoveryList",
       kV2, "protobuf is not to be had"},
      {"application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json",
       "application/json", "a version that nobody knows"},
  };
  Server server(ctx);
  for (const Case& test : cases) {
    SCOPED_TRACE(test.reason);
    const auto response = server.discovery.serve(DocumentRequest("/apis", {{"Accept", test.accept}}));
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->headers.get("Content-Type"), test.content_type);
    EXPECT_EQ(response->headers.get("Vary"), "Accept");
  }
  const auto none = server.discovery.serve(DocumentRequest("/apis", {{"Accept", "text/html"}}));
  ASSERT_FALSE(none.has_value());
  const auto* status = none.error().detail<kube::Status>();
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(status->http_status, 406);
  server.stop(ctx);
}

FIBER_TEST(Discovery, TellsAVersionThatClientsCanParse) {
  Server server(ctx);
  const auto version = body_as_json(*server.discovery.serve(DocumentRequest("/version")));
  EXPECT_EQ(version.find_string("major"), "1");
  EXPECT_EQ(version.find_string("minor"), "34");
  EXPECT_EQ(version.find_string("gitVersion"), "v1.34.4+klutch");
  EXPECT_TRUE(version.find_string("platform").value_or("").starts_with("linux/"));
  server.stop(ctx);
}

FIBER_TEST(Discovery, ListsPathsInOrder) {
  Server server(ctx);
  set_widgets_served(ctx, *server.storage, true);
  const auto root = body_as_json(*server.discovery.serve(DocumentRequest("/")));
  std::vector<std::string> paths;
  for (const auto& path : (*root.get_array("paths"))->elements()) paths.emplace_back(path.as_string());
  EXPECT_TRUE(std::ranges::is_sorted(paths));
  for (const char* path : {"/api/v1", "/apis/apps/v1", "/apis/ex.io", "/apis/ex.io/v1beta1", "/healthz",
                           "/openapi/v2", "/version"}) {
    EXPECT_NE(std::ranges::find(paths, path), paths.end()) << path;
  }
  server.stop(ctx);
}

FIBER_TEST(Discovery, KnowsItsPathsFromOthers) {
  Server server(ctx);
  for (const char* path : {"/", "/api", "/api/", "/apis/", "/api/v1", "/apis/apps", "/apis/apps/v1/",
                           "/version", "/apis/none/v1", "/api/v2"}) {
    EXPECT_TRUE(Discovery::handles(DocumentRequest(path))) << path;
  }
  for (const char* path : {"/api/v1/pods", "/apis/apps/v1/deployments", "/openapi/v3", "/healthz",
                           "/version/x", "/apisx", "//"}) {
    EXPECT_FALSE(Discovery::handles(DocumentRequest(path))) << path;
  }
  for (const char* path : {"/apis/none", "/apis/none/v1", "/apis/apps/v9", "/api/v2", "/apis//v1"}) {
    const auto response = server.discovery.serve(DocumentRequest(path));
    ASSERT_FALSE(response.has_value()) << path;
    EXPECT_EQ(render_error(response.error(), DocumentRequest(path)).body.view(), "404 page not found\n")
        << path;
  }
  for (const char* path : {"/api/", "/apis/", "/apis/apps/", "/apis/apps/v1/"}) {
    EXPECT_TRUE(server.discovery.serve(DocumentRequest(path)).has_value()) << path;
  }
  server.stop(ctx);
}

FIBER_TEST(Discovery, ChangesNothing) {
  Server server(ctx);
  const auto response = server.discovery.serve(DocumentRequest("/apis/apps/v1", {}, "POST"));
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(render_error(response.error(), DocumentRequest("/")).status, 405);
  server.stop(ctx);
}

FIBER_TEST(Discovery, IsReadableForPeople) {
  Server server(ctx);
  const auto response =
      *server.discovery.serve(DocumentRequest("/apis/apps", {{"User-Agent", "curl/7.88.1"}}));
  EXPECT_TRUE(response.body.view().starts_with("{\n  \"kind\": \"APIGroup\",\n")) << response.body.view();
  server.stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
