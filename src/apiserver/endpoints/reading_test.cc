// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/reading.h"

#include "apiserver/endpoints/endpoints_testing.h"
#include "apiserver/endpoints/list_options.h"
#include "apiserver/endpoints/rendering.h"
#include "async/task_group.h"
#include "json/build.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;

constexpr auto kWidgets = "/apis/ex.io/v1/namespaces/n/widgets";
constexpr auto kAllWidgets = "/apis/ex.io/v1/widgets";

struct Rig {
  explicit Rig(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())) {}

  Result<http::Response> get(Ctx& ctx, std::string target, http::Headers headers = {}) {
    TestRequest request(resource, std::move(target), std::move(headers));
    return serve_get(ctx, request, {*storage, system_clock()});
  }
  Result<http::Response> list(Ctx& ctx, std::string target, http::Headers headers = {}) {
    TestRequest request(resource, std::move(target), std::move(headers));
    return serve_list(ctx, request, {*storage, system_clock()});
  }
  /// The list's items by name, or the message of the error.
  std::string names(Ctx& ctx, std::string target) {
    const auto response = list(ctx, std::move(target));
    if (!response) return response.error().message();
    std::string names;
    const json::Value body = body_of(*response);
    for (const auto& item : body.find("items")->elements()) {
      names += (names.empty() ? "" : " ") + std::string(kube::name(item));
    }
    return names;
  }
  StoredPtr put(Ctx& ctx, const kube::Key& key, const json::Value& labels = {},
                const json::Value& extra = {}) {
    return apiserver::put(ctx, *storage, resource, key, extra, labels);
  }

  ServedPtr resource = widgets();
  std::unique_ptr<Storage> storage;
};

json::Value labels(std::string_view key, std::string_view value) {
  return json::object({{key, value}});
}

const kube::Status& status_in(const Result<http::Response>& response) {
  static const kube::Status none;
  EXPECT_FALSE(response.has_value());
  const auto* status = response ? nullptr : response.error().detail<kube::Status>();
  EXPECT_NE(status, nullptr);
  return status != nullptr ? *status : none;
}

FIBER_TEST(Get, AnswersWithTheBytesThatAreStored) {
  Rig rig(ctx);
  const auto stored = rig.put(ctx, {"n", "a"});
  const auto response = rig.get(ctx, std::string(kWidgets) + "/a");
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body.view(), std::string(stored->bytes()) + "\n");
  rig.storage->stop(ctx);
}

FIBER_TEST(Get, SaysWhatIsNotThere) {
  Rig rig(ctx);
  const auto response = rig.get(ctx, std::string(kWidgets) + "/x");
  ASSERT_FALSE(response.has_value());
  EXPECT_EQ(response.error().code(), Code::kNotFound);
  const auto& status = status_in(response);
  EXPECT_EQ(status.message, R"(widgets.ex.io "x" not found)");
  EXPECT_EQ(status.name, "x");
  EXPECT_EQ(status.group, "ex.io");
  EXPECT_EQ(status.kind, "widgets");
  rig.storage->stop(ctx);
}

FIBER_TEST(Get, WaitsForAVersionThatIsYetToCome) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"});
  const auto next = std::to_string(rig.storage->revision() + 1);
  async::TaskGroup tasks(ctx);
  tasks.spawn("writer", [&](Ctx& task) -> Result<> {
    TRY(task.sleep(1s));
    rig.put(task, {"n", "b"});
    return {};
  });
  EXPECT_TRUE(rig.get(ctx, std::string(kWidgets) + "/a?resourceVersion=" + next).has_value());
  ASSERT_TRUE(tasks.wait(ctx));

  const Instant before = ctx.now();
  const auto late = rig.get(ctx, std::string(kWidgets) + "/a?resourceVersion=99999");
  EXPECT_GE(ctx.now() - before, 3s);
  EXPECT_LT(ctx.now() - before, 4s);
  const auto& status = status_in(late);
  EXPECT_EQ(late.error().code(), Code::kTimeout);
  EXPECT_EQ(status.http_status, 504);
  EXPECT_EQ(status.message, "Timeout: Too large resource version: 99999, current: " +
                                std::to_string(rig.storage->revision()));
  EXPECT_EQ(status.retry_after_seconds, 1);
  ASSERT_EQ(status.causes.size(), 1U);
  EXPECT_EQ(status.causes.front().reason, "ResourceVersionTooLarge");

  const auto bad = rig.get(ctx, std::string(kWidgets) + "/a?resourceVersion=abc");
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code(), Code::kBadRequest);
  EXPECT_EQ(bad.error().message(),
            R"(invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing )"
            R"("abc": invalid syntax)");
  rig.storage->stop(ctx);
}

