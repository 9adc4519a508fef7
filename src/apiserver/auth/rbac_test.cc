// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/rbac.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "json/parse.h"

namespace klutch::apiserver {
namespace {

class Objects final : public RbacObjects {
 public:
  void role(const std::string& ns, const std::string& name, const char* rules) {
    const auto object = json::parse(std::string(R"({"rules":)") + rules + "}").value();
    roles_[{ns, name}] = std::make_shared<const PolicyRules>(policy_rules_of(object));
  }
  void bind(const char* binding) {
    bindings_.push_back(std::make_shared<const Binding>(Binding::from_json(json::parse(binding).value())));
  }
  std::vector<BindingPtr> cluster_role_bindings() const override { return in(""); }
  std::vector<BindingPtr> role_bindings(std::string_view ns) const override { return in(ns); }
  std::shared_ptr<const PolicyRules> rules_of_role(std::string_view ns,
                                                   std::string_view name) const override {
    const auto found = roles_.find({std::string(ns), std::string(name)});
    return found == roles_.end() ? nullptr : found->second;
  }

 private:
  std::vector<BindingPtr> in(std::string_view ns) const {
    std::vector<BindingPtr> some;
    for (const auto& binding : bindings_) {
      if (binding->ns == ns) some.push_back(binding);
    }
    return some;
  }
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const PolicyRules>> roles_;
  std::vector<BindingPtr> bindings_;
};

RequestAttributes asks(const char* verb, const char* resource, const char* ns = "", const char* name = "",
                       const char* group = "") {
  const std::string text(resource);
  const auto slash = text.find('/');
  return {.is_resource = true,
          .verb = verb,
          .group = group,
          .version = "v1",
          .ns = ns,
          .resource = text.substr(0, slash),
          .subresource = slash == std::string::npos ? "" : text.substr(slash + 1),
          .name = name};
}

TEST(PolicyRule, AllowsExactlyWhatItSays) {
  struct Case {
    const char* rule;
    RequestAttributes request;
    bool allowed;
    const char* reason;
  };
  const Case cases[] = {
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"]})", asks("get", "pods", "a", "x"), true,
       "exact"},
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"]})", asks("list", "pods"), false,
       "another verb"},
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"]})", asks("get", "pods/log"), false,
       "a subresource is apart"},
      {R"({"verbs":["get"],"apiGroups":["apps"],"resources":["pods"]})", asks("get", "pods"), false,
       "another group"},
      {R"({"verbs":["*"],"apiGroups":["*"],"resources":["*"]})", asks("get", "pods/log"), true,
       "stars cover subresources"},
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["*/log"]})", asks("get", "pods/log"), true,
       "any resource's log"},
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["*/log"]})", asks("get", "pods"), false,
       "not the resource itself"},
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":["x"]})",
       asks("get", "pods", "a", "x"), true, "named"},
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":["x"]})",
       asks("get", "pods", "a", "y"), false, "another name"},
      {R"({"verbs":["create"],"apiGroups":[""],"resources":["pods"],"resourceNames":["x"]})",
       asks("create", "pods", "a"), false, "create has no name"},
      {R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":[""]})",
       asks("get", "pods", "a"), false, "an empty name names nothing"},
      {R"({"verbs":["get"],"nonResourceURLs":["/healthz","/api/*"]})",
       {.verb = "get", .path = "/healthz"},
       true,
       "a path"},
      {R"({"verbs":["get"],"nonResourceURLs":["/healthz","/api/*"]})",
       {.verb = "get", .path = "/api/v1"},
       true,
       "a prefix"},
      {R"({"verbs":["get"],"nonResourceURLs":["/healthz","/api/*"]})",
       {.verb = "get", .path = "/healthz/x"},
       false,
       "no prefix"},
      {R"({"verbs":["*"],"apiGroups":["*"],"resources":["*"]})",
       {.verb = "get", .path = "/metrics"},
       false,
       "resources grant no path"},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(PolicyRule::from_json(json::parse(test.rule).value()).allows(test.request), test.allowed)
        << test.reason;
  }
}

class RbacTest : public ::testing::Test {
 protected:
  RbacTest() {
    objects_.role("", "reader", R"([{"verbs":["get","list"],"apiGroups":[""],"resources":["secrets"]}])");
    objects_.role("a", "writer", R"([{"verbs":["create"],"apiGroups":[""],"resources":["secrets"]}])");
    objects_.bind(R"({"metadata":{"name":"all"},"roleRef":{"kind":"ClusterRole","name":"reader"},
                      "subjects":[{"kind":"Group","name":"auditors"}]})");
    objects_.bind(
        R"({"metadata":{"name":"in-a","namespace":"a"},"roleRef":{"kind":"ClusterRole","name":"reader"},
                      "subjects":[{"kind":"User","name":"alice"},{"kind":"ServiceAccount","name":"robot"}]})");
    objects_.bind(R"({"metadata":{"name":"write-a","namespace":"a"},"roleRef":{"kind":"Role","name":"writer"},
                      "subjects":[{"kind":"ServiceAccount","name":"robot","namespace":"b"}]})");
    objects_.bind(R"({"metadata":{"name":"dangling"},"roleRef":{"kind":"ClusterRole","name":"gone"},
                      "subjects":[{"kind":"User","name":"alice"}]})");
    objects_.bind(R"({"metadata":{"name":"bad"},"roleRef":{"kind":"Role","name":"writer"},
                      "subjects":[{"kind":"User","name":"mallory"},{"kind":"ServiceAccount","name":"robot"}]})");
  }
  bool may(const char* user, const RequestAttributes& request, std::vector<std::string> groups = {}) const {
    return authorize(objects_, {.name = user, .groups = std::move(groups)}, request).has_value();
  }
  Objects objects_;
};

TEST_F(RbacTest, GrantsAddUpAndStayInTheirNamespace) {
  EXPECT_TRUE(may("alice", asks("get", "secrets", "a", "x")));
  EXPECT_FALSE(may("alice", asks("get", "secrets", "b", "x")));
  EXPECT_FALSE(may("alice", asks("list", "secrets")));
  EXPECT_FALSE(may("alice", asks("create", "secrets", "a")));
  EXPECT_TRUE(may("bob", asks("list", "secrets"), {"auditors"}));
  EXPECT_TRUE(may("bob", asks("get", "secrets", "b", "x"), {"auditors"}));
  EXPECT_FALSE(may("bob", asks("get", "secrets", "a", "x")));
}

TEST_F(RbacTest, ServiceAccountsAreThoseOfTheirNamespaceOnly) {
  EXPECT_TRUE(may("system:serviceaccount:a:robot", asks("get", "secrets", "a", "x")))
      << "the binding's own namespace";
  EXPECT_FALSE(may("system:serviceaccount:b:robot", asks("get", "secrets", "a", "x")));
  EXPECT_TRUE(may("system:serviceaccount:b:robot", asks("create", "secrets", "a")));
  EXPECT_FALSE(may("system:serviceaccount::robot", asks("get", "secrets")))
      << "a cluster-wide subject without namespace";
  EXPECT_FALSE(may("mallory", asks("create", "secrets", "a")))
      << "a ClusterRoleBinding to a Role grants nothing";
}

TEST_F(RbacTest, MastersMayDoAnything) {
  EXPECT_TRUE(may("root", asks("delete", "nodes"), {"system:masters"}));
  EXPECT_TRUE(may("root", {.verb = "get", .path = "/metrics"}, {"system:masters"}));
}

TEST_F(RbacTest, SaysByWhatARequestIsAllowed) {
  const auto reason = [&](const User& user, const RequestAttributes& request) {
    return authorize(objects_, user, request)->reason;
  };
  EXPECT_EQ(reason({.name = "bob", .groups = {"auditors"}}, asks("list", "secrets")),
            R"(RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "reader" to Group "auditors")");
  EXPECT_EQ(reason({.name = "system:serviceaccount:a:robot"}, asks("get", "secrets", "a", "x")),
            R"(RBAC: allowed by RoleBinding "in-a/a" of ClusterRole "reader" to ServiceAccount "robot/a")");
}

TEST_F(RbacTest, FindsWhatIsMissingForAGrant) {
  const auto held = rules_for(objects_, {.name = "alice"}, "a");
  const auto wanted = policy_rules_of(json::parse(R"({"rules":[
      {"verbs":["get","delete","watch"],"apiGroups":[""],"resources":["secrets"]},
      {"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["x"]},
      {"verbs":["get"],"nonResourceURLs":["/metrics"]}]})")
                                          .value());
  const auto missing = missing_rules(held, wanted);
  EXPECT_EQ(missing.size(), 3U);
  EXPECT_EQ(
      escalation_message({.name = "alice", .groups = {"g", "h"}}, missing),
      "user \"alice\" (groups=[\"g\" \"h\"]) is attempting to grant RBAC permissions not currently held:\n"
      "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"delete\" \"watch\"]}\n"
      "{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}");
  EXPECT_TRUE(missing_rules(wanted, wanted).empty());
}

TEST(MissingRules, RefusesARuleOfTooManyPartsUnlessItIsGrantedAsAWhole) {
  PolicyRule huge{.api_groups = {""}};
  for (int i = 0; i < 400; ++i) {
    huge.verbs.push_back("v" + std::to_string(i));
    huge.resources.push_back("r" + std::to_string(i));
  }
  const PolicyRule all{.verbs = {"*"}, .api_groups = {"*"}, .resources = {"*"}};
  EXPECT_TRUE(missing_rules({all}, {huge, huge}).empty());
  auto half = huge;
  half.verbs.resize(200);
  EXPECT_EQ(missing_rules({half}, {huge}), PolicyRules{huge});
  EXPECT_LT(escalation_message({.name = "alice"}, PolicyRules(1, huge)).size(), 200'000U);
}

TEST(EscalationMessage, HasALimitedLength) {
  PolicyRules many;
  for (int i = 0; i < 5000; ++i) {
    many.push_back({.verbs = {"get"}, .api_groups = {""}, .resources = {"r" + std::to_string(i)}});
  }
  const auto message = escalation_message({.name = "alice"}, many);
  EXPECT_EQ(std::ranges::count(message, '\n'), 201);
  EXPECT_TRUE(message.ends_with("\n..."));
}

TEST(PolicyRuleCovers, NamesAreNotWidened) {
  const auto rule = [](const char* text) { return PolicyRule::from_json(json::parse(text).value()); };
  const auto all = rule(R"({"verbs":["get"],"apiGroups":["*"],"resources":["*"]})");
  const auto named = rule(R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":["x"]})");
  const auto any = rule(R"({"verbs":["get"],"apiGroups":[""],"resources":["pods"]})");
  EXPECT_TRUE(all.covers(named));
  EXPECT_TRUE(any.covers(named));
  EXPECT_FALSE(named.covers(any));
  EXPECT_TRUE(rule(R"({"verbs":["*"],"nonResourceURLs":["*"]})")
                  .covers(rule(R"({"verbs":["get"],"nonResourceURLs":["/a/*"]})")));
  EXPECT_FALSE(rule(R"({"verbs":["get"],"nonResourceURLs":["/a/b"]})")
                   .covers(rule(R"({"verbs":["get"],"nonResourceURLs":["/a/*"]})")));
}

TEST(ForbiddenMessage, IsThatOfKubernetes) {
  EXPECT_EQ(
      forbidden_message({.name = "alice"}, asks("get", "deployments", "default", "foo", "apps")),
      R"(User "alice" cannot get resource "deployments" in API group "apps" in the namespace "default")");
  EXPECT_EQ(forbidden_message({.name = "alice"}, asks("list", "pods/log")),
            R"(User "alice" cannot list resource "pods/log" in API group "" at the cluster scope)");
  EXPECT_EQ(forbidden_message({.name = "alice"}, {.verb = "get", .path = "/metrics"}),
            R"(User "alice" cannot get path "/metrics")");
}

}  // namespace
}  // namespace klutch::apiserver
