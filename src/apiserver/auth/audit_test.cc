// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "apiserver/auth/audit_log.h"
#include "async/task_group.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "base/time.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using json::Value;

Result<AuditPolicy> policy_of(const std::string& rest) {
  return AuditPolicy::from_json(
      json::parse(R"({"kind":"Policy","apiVersion":"audit.k8s.io/v1",)" + rest + "}").value());
}

RequestAttributes asks(std::string verb, std::string ns, std::string resource, std::string name = "",
                       std::string sub = "", std::string group = "") {
  return {.is_resource = true,
          .verb = std::move(verb),
          .group = std::move(group),
          .version = "v1",
          .ns = std::move(ns),
          .resource = std::move(resource),
          .subresource = std::move(sub),
          .name = std::move(name)};
}

TEST(AuditPolicy, FollowsTheFirstRuleThatFits) {
  struct Case {
    const char* rule;
    RequestAttributes request;
    bool fits;
    const char* reason;
  };
  const User user{.name = "alice", .groups = {"dev"}};
  const Case cases[] = {
      {R"({})", asks("get", "a", "pods"), true, "no condition"},
      {R"({"users":["alice"]})", asks("get", "a", "pods"), true, "user"},
      {R"({"users":["bob"]})", asks("get", "a", "pods"), false, "another user"},
      {R"({"userGroups":["ops","dev"]})", asks("get", "a", "pods"), true, "group"},
      {R"({"userGroups":["ops"]})", asks("get", "a", "pods"), false, "another group"},
      {R"({"verbs":["get"]})", asks("list", "a", "pods"), false, "another verb"},
      {R"({"namespaces":["a"]})", asks("get", "a", "pods"), true, "namespace"},
      {R"({"namespaces":[""]})", asks("get", "", "nodes"), true, "no namespace is the empty one"},
      {R"({"namespaces":["a"]})", {.verb = "get", .path = "/api"}, false, "a path has none"},
      {R"({"resources":[{"group":""}]})", asks("get", "a", "pods"), true, "all of a group"},
      {R"({"resources":[{"group":"apps"}]})", asks("get", "a", "pods"), false, "another group"},
      {R"({"resources":[{"resources":["pods"]}]})", asks("get", "a", "pods", "x", "log"), false,
       "a subresource is apart"},
      {R"({"resources":[{"resources":["pods/log"]}]})", asks("get", "a", "pods", "x", "log"), true,
       "subresource"},
      {R"({"resources":[{"resources":["pods/*"]}]})", asks("get", "a", "pods", "x", "log"), true,
       "all below"},
      {R"({"resources":[{"resources":["pods/*"]}]})", asks("get", "a", "pods", "x"), true, "and itself"},
      {R"({"resources":[{"resources":["*/log"]}]})", asks("get", "a", "pods", "x", "log"), true,
       "of any resource"},
      {R"({"resources":[{"resources":["*"]}]})", asks("get", "a", "pods", "x", "log"), true, "everything"},
      {R"({"resources":[{"resources":["pods"],"resourceNames":["y"]}]})", asks("get", "a", "pods", "x"),
       false, "another name"},
      {R"({"nonResourceURLs":["/api*"]})", {.verb = "get", .path = "/api/v1"}, true, "prefix"},
      {R"({"nonResourceURLs":["/healthz"]})", {.verb = "get", .path = "/healthz/x"}, false, "another path"},
      {R"({"nonResourceURLs":["*"]})", asks("get", "a", "pods"), false, "a resource is no path"},
  };
  for (const auto& [rule, request, fits, reason] : cases) {
    auto object = json::parse(rule).value();
    object.set("level", "Request");
    const auto policy = policy_of(R"("rules":[)" + json::print(object) + R"(,{"level":"Metadata"}])");
    ASSERT_TRUE(policy) << reason << policy.error().message();
    EXPECT_EQ(policy->decide(user, request).level, fits ? AuditLevel::kRequest : AuditLevel::kMetadata)
        << reason;
  }
}