FIBER_TEST(Get, GivesTheScaleOfAnObjectAndItsTable) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"}, {}, json::object({{"spec", json::object({{"replicas", 3}})}}));
  const auto scale = body_of(*rig.get(ctx, std::string(kWidgets) + "/a/scale"));
  EXPECT_EQ(scale.find_string("kind"), "Scale");
  EXPECT_EQ(scale.find("spec")->find_int("replicas"), 3);
  const auto table = body_of(*rig.get(ctx, std::string(kWidgets) + "/a/scale",
                                      {{"Accept", "application/json;as=Table;v=v1;g=meta.k8s.io"}}));
  EXPECT_EQ(table.find("columnDefinitions")->at(1).find_string("name"), "Desired");
  EXPECT_EQ(*table.find("rows")->at(0).find("cells"), json::array({"a", 3, 0, "<unknown>"}));
  const auto status = body_of(*rig.get(ctx, std::string(kWidgets) + "/a/status"));
  EXPECT_EQ(status.find_string("kind"), "Widget");
  rig.storage->stop(ctx);
}

FIBER_TEST(List, IsOrderedAndSaysTheRevisionOfTheStore) {
  Rig rig(ctx);
  for (const char* name : {"c", "a", "b"}) rig.put(ctx, {"n", name});
  rig.put(ctx, {"m", "z"});
  EXPECT_EQ(rig.names(ctx, kWidgets), "a b c");
  EXPECT_EQ(rig.names(ctx, kAllWidgets), "z a b c");
  const auto other = config_maps();
  apiserver::put(ctx, *rig.storage, other, {"n", "later"});
  const auto body = body_of(*rig.list(ctx, kWidgets));
  EXPECT_EQ(body.find("metadata")->find_string("resourceVersion"), std::to_string(rig.storage->revision()));
  rig.storage->stop(ctx);
}

FIBER_TEST(List, GivesPagesOfOneSnapshot) {
  Rig rig(ctx);
  for (const char* name : {"a", "b", "c", "d", "e"}) rig.put(ctx, {"n", name});
  const auto first = body_of(*rig.list(ctx, std::string(kWidgets) + "?limit=2"));
  EXPECT_EQ(first.find("items")->size(), 2U);
  EXPECT_EQ(first.find("metadata")->find_int("remainingItemCount"), 3);
  std::string token(first.find("metadata")->find_string("continue").value_or(""));
  const auto version = first.find("metadata")->find_string("resourceVersion");

  drop(ctx, *rig.storage, rig.resource, {"n", "d"});
  rig.put(ctx, {"n", "bb"});
  const auto second = body_of(*rig.list(ctx, std::string(kWidgets) + "?limit=2&continue=" + token));
  ASSERT_EQ(second.find("items")->size(), 2U);
  EXPECT_EQ(kube::name(second.find("items")->at(0)), "c");
  EXPECT_EQ(kube::name(second.find("items")->at(1)), "d");
  EXPECT_EQ(second.find("metadata")->find_string("resourceVersion"), version);
  token = second.find("metadata")->find_string("continue").value_or("");
  const auto third = body_of(*rig.list(ctx, std::string(kWidgets) + "?limit=2&continue=" + token));
  ASSERT_EQ(third.find("items")->size(), 1U);
  EXPECT_EQ(third.find("metadata")->find_string("continue"), "");
  EXPECT_FALSE(third.find("metadata")->contains("remainingItemCount"));
  rig.storage->stop(ctx);
}

FIBER_TEST(List, SaysNotHowManyRemainWhenItSelects) {
  Rig rig(ctx);
  for (const char* name : {"a", "b", "c"}) rig.put(ctx, {"n", name}, labels("x", "y"));
  const auto body = body_of(*rig.list(ctx, std::string(kWidgets) + "?limit=1&labelSelector=x%3Dy"));
  EXPECT_NE(body.find("metadata")->find_string("continue"), "");
  EXPECT_FALSE(body.find("metadata")->contains("remainingItemCount"));
  rig.storage->stop(ctx);
}

