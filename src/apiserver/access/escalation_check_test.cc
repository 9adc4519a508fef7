// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/escalation_check.h"

#include <gtest/gtest.h>

#include "apiserver/access/access_testing.h"
#include "json/parse.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

class Fixture {
 public:
  explicit Fixture(Ctx& ctx) : cluster(ctx) {}

  /// "" if `user` may write `text` over `old`, else the error's message.
  std::string outcome(std::string_view resource, const kube::Key& key, std::string_view text,
                      std::string_view old = "", const User& user = kAlice) const {
    ServedResource served;
    served.description.type = {std::string(kRbacGroup), "v1", std::string(resource), "Kind", !key.ns.empty()};
    const auto object = json::parse(text).value();
    const auto before = old.empty() ? json::Value() : json::parse(old).value();
    using Operation = Admission::Change::Operation;
    const Admission::Change change{.operation = old.empty() ? Operation::kCreate : Operation::kUpdate,
                                   .resource = served,
                                   .key = key,
                                   .user = user,
                                   .object = &object,
                                   .old = old.empty() ? nullptr : &before};
    const auto result = EscalationCheck(cluster.access).admit(change);
    return result ? "" : result.error().message();
  }

  TestCluster cluster;
};

constexpr const char* kGetSecrets = R"([{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}])";
const kube::Key kRole{"a", "r"};
const kube::Key kClusterRole{"", "r"};

std::string role(const std::string& rules) {
  return R"({"metadata":{"name":"r"},"rules":)" + rules + "}";
}
std::string binding(const std::string& kind, const std::string& name) {
  return R"({"metadata":{"name":"b"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":")" + kind +
         R"(","name":")" + name + R"("},"subjects":[{"kind":"User","name":"eve"}]})";
}

FIBER_TEST(EscalationCheck, LetsNobodyGrantWhatHeLacks) {
  Fixture fixture(ctx);
  EXPECT_EQ(fixture.outcome("roles", kRole, role(kGetSecrets)),
            "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"alice\" "
            "(groups=[\"system:authenticated\"]) "
            "is attempting to grant RBAC permissions not currently held:\n"
            "{APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\"]}");
  EXPECT_NE(fixture.outcome("clusterroles", kClusterRole, role(kGetSecrets)), "");
  fixture.cluster.grant_alice("reader", kGetSecrets);
  EXPECT_EQ(fixture.outcome("roles", kRole, role(kGetSecrets)), "");
  EXPECT_EQ(fixture.outcome("clusterroles", kClusterRole, role(kGetSecrets)), "");
  EXPECT_EQ(fixture.outcome("roles", kRole, role("[]")), "");
  EXPECT_NE(
      fixture.outcome("roles", kRole, role(R"([{"verbs":["*"],"apiGroups":[""],"resources":["secrets"]}])")),
      "");
}

FIBER_TEST(EscalationCheck, CountsOnlyWhatIsHeldInTheNamespace) {
  Fixture fixture(ctx);
  fixture.cluster.put(kClusterRolesType, {"", "reader"}, role(kGetSecrets));
  fixture.cluster.put(
      kRoleBindingsType, {"a", "b"},
      R"({"roleRef":{"kind":"ClusterRole","name":"reader"},"subjects":[{"kind":"User","name":"alice"}]})");
  EXPECT_EQ(fixture.outcome("roles", kRole, role(kGetSecrets)), "");
  EXPECT_NE(fixture.outcome("roles", {"b", "r"}, role(kGetSecrets)), "");
  EXPECT_NE(fixture.outcome("clusterroles", kClusterRole, role(kGetSecrets)), "");
  EXPECT_EQ(fixture.outcome("rolebindings", {"a", "b"}, binding("ClusterRole", "reader")), "");
  EXPECT_NE(fixture.outcome("clusterrolebindings", {"", "b"}, binding("ClusterRole", "reader")), "");
}