TEST(AuditPolicy, OmitsStagesOfTheRuleAndOfAll) {
  const auto policy = policy_of(R"("omitStages":["RequestReceived"],"omitManagedFields":true,"rules":[
      {"level":"Metadata","users":["alice"],"omitStages":["ResponseStarted"],"omitManagedFields":false},
      {"level":"Metadata"}])");
  ASSERT_TRUE(policy);
  const auto alice = policy->decide({.name = "alice"}, asks("get", "", "nodes"));
  EXPECT_FALSE(alice.logs(AuditStage::kRequestReceived));
  EXPECT_FALSE(alice.logs(AuditStage::kResponseStarted));
  EXPECT_TRUE(alice.logs(AuditStage::kResponseComplete));
  EXPECT_FALSE(alice.omits_managed_fields);
  const auto bob = policy->decide({.name = "bob"}, asks("get", "", "nodes"));
  EXPECT_TRUE(bob.logs(AuditStage::kResponseStarted));
  EXPECT_TRUE(bob.omits_managed_fields);
  EXPECT_FALSE(AuditPolicy().decide({}, {}).logs(AuditStage::kResponseComplete));
}

TEST(AuditPolicy, NamesTheFieldThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("rules":[])", "rules"},
      {R"("rules":[{"level":"Metadata"},{"level":"metadata"}])", "rules[1].level"},
      {R"("rules":[{}])", "rules[0].level"},
      {R"("omitStages":["Never"],"rules":[{"level":"None"}])", "omitStages"},
      {R"("rules":[{"level":"None","users":"alice"}])", "rules[0].users"},
      {R"("rules":[{"level":"None","nonResourceURLs":["api"]}])", "rules[0].nonResourceURLs"},
      {R"("rules":[{"level":"None","nonResourceURLs":["/a*b"]}])", "rules[0].nonResourceURLs"},
      {R"("rules":[{"level":"None","nonResourceURLs":["/a"],"namespaces":["a"]}])",
       "rules[0].nonResourceURLs"},
      {R"("rules":[{"level":"None","resources":[{"resourceNames":["a"]}]}])",
       "rules[0].resources.resourceNames"},
  };
  for (const auto& [rest, field] : cases) {
    const auto policy = policy_of(rest);
    ASSERT_FALSE(policy) << rest;
    EXPECT_EQ(policy.error().code(), Code::kInvalid);
    EXPECT_TRUE(policy.error().message().starts_with(std::string(field) + ": ")) << policy.error().message();
  }
  EXPECT_FALSE(AuditPolicy::from_json(json::object({{"kind", "Policy"}})));
}

/// A request of alice that was refused, as kube-apiserver 1.34.4 logged it.
constexpr const char* kRecordedEvent =
    R"({"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Request","auditID":"918ed7c7","stage":"ResponseComplete","requestURI":"/apis/apps/v1/namespaces/b/deployments/foo","verb":"get","user":{"username":"alice","uid":"u-alice","groups":["dev","ops","system:authenticated"]},"sourceIPs":["127.0.0.1"],"userAgent":"Python-urllib/3.11","objectRef":{"resource":"deployments","namespace":"b","name":"foo","apiGroup":"apps","apiVersion":"v1"},"responseStatus":{"metadata":{},"status":"Failure","message":"no","reason":"Forbidden","details":{"name":"foo","group":"apps","kind":"deployments"},"code":403},"requestReceivedTimestamp":"2026-11-21T15:03:32.467903Z","stageTimestamp":"2026-11-21T15:03:32.468121Z","annotations":{"authorization.k8s.io/decision":"forbid","authorization.k8s.io/reason":""}})";

const RequestAttributes kGetFoo = asks("get", "b", "deployments", "foo", "", "apps");
const User kAuditUser{.name = "alice", .uid = "u-alice", .groups = {"dev", "ops", "system:authenticated"}};

