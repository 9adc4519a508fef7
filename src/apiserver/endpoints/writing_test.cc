// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/writing.h"

#include <gtest/gtest.h>

#include "apiserver/endpoints/endpoints_testing.h"
#include "json/build.h"
#include "json/print.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

const std::string kCollection = "/apis/ex.io/v1/namespaces/n/widgets";
const std::string kObject = "/apis/ex.io/v1/namespaces/n/widgets/a";

struct Stand {
  explicit Stand(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())), verbs(*storage, {}) {}

  std::unique_ptr<Storage> storage;
  Verbs verbs;
  ServedPtr resource = widgets();
};

FIBER_TEST(Writing, CreatesAnswersAndWarns) {
  Stand stand(ctx);
  TestRequest request(stand.resource, kCollection, {{"User-Agent", "curl/8"}}, "POST",
                      R"({"metadata":{"name":"a"},"spec":{"color":"red","color":"blue"}})");
  const auto created = serve_create(ctx, request, stand.verbs);
  ASSERT_TRUE(created) << created.error().message();
  EXPECT_EQ(created->status, 201);
  const auto object = body_of(*created);
  EXPECT_EQ(object.find("spec")->find_string("color"), "blue");
  EXPECT_EQ(object.find("metadata")->find_array("managedFields")->at(0).find_string("manager"), "curl");
  EXPECT_EQ(created->headers.get("Warning"), R"(299 - "duplicate field \"spec.color\"")");
  stand.storage->stop(ctx);
}

FIBER_TEST(Writing, UpdatesWithoutCreating) {
  Stand stand(ctx);
  TestRequest missing(stand.resource, kObject, {}, "PUT",
                      R"({"metadata":{"name":"a","resourceVersion":"1"}})");
  EXPECT_EQ(serve_update(ctx, missing, stand.verbs).error().code(), Code::kNotFound);
  const auto stored = put(ctx, *stand.storage, stand.resource, {"n", "a"});
  json::Value object = stored->to_value();
  object["spec"] = json::object({{"color", "red"}});
  TestRequest update(stand.resource, kObject, {}, "PUT", json::print(object));
  const auto updated = serve_update(ctx, update, stand.verbs);
  ASSERT_TRUE(updated) << updated.error().message();
  EXPECT_EQ(updated->status, 200);
  EXPECT_EQ(kube::resource_version(body_of(*updated)), "2");
  stand.storage->stop(ctx);
}

FIBER_TEST(Writing, PatchesByMediaType) {
  Stand stand(ctx);
  put(ctx, *stand.storage, stand.resource, {"n", "a"}, json::object({{"spec", json::object({{"a", 1}})}}));
  const auto patch = [&](std::string_view media_type, std::string body) {
    TestRequest request(stand.resource, kObject + "?fieldManager=t", {{"Content-Type", media_type}}, "PATCH",
                        std::move(body));
    return serve_patch(ctx, request, stand.verbs);
  };
  EXPECT_EQ(patch("application/merge-patch+json", R"({"spec":{"b":2}})")->status, 200);
  EXPECT_EQ(patch("application/json-patch+json", R"([{"op":"remove","path":"/spec/a"}])")->status, 200);
  EXPECT_EQ(patch("application/apply-patch+yaml",
                  "apiVersion: ex.io/v1\nkind: Widget\nmetadata:\n  name: a\nspec:\n  c: 3\n")
                ->status,
            200);
  const auto spec = *stand.storage->get("widgets.ex.io", {"n", "a"})->to_value().find("spec");
  EXPECT_EQ(spec, json::object({{"b", 2}, {"c", 3}}));

  const auto refused = patch("application/strategic-merge-patch+json", "{}");
  ASSERT_FALSE(refused);
  const auto status = kube::Status::from_error(refused.error());
  EXPECT_EQ(status.http_status, 415);
  EXPECT_EQ(status.message,
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
  stand.storage->stop(ctx);
}

FIBER_TEST(Writing, ApplyCreatesWhatIsMissing) {
  Stand stand(ctx);
  TestRequest request(stand.resource, kObject + "?fieldManager=t",
                      {{"Content-Type", "application/apply-patch+yaml"}}, "PATCH",
                      "apiVersion: ex.io/v1\nkind: Widget\nmetadata:\n  name: a\n");
  EXPECT_EQ(serve_patch(ctx, request, stand.verbs)->status, 201);
  stand.storage->stop(ctx);
}

FIBER_TEST(Writing, DeletionsAnswerWithAStatusOrTheObjectThatStays) {
  Stand stand(ctx);
  put(ctx, *stand.storage, stand.resource, {"n", "a"});
  TestRequest request(stand.resource, kObject, {}, "DELETE", R"({"propagationPolicy":"Foreground"})");
  auto answer = body_of(*serve_delete(ctx, request, stand.verbs));
  EXPECT_EQ(answer.find_string("kind"), "Widget");
  EXPECT_TRUE(kube::is_deleting(answer));
  TestRequest again(stand.resource, kObject + "?propagationPolicy=Background", {}, "DELETE");
  answer = body_of(*serve_delete(ctx, again, stand.verbs));
  EXPECT_EQ(answer.find_string("kind"), "Status");
  EXPECT_EQ(answer.find_string("status"), "Success");
  EXPECT_EQ(answer.find("details")->find_string("kind"), "widgets");
  EXPECT_EQ(stand.storage->count("widgets.ex.io"), 0U);
  stand.storage->stop(ctx);
}

FIBER_TEST(Writing, CollectionsAreDeletedBySelector) {
  Stand stand(ctx);
  for (int i = 0; i < 100; ++i) {
    put(ctx, *stand.storage, stand.resource, {"n", "w" + std::to_string(i)}, {},
        json::object({{"odd", i % 2 == 1 ? "yes" : "no"}}));
  }
  put(ctx, *stand.storage, stand.resource, {"other", "w"}, {}, json::object({{"odd", "yes"}}));
  TestRequest request(stand.resource, kCollection + "?labelSelector=odd%3Dyes", {}, "DELETE");
  const auto list = body_of(*serve_delete_collection(ctx, request, stand.verbs));
  EXPECT_EQ(list.find_array("items")->size(), 50U);
  EXPECT_EQ(stand.storage->count("widgets.ex.io", "n"), 50U);
  EXPECT_EQ(stand.storage->count("widgets.ex.io", "other"), 1U);
  stand.storage->stop(ctx);
}

FIBER_TEST(Writing, ActionsStoreNothing) {
  Stand stand(ctx);
  auto resource = std::make_shared<ServedResource>(*stand.resource);
  resource->actions[""] = [](Ctx&, const ActionRequest& asked, json::Value object) -> Result<json::Value> {
    object.set("status", json::object({{"by", asked.user.name}}));
    return object;
  };
  TestRequest request(resource, kCollection, {}, "POST", R"({"spec":{}})");
  request.api().user.name = "tester";
  const auto answer = serve_create(ctx, request, stand.verbs);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(body_of(*answer).find("status")->find_string("by"), "tester");
  EXPECT_EQ(body_of(*answer).find_string("kind"), "Widget");
  TestRequest other(resource, kCollection, {}, "POST", R"({"kind":"Gadget"})");
  EXPECT_EQ(serve_create(ctx, other, stand.verbs).error().code(), Code::kBadRequest);
  stand.storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
