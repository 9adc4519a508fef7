// SPDX-License-Identifier: Apache-2.0
#include "kube/client/client.h"

#include <gtest/gtest.h>

#include <deque>

#include "json/build.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

const ResourceType kWidget{"ex.io", "v1", "widgets", "Widget"};

class Widget : public Resource {
 public:
  using Resource::Resource;
  static const ResourceType& type() { return kWidget; }
};

/// Gives what a test has put in, and keeps what it was asked.
class ScriptedClient final : public Client {
 public:
  Result<Object> send(Ctx& /*ctx*/, const Request& request) override {
    requests.push_back(request);
    if (answers.empty()) return fail(Code::kInternal, "unexpected " + request.to_string());
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  Result<std::unique_ptr<WatchStream>> open(Ctx& /*ctx*/, const Request& request) override {
    requests.push_back(request);
    return fail(Code::kUnsupported, "no watches here");
  }
  [[nodiscard]] std::string query(std::size_t index, std::string_view name) const {
    return std::string(requests.at(index).query.get(name).value_or(""));
  }

  std::deque<Result<Object>> answers;
  std::vector<Request> requests;
};

Object page(std::initializer_list<json::Item> items, std::string_view token = "") {
  return json::object({{"kind", "WidgetList"},
                       {"metadata", json::object({{"resourceVersion", "7"}, {"continue", token}})},
                       {"items", json::array(items)}});
}

Object named(std::string_view name) {
  return json::object({{"metadata", json::object({{"name", name}})}});
}

Result<Object> refused(int code, const std::string& reason, const std::string& name = "") {
  Status status;
  status.http_status = code;
  status.reason = reason;
  status.message = reason;
  status.name = name;
  return fail(status.to_error());
}

FIBER_TEST(Client, ListsAllPages) {
  ScriptedClient client;
  client.answers.push_back(page({named("a"), named("b")}, "next"));
  client.answers.push_back(page({named("c")}));
  const auto list = client.list(ctx, kWidget, {.ns = "n", .resource_version = "5"});
  ASSERT_TRUE(list) << list.error().message();
  ASSERT_EQ(list->items.size(), 3U);
  EXPECT_EQ(name(list->items[2]), "c");
  EXPECT_EQ(list->resource_version, "7");
  ASSERT_EQ(client.requests.size(), 2U);
  EXPECT_EQ(client.query(0, "limit"), "500");
  EXPECT_EQ(client.query(0, "resourceVersion"), "5");
  EXPECT_EQ(client.query(1, "continue"), "next");
  EXPECT_EQ(client.query(1, "resourceVersion"), "") << "the token says it";
}

FIBER_TEST(Client, ItemsOfAListKnowTheirKind) {
  ScriptedClient client;
  auto other = named("b");
  other.set("kind", "Other");
  other.set("apiVersion", "v9");
  client.answers.push_back(page({named("a"), std::move(other)}));
  const auto items = client.list_page(ctx, kWidget)->items;
  EXPECT_EQ(kind(items[0]), "Widget");
  EXPECT_EQ(api_version(items[0]), "ex.io/v1");
  EXPECT_EQ(kind(items[1]), "Other") << "what a server says stays";
  EXPECT_EQ(api_version(items[1]), "v9");
  client.answers.push_back(page({named("a")}));
  const auto metadata = client.list_page(ctx, kWidget, {.metadata_only = true})->items;
  EXPECT_EQ(kind(metadata[0]), "PartialObjectMetadata");
  EXPECT_EQ(api_version(metadata[0]), "meta.k8s.io/v1");
}

FIBER_TEST(Client, AnExpiredTokenStartsOverOnceWithoutPages) {
  ScriptedClient client;
  client.answers.push_back(page({named("a")}, "next"));
  client.answers.push_back(refused(410, "Expired"));
  client.answers.push_back(page({named("x"), named("y")}));
  const auto list = client.list(ctx, kWidget, {.limit = 1, .resource_version = "5"});
  ASSERT_TRUE(list) << list.error().message();
  EXPECT_EQ(list->items.size(), 2U) << "nothing of the forgotten state is left";
  EXPECT_EQ(client.query(2, "limit"), "");
  EXPECT_EQ(client.query(2, "continue"), "");
  EXPECT_EQ(client.query(2, "resourceVersion"), "5");

  client.answers.push_back(refused(410, "Expired"));
  EXPECT_EQ(client.list(ctx, kWidget).error().code(), Code::kGone) << "the first page has no token to expire";
  EXPECT_EQ(client.requests.size(), 4U);
}

FIBER_TEST(Client, AListThatIsNoListIsAnError) {
  ScriptedClient client;
  client.answers.push_back(named("a"));
  EXPECT_EQ(client.list(ctx, kWidget).error().code(), Code::kInternal);
  client.answers.push_back(json::object({{"items", 5}}));
  EXPECT_EQ(client.list(ctx, kWidget).error().code(), Code::kInternal);
  client.answers.push_back(json::object({{"items", nullptr}}));
  EXPECT_TRUE(client.list(ctx, kWidget)->items.empty()) << "an empty list of Go";
}

FIBER_TEST(Client, AbsenceIsOnlyWhatTheServerSaysOfThisObject) {
  struct Case {
    Result<Object> answer;
    bool absent;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {refused(404, "NotFound", "a"), true, "this object"},
      {refused(404, "NotFound"), false, "the type is not known"},
      {refused(404, "NotFound", "n"), false, "the namespace is missing"},
      {Result<Object>(fail(Code::kNotFound, "404 page not found")), false, "no Status at all"},
      {refused(403, "Forbidden", "a"), false, "forbidden is not absent"},
      {refused(503, "ServiceUnavailable", "a"), false, "unavailable is not absent"},
      {refused(410, "Gone", "a"), false, "neither is gone"},
  };
  for (const auto& [answer, absent, reason] : cases) {
    ScriptedClient client;
    client.answers = {answer, answer};
    const auto found = client.find(ctx, kWidget, {"n", "a"});
    EXPECT_EQ(found.has_value(), absent) << reason;
    EXPECT_FALSE(found && found->has_value()) << reason;
    const auto removed = client.remove(ctx, kWidget, {"n", "a"});
    EXPECT_EQ(removed.has_value(), absent) << reason;
    EXPECT_FALSE(removed && *removed) << reason;
  }
}

FIBER_TEST(Client, WritesGoWhereTheObjectSays) {
  ScriptedClient client;
  for (int i = 0; i < 6; ++i) client.answers.push_back(json::object());
  auto object = named("a");
  object["metadata"]["namespace"] = "n";
  ASSERT_TRUE(client.create(ctx, kWidget, object));
  ASSERT_TRUE(client.update_status(ctx, kWidget, object));
  ASSERT_TRUE(client.apply(ctx, kWidget, object, {.field_manager = "me"}));
  EXPECT_TRUE(client.remove(ctx, kWidget, {"n", "a"}).value());
  ASSERT_TRUE(client.remove_all(ctx, kWidget, {.ns = "n"}));
  ASSERT_TRUE(client.get<Widget>(ctx, {"n", "c"}));
  const auto sent = [&](std::size_t i) { return client.requests[i].method + " " + client.requests[i].path; };
  EXPECT_EQ(sent(0), "POST /apis/ex.io/v1/namespaces/n/widgets");
  EXPECT_EQ(sent(1), "PUT /apis/ex.io/v1/namespaces/n/widgets/a/status");
  EXPECT_EQ(sent(2), "PATCH /apis/ex.io/v1/namespaces/n/widgets/a");
  EXPECT_EQ(client.query(2, "fieldManager"), "me");
  EXPECT_EQ(sent(3), "DELETE /apis/ex.io/v1/namespaces/n/widgets/a");
  EXPECT_EQ(sent(4), "DELETE /apis/ex.io/v1/namespaces/n/widgets");
  EXPECT_EQ(sent(5), "GET /apis/ex.io/v1/namespaces/n/widgets/c");
}

FIBER_TEST(Client, AClientWithoutETagsSendsTheDocumentAgain) {
  ScriptedClient client;
  client.answers.push_back(json::object({{"a", 1}}));
  const auto document = client.fetch(ctx, raw_request("/apis"), "\"tag\"");
  EXPECT_FALSE(document->not_modified);
  EXPECT_EQ(document->object.find_int("a"), 1);
}

TEST(ClientDeathTest, ApplyNeedsAFieldManager) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        async::Loop loop;
        static_cast<void>(loop.run([](Ctx& ctx) -> Result<> {
          ScriptedClient client;
          TRY(client.apply(ctx, kWidget, named("a"), {}));
          return {};
        }));
      },
      "field_manager");
}

}  // namespace
}  // namespace klutch::kube