FIBER_TEST(List, CanGoOnWhenItsSnapshotIsLost) {
  Rig rig(ctx);
  for (const char* name : {"a", "b", "c"}) rig.put(ctx, {"n", name});
  const auto first = body_of(*rig.list(ctx, std::string(kWidgets) + "?limit=1"));
  const std::string token(first.find("metadata")->find_string("continue").value_or(""));
  rig.put(ctx, {"n", "aa"});
  rig.storage->compact();
  const auto lost = rig.list(ctx, std::string(kWidgets) + "?limit=1&continue=" + token);
  const auto& status = status_in(lost);
  EXPECT_EQ(lost.error().code(), Code::kGone);
  EXPECT_EQ(status.http_status, 410);
  EXPECT_EQ(status.reason, "Expired");
  ASSERT_FALSE(status.continue_token.empty());
  EXPECT_EQ(rig.names(ctx, std::string(kWidgets) + "?continue=" + status.continue_token), "aa b c");
  EXPECT_EQ(status_of(lost.error()).find("metadata")->find_string("continue"), status.continue_token);
  rig.storage->stop(ctx);
}

FIBER_TEST(List, KnowsWhichVersionIsMeant) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"});
  const std::string early = std::to_string(rig.storage->revision());
  rig.put(ctx, {"n", "b"});
  struct Case {
    const char* reason;
    std::string query;
    std::string names;
  };
  const Case cases[] = {
      {"unset", "", "a b"},
      {"any", "?resourceVersion=0", "a b"},
      {"any ignores the limit, as a watch cache does", "?resourceVersion=0&limit=1", "a b"},
      {"not older than", "?resourceVersion=" + early, "a b"},
      {"not older than, said so", "?resourceVersion=" + early + "&resourceVersionMatch=NotOlderThan", "a b"},
      {"exactly", "?resourceVersion=" + early + "&resourceVersionMatch=Exact", "a"},
      {"exactly, because it is a page", "?limit=5&resourceVersion=" + early, "a"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    EXPECT_EQ(rig.names(ctx, kWidgets + c.query), c.names);
  }
  rig.storage->compact();
  const auto expired =
      rig.list(ctx, std::string(kWidgets) + "?resourceVersion=" + early + "&resourceVersionMatch=Exact");
  EXPECT_EQ(status_in(expired).http_status, 410);
  EXPECT_EQ(status_in(expired).message, "The resourceVersion for the provided list is too old.");
  EXPECT_EQ(status_in(expired).continue_token, "");
  const auto future = rig.list(ctx, std::string(kWidgets) + "?resourceVersion=99999&limit=1");
  EXPECT_EQ(status_in(future).http_status, 504);
  rig.storage->stop(ctx);
}

FIBER_TEST(List, RefusesOptionsThatMakeNoSense) {
  Rig rig(ctx);
  rig.put(ctx, {"n", "a"});
  struct Case {
    const char* reason;
    std::string query;
    Code code;
    std::string message;
  };
  const std::string invalid = R"(ListOptions.meta.k8s.io "" is invalid: )";
  const Case cases[] = {
      {"no version", "resourceVersion=-1", Code::kBadRequest,
       R"(invalid resource version: resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": )"
       "invalid syntax"},
      {"match without version", "resourceVersionMatch=Exact", Code::kInvalid,
       invalid + "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion "
                 "is provided"},
      {"exactly any", "resourceVersionMatch=Exact&resourceVersion=0", Code::kInvalid,
       invalid + R"(resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for )"
                 R"(resourceVersion "0")"},
      {"another match", "resourceVersionMatch=x&resourceVersion=1", Code::kInvalid,
       invalid + R"(resourceVersionMatch: Unsupported value: "x": supported values: "Exact", )"
                 R"("NotOlderThan", "")"},
      {"initial events", "sendInitialEvents=true", Code::kInvalid,
       invalid + "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"},
      {"limit", "limit=x", Code::kBadRequest, R"(strconv.ParseInt: parsing "x": invalid syntax)"},
      {"token", "continue=%21", Code::kBadRequest, "invalid continue token: continue key is not valid"},
      {"label selector", "labelSelector=a+in+b", Code::kBadRequest, ""},
      {"field selector", "fieldSelector=a", Code::kBadRequest, ""},
      {"unknown field", "fieldSelector=spec.size%3D1", Code::kBadRequest,
       "field label not supported: spec.size"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    const auto response = rig.list(ctx, std::string(kWidgets) + "?" + c.query);
    ASSERT_FALSE(response.has_value());
    EXPECT_EQ(response.error().code(), c.code);
    if (!c.message.empty()) {
      EXPECT_EQ(response.error().message(), c.message);
    }
  }
  const std::string token = ContinueToken{.revision = 1, .after = {"n", "a"}}.encode();
  const auto both = rig.list(ctx, std::string(kWidgets) + "?resourceVersion=1&continue=" + token);
  ASSERT_FALSE(both.has_value());
  EXPECT_EQ(both.error().message(), "specifying resource version is not allowed when using continue");
  rig.resource = config_maps();
  EXPECT_EQ(rig.names(ctx, "/api/v1/configmaps?fieldSelector=data.a%3Db"),
            R"("data.a" is not a known field selector: only "metadata.name", "metadata.namespace")");
  rig.storage->stop(ctx);
}