FIBER_TEST(EscalationCheck, LetsThoseEscalateWhoMay) {
  Fixture fixture(ctx);
  fixture.cluster.grant_alice("escalator",
                              R"([{"verbs":["escalate"],"apiGroups":["rbac.authorization.k8s.io"],
                                               "resources":["roles"],"resourceNames":["r"]}])");
  EXPECT_EQ(fixture.outcome("roles", kRole, role(kGetSecrets), role("[]")), "");
  EXPECT_NE(fixture.outcome("roles", kRole, role(kGetSecrets)), "") << "what is new has no name yet";
  EXPECT_NE(fixture.outcome("roles", {"a", "s"}, role(kGetSecrets), role("[]")), "") << "another name";
  EXPECT_NE(fixture.outcome("clusterroles", kClusterRole, role(kGetSecrets), role("[]")), "")
      << "another type";
  EXPECT_EQ(fixture.outcome("clusterroles", kClusterRole, role(kGetSecrets), "", kRoot), "");
  fixture.cluster.grant_alice("escalator", R"([{"verbs":["*"],"apiGroups":["rbac.authorization.k8s.io"],
                                               "resources":["roles"]}])");
  EXPECT_EQ(fixture.outcome("roles", kRole, role(kGetSecrets)), "") << "all verbs include it";
}

FIBER_TEST(EscalationCheck, LetsNobodyBindARoleBeyondHim) {
  Fixture fixture(ctx);
  fixture.cluster.put(kRolesType, {"a", "reader"}, role(kGetSecrets));
  EXPECT_NE(fixture.outcome("rolebindings", {"a", "b"}, binding("Role", "reader")), "");
  EXPECT_NE(fixture.outcome("clusterrolebindings", {"", "b"}, binding("ClusterRole", "cluster-admin")), "");
  EXPECT_EQ(fixture.outcome("rolebindings", {"a", "b"}, binding("ClusterRole", "gone")),
            "rolebindings.rbac.authorization.k8s.io \"gone\" not found");
  EXPECT_EQ(fixture.outcome("rolebindings", {"b", "b"}, binding("Role", "reader")),
            "rolebindings.rbac.authorization.k8s.io \"reader\" not found");
  EXPECT_EQ(fixture.outcome("rolebindings", {"a", "b"}, binding("Role", "reader"), "", kRoot), "");
  fixture.cluster.grant_alice("binder", R"([{"verbs":["bind"],"apiGroups":["rbac.authorization.k8s.io"],
                                            "resources":["roles"],"resourceNames":["reader"]}])");
  EXPECT_EQ(fixture.outcome("rolebindings", {"a", "b"}, binding("Role", "reader")), "");
  EXPECT_NE(fixture.outcome("clusterrolebindings", {"", "b"}, binding("ClusterRole", "reader")), "");
}

FIBER_TEST(EscalationCheck, TakesTheRightToEverythingToGatherRoles) {
  Fixture fixture(ctx);
  const std::string gathers =
      R"({"metadata":{"name":"r"},"rules":[],"aggregationRule":{"clusterRoleSelectors":[{"matchLabels":{"a":"b"}}]}})";
  const std::string refused =
      "clusterroles.rbac.authorization.k8s.io \"r\" is forbidden: must have cluster-admin privileges to use "
      "the "
      "aggregationRule";
  EXPECT_EQ(fixture.outcome("clusterroles", kClusterRole, gathers), refused);
  EXPECT_EQ(fixture.outcome("clusterroles", kClusterRole, role("[]"), gathers), refused)
      << "nor to take it away";
  fixture.cluster.bind("cluster-admin", R"({"kind":"User","name":"alice"})");
  EXPECT_EQ(fixture.outcome("clusterroles", kClusterRole, gathers), "");
}

FIBER_TEST(EscalationCheck, DoesNotStandInTheWayOfGarbageCollection) {
  Fixture fixture(ctx);
  const std::string before = R"({"metadata":{"name":"r","resourceVersion":"1","finalizers":["f"]},"rules":)" +
                             std::string(kGetSecrets) + "}";
  const std::string freed = role(kGetSecrets);
  EXPECT_EQ(fixture.outcome("roles", kRole, freed, before), "");
  const std::string labelled =
      R"({"metadata":{"name":"r","labels":{"a":"b"}},"rules":)" + std::string(kGetSecrets) + "}";
  EXPECT_NE(fixture.outcome("roles", kRole, labelled, before), "");
}

FIBER_TEST(EscalationCheck, HasNothingToSayAboutOtherResources) {
  Fixture fixture(ctx);
  EXPECT_EQ(fixture.outcome("others", kRole, role(kGetSecrets)), "");
}

}  // namespace
}  // namespace klutch::apiserver
