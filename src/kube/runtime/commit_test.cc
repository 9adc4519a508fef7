// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/commit.h"

#include <functional>

#include "json/build.h"
#include "json/parse.h"
#include "kube/runtime/fake_kube_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using json::array;
using json::object;

const ResourceType kWidget{"example.com", "v1", "widgets", "Widget"};
const Key kKey{"default", "a"};

Object widget() {
  return object({{"metadata", object({{"namespace", "default"}, {"name", "a"}})},
                 {"spec", object({{"size", 1}, {"tags", array({"x", "y"})}})},
                 {"status", object({{"phase", "New"}, {"conditions", array({1, 2})}})}});
}

Object deleting_widget(json::Value finalizers) {
  Object result = widget();
  result["metadata"].set("deletionTimestamp", "2026-01-01T00:00:00Z");
  result["metadata"].set("finalizers", std::move(finalizers));
  return result;
}

struct Case {
  const char* reason;
  std::function<void(Object&)> change;
  const char* main;    // "": no patch
  const char* status;  // "": no patch
  CommitOptions options = {};
};

TEST(PlanCommit, NamesExactlyWhatDiffers) {
  const Case cases[] = {
      {"nothing changed", [](Object&) {}, "", ""},
      {"a member set to what it is", [](Object& o) { o["spec"].set("size", 1); }, "", ""},
      {"spec", [](Object& o) { o["spec"].set("size", 2); }, R"({"spec":{"size":2}})", ""},
      {"status", [](Object& o) { o["status"].set("phase", "Up"); }, "", R"({"status":{"phase":"Up"}})"},
      {"conditions are replaced whole", [](Object& o) { o["status"]["conditions"].push_back(3); }, "",
       R"({"status":{"conditions":[1,2,3]}})"},
      {"metadata and status",
       [](Object& o) {
         set_label(o, "l", "v");
         o["status"].erase("phase");
       },
       R"({"metadata":{"labels":{"l":"v"}}})", R"({"status":{"phase":null}})"},
      {"all of status goes", [](Object& o) { o.erase("status"); }, "", R"({"status":null})"},
      {"an empty part that was only looked at",
       [](Object& o) {
         o["metadata"].set("annotations", json::Value::empty_object());
         o.set("data", json::Value::empty_object());
       },
       "", ""},
      {"an empty part inside of spec is meant",
       [](Object& o) { o["spec"].set("empty", json::Value::empty_object()); }, R"({"spec":{"empty":{}}})",
       ""},
      {"a failed reconcile stores only status",
       [](Object& o) {
         o["spec"].set("size", 2);
         o["status"].set("phase", "Up");
       },
       "",
       R"({"status":{"phase":"Up"}})",
       {.status_only = true}},
      {"without the subresource all goes together",
       [](Object& o) {
         o["spec"].set("size", 2);
         o["status"].set("phase", "Up");
       },
       R"({"spec":{"size":2},"status":{"phase":"Up"}})",
       "",
       {.status_subresource = false}},
      {"without the subresource, after a failure",
       [](Object& o) {
         o["spec"].set("size", 2);
         o["status"].set("phase", "Up");
       },
       R"({"status":{"phase":"Up"}})",
       "",
       {.status_subresource = false, .status_only = true}},
  };
  for (const Case& c : cases) {
    const Object before = widget();
    Object after = before;
    c.change(after);
    const auto plan = plan_commit(before, after, c.options);
    const auto check = [&](const std::optional<PlannedPatch>& planned, std::string_view expected) {
      ASSERT_EQ(planned.has_value(), !expected.empty()) << c.reason;
      if (!planned) return;
      EXPECT_EQ(planned->type, PatchType::kMerge) << c.reason;
      EXPECT_EQ(planned->patch, json::parse(expected).value()) << c.reason;
    };
    check(plan.main, c.main);
    check(plan.status, c.status);
    EXPECT_FALSE(plan.ends) << c.reason;
  }
}

TEST(PlanCommit, StatusThatIsNewAndEmptyIsNoChange) {
  Object before = widget();
  before.erase("status");
  Resource after(before);
  EXPECT_TRUE(after.status().empty());
  EXPECT_FALSE(plan_commit(before, after.object()).status.has_value());
}

TEST(PlanCommit, AMemberThatBecomesNullTakesAJsonPatch) {
  const Object before = widget();
  Object after = before;
  after["spec"].set("size", nullptr);
  after["status"].set("phase", "Up");
  const auto plan = plan_commit(before, after);
  ASSERT_TRUE(plan.main && plan.status);
  EXPECT_EQ(plan.main->type, PatchType::kJson);
  EXPECT_EQ(plan.main->patch,
            array({object({{"op", "replace"}, {"path", "/spec/size"}, {"value", nullptr}})}));
  EXPECT_EQ(plan.status->patch,
            array({object({{"op", "replace"}, {"path", "/status/phase"}, {"value", "Up"}})}));
}

TEST(PlanCommit, TakingTheLastFinalizerOfWhatIsBeingDeletedEndsIt) {
  const Object before = deleting_widget(array({"f", "g"}));
  Object one_left = before;
  remove_finalizer(one_left, "f");
  EXPECT_FALSE(plan_commit(before, one_left).ends);
  Object none_left = one_left;
  remove_finalizer(none_left, "g");
  EXPECT_TRUE(plan_commit(before, none_left).ends);
  EXPECT_FALSE(plan_commit(before, none_left, {.status_only = true}).ends);
}