FIBER_TEST(List, Selects) {
  Rig rig(ctx);
  const auto colored = [](std::string_view color) {
    return json::object({{"spec", json::object({{"color", color}})}});
  };
  rig.put(ctx, {"n", "a"}, labels("tier", "x"), colored("green"));
  rig.put(ctx, {"n", "b"}, labels("tier", "y"), colored("red"));
  rig.put(ctx, {"m", "c"}, {}, colored("blue"));
  struct Case {
    const char* reason;
    std::string query;
    std::string names;
  };
  const Case cases[] = {
      {"a label", "labelSelector=tier%3Dx", "a"},
      {"a set", "labelSelector=tier+in+(x,y)", "a b"},
      {"no such label", "labelSelector=%21tier", "c"},
      {"a name", "fieldSelector=metadata.name%3Db", "b"},
      {"a namespace", "fieldSelector=metadata.namespace!%3Dn", "c"},
      {"a field", "fieldSelector=spec.color%3Dgreen", "a"},
      {"another field", "fieldSelector=spec.color!%3Dgreen", "c b"},
      {"both", "fieldSelector=spec.color%3Dred&labelSelector=tier", "b"},
      {"nothing", "fieldSelector=spec.color%3Dpink", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.reason);
    EXPECT_EQ(rig.names(ctx, std::string(kAllWidgets) + "?" + c.query), c.names);
  }
  rig.storage->stop(ctx);
}

FIBER_TEST(List, OfANamespaceCannotBeLedIntoAnotherOneByAToken) {
  Rig rig(ctx);
  rig.put(ctx, {"m", "secret"});
  rig.put(ctx, {"n", "a"});
  rig.put(ctx, {"o", "secret"});
  for (const char* ns : {"m", "l", "n", "o"}) {
    const std::string token = ContinueToken{.revision = {}, .after = {ns, "0"}}.encode();
    const std::string names = rig.names(ctx, std::string(kWidgets) + "?continue=" + token);
    EXPECT_EQ(names, ns == std::string_view("o") ? "" : "a") << ns;
  }
  rig.storage->stop(ctx);
}

TEST(ContinueToken, IsReadAsItWasWrittenAndElseRefused) {
  const ContinueToken token{.revision = 7, .after = {"n", "a"}};
  const auto read = ContinueToken::decode(token.encode());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->revision, 7U);
  EXPECT_EQ(read->after, (kube::Key{"n", "a"}));
  const auto cluster = ContinueToken::decode(ContinueToken{.revision = {}, .after = {"", "a"}}.encode());
  ASSERT_TRUE(cluster.has_value());
  EXPECT_FALSE(cluster->revision.has_value());
  for (const char* bad : {"", "e30", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MCwic3RhcnQiOiJhIn0", "%"}) {
    EXPECT_FALSE(ContinueToken::decode(bad).has_value()) << bad;
  }
  EXPECT_FALSE(ContinueToken::decode(std::string(5000, 'A')).has_value());
}

}  // namespace
}  // namespace klutch::apiserver