TEST(AuditEvent, IsThatOfKubeApiserver) {
  const auto failure = json::parse(R"({"kind":"Status","metadata":{},"status":"Failure","message":"no",
      "reason":"Forbidden","details":{"name":"foo","group":"apps","kind":"deployments"},"code":403})")
                           .value();
  const AuditRecord record{.id = "918ed7c7",
                           .request_uri = "/apis/apps/v1/namespaces/b/deployments/foo",
                           .attributes = kGetFoo,
                           .user = kAuditUser,
                           .source_ip = "127.0.0.1",
                           .user_agent = "Python-urllib/3.11",
                           .status = 403,
                           .failure = &failure,
                           .decision = "forbid",
                           .received = parse_rfc3339("2026-11-21T15:03:32.467903Z").value(),
                           .now = parse_rfc3339("2026-11-21T15:03:32.468121Z").value()};
  const auto event = audit_event(record, {.level = AuditLevel::kRequest}, AuditStage::kResponseComplete);
  EXPECT_EQ(json::print(event, {.escape_html = false}), kRecordedEvent);
}

TEST(AuditEvent, HasBodiesOnlyWhereTheyAreWanted) {
  const auto body = json::parse(R"({"metadata":{"name":"x","managedFields":[{}]}})").value();
  const User other{.name = "bob"};
  const AuditRecord record{.attributes = kGetFoo,
                           .user = kAuditUser,
                           .impersonated = &other,
                           .status = 200,
                           .request_object = &body,
                           .response_object = &body};
  const auto event = [&](AuditLevel level, bool omit) {
    return audit_event(record, {.level = level, .omits_managed_fields = omit}, AuditStage::kResponseComplete);
  };
  EXPECT_FALSE(event(AuditLevel::kMetadata, false).contains("requestObject"));
  EXPECT_TRUE(event(AuditLevel::kRequest, false).contains("requestObject"));
  EXPECT_FALSE(event(AuditLevel::kRequest, false).contains("responseObject"));
  EXPECT_EQ(*event(AuditLevel::kRequestResponse, false).find("responseObject"), body);
  EXPECT_EQ(*event(AuditLevel::kRequestResponse, true).find("responseObject"),
            json::parse(R"({"metadata":{"name":"x"}})").value());
  EXPECT_EQ(*event(AuditLevel::kMetadata, true).find("impersonatedUser"),
            json::object({{"username", "bob"}}));
}

AuditPolicy log_all() {
  return policy_of(R"("omitStages":["RequestReceived"],"rules":[{"level":"Metadata"}])").value();
}

std::size_t lines_in(const std::string& path) {
  const auto text = os::read_file(path);
  return text ? static_cast<std::size_t>(std::ranges::count(*text, '\n')) : 0;
}

IO_FIBER_TEST(AuditLog, WritesLinesAndTheLastOnesWhenItEnds) {
  const auto folder = os::TempDir::create().value();
  const auto path = folder.file("audit.log");
  AuditLog log({.path = path, .policy = log_all()});
  const AuditRecord record{.attributes = kGetFoo, .user = kAuditUser, .status = 200};
  async::TaskGroup tasks(ctx);
  tasks.spawn("audit", [&](Ctx& task) { return log.run(task); });
  log.write(record, AuditStage::kRequestReceived);
  log.write(record, AuditStage::kResponseComplete);
  while (lines_in(path) < 1) ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(10)));
  ASSERT_TRUE(os::remove_file(path));
  log.write(record, AuditStage::kResponseComplete);
  log.write(record, AuditStage::kResponseComplete);
  tasks.stop(ctx);
  EXPECT_EQ(lines_in(path), 2U) << "in a new file, since the old one was moved away";
  EXPECT_EQ(os::find_file(path).value()->mode, 0600U);
  EXPECT_EQ(log.lost(), 0U);
}

TEST(AuditLog, DropsAndCountsWhatFindsNoRoom) {
  AuditLog log({.path = "unused", .policy = log_all(), .max_waiting_bytes = 1000});
  const AuditRecord record{.attributes = kGetFoo, .user = kAuditUser, .status = 200};
  for (int i = 0; i < 100; ++i) log.write(record, AuditStage::kResponseComplete);
  EXPECT_GE(log.lost(), 97U);
}

}  // namespace
}  // namespace klutch::apiserver