/// Commits the change of an object as the server has it.
struct Committing {
  explicit Committing(Object start) : before(server.put(kWidget, std::move(start))), after(before) {}
  Result<> run(Ctx& ctx, const CommitOptions& options = {}) {
    return commit(ctx, server, kWidget, before, after, options, sent);
  }
  FakeKube server;
  Object before, after;
  CommitResult sent;
};

FIBER_TEST(Commit, SendsNothingWhenNothingChanged) {
  Committing commit(widget());
  ASSERT_TRUE(commit.run(ctx).has_value());
  EXPECT_EQ(commit.sent.requests, 0U);
  EXPECT_TRUE(commit.server.requests.empty());
}

FIBER_TEST(Commit, StoresTheMainPartFirstAndThenStatusOfThatVersion) {
  Committing commit(widget());
  commit.after["spec"].set("size", 2);
  commit.after["status"].set("phase", "Up");
  ASSERT_TRUE(commit.run(ctx).has_value());
  EXPECT_EQ(commit.sent.requests, 2U);
  const auto& stored = commit.server.at(kWidget, kKey);
  EXPECT_EQ(stored.find("spec")->find_int("size"), 2);
  EXPECT_EQ(stored.find("status")->find_string("phase"), "Up");
  EXPECT_EQ(commit.sent.resource_version, resource_version(stored));
  ASSERT_EQ(commit.server.requests.size(), 2U);
  EXPECT_EQ(commit.server.requests[0].find("status"), std::string::npos);
  EXPECT_NE(commit.server.requests[1].find("status"), std::string::npos);
}

FIBER_TEST(Commit, JsonPatchesKeepThePreconditionToo) {
  Committing commit(widget());
  commit.after["spec"].set("size", nullptr);
  ASSERT_TRUE(commit.run(ctx).has_value());
  EXPECT_TRUE(commit.server.at(kWidget, kKey).find("spec")->find("size")->is_null());
  EXPECT_EQ(commit.run(ctx).error().code(), Code::kConflict) << "`before` is out of date now";
}

FIBER_TEST(Commit, AnObjectThatChangedMeanwhileIsAConflict) {
  Committing commit(widget());
  Object other = commit.before;
  set_label(other, "by", "another");
  commit.server.put(kWidget, other);
  commit.after["status"].set("phase", "Up");
  EXPECT_EQ(commit.run(ctx).error().code(), Code::kConflict);
  EXPECT_EQ(commit.sent.resource_version, "");
  EXPECT_EQ(commit.server.at(kWidget, kKey).find("status")->find_string("phase"), "New");
}

FIBER_TEST(Commit, AnotherObjectOfTheSameNameIsAConflict) {
  Committing commit(widget());
  commit.server.erase(kWidget, kKey);
  commit.server.put(kWidget, widget());
  commit.after["spec"].set("size", 2);
  EXPECT_EQ(commit.run(ctx).error().code(), Code::kConflict);
}

FIBER_TEST(Commit, AnObjectThatIsGoneNeedsNoStoring) {
  Committing commit(widget());
  commit.server.erase(kWidget, kKey);
  commit.after["spec"].set("size", 2);
  commit.after["status"].set("phase", "Up");
  EXPECT_TRUE(commit.run(ctx).has_value());
  EXPECT_TRUE(commit.sent.gone);
  EXPECT_EQ(commit.sent.requests, 1U);
}

FIBER_TEST(Commit, NoStatusIsSentAfterTheLastFinalizerIsGone) {
  Committing commit(deleting_widget(array({"f"})));
  remove_finalizer(commit.after, "f");
  commit.after["status"].set("phase", "Gone");
  ASSERT_TRUE(commit.run(ctx).has_value());
  EXPECT_TRUE(commit.sent.gone);
  EXPECT_EQ(commit.sent.requests, 1U);
  EXPECT_FALSE(commit.server.has(kWidget, kKey));
}

FIBER_TEST(Commit, StatusIsSentWhileFinalizersOfOthersAreLeft) {
  Committing commit(deleting_widget(array({"f", "other"})));
  remove_finalizer(commit.after, "f");
  commit.after["status"].set("phase", "Going");
  ASSERT_TRUE(commit.run(ctx).has_value());
  EXPECT_FALSE(commit.sent.gone);
  EXPECT_EQ(commit.server.at(kWidget, kKey).find("status")->find_string("phase"), "Going");
}

FIBER_TEST(Commit, TellsWhatWasStoredBeforeItFailed) {
  Committing commit(widget());
  commit.after["spec"].set("size", 2);
  commit.after["status"].set("phase", "Up");
  commit.server.before = [](Ctx&, const Request& request) -> Result<> {
    if (request.subresource == "status") return fail(Code::kUnavailable, "no route");
    return {};
  };
  EXPECT_EQ(commit.run(ctx).error().code(), Code::kUnavailable);
  EXPECT_EQ(commit.sent.resource_version, resource_version(commit.server.at(kWidget, kKey)));
}

FIBER_TEST(Commit, ATypeWithoutTheSubresourceIsNotTakenForAnObjectThatIsGone) {
  Committing commit(widget());
  commit.server.without_status = {"widgets"};
  commit.after["status"].set("phase", "Up");
  EXPECT_EQ(commit.run(ctx).error().code(), Code::kNotFound);
  EXPECT_FALSE(commit.sent.gone);
  EXPECT_TRUE(commit.run(ctx, {.status_subresource = false}).has_value());
}

}  // namespace
}  // namespace klutch::kube
