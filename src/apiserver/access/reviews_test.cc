// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/reviews.h"

#include <gtest/gtest.h>

#include "apiserver/access/access_testing.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

json::Value parsed(std::string_view text) {
  return json::parse(text).value();
}

class Fixture {
 public:
  explicit Fixture(Ctx& ctx) : cluster(ctx) {
    tokens =
        *ServiceAccountTokens::create(*cluster.storage, crypto::PrivateKey::generate(), {.clock = &clock});
    authenticator = std::make_unique<Authenticator>(*tokens, Authenticator::Options{.clock = &clock});
    actions = review_actions(cluster.access, *authenticator, clock);
    cluster.put(kServiceAccountsType, {"ns", "robot"}, R"({"metadata":{"uid":"u-1"}})");
  }
  Result<json::Value> run(std::string_view type, std::string_view review, const User& user = kAlice,
                          const std::string& ns = "") {
    const ActionRequest request{.user = user, .key = {ns, ""}};
    return actions.find(type)->second(cluster.ctx, request, parsed(review));
  }
  json::Value status(std::string_view type, std::string_view review, const User& user = kAlice) {
    const auto result = run(type, review, user);
    EXPECT_TRUE(result) << result.error().message();
    return result ? *result->find("status") : json::Value();
  }

  TestCluster cluster;
  ManualClock clock{Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 2))};
  std::unique_ptr<ServiceAccountTokens> tokens;
  std::unique_ptr<Authenticator> authenticator;
  std::map<std::string, Action, std::less<>> actions;
};

constexpr std::string_view kSar = "subjectaccessreviews.authorization.k8s.io";
constexpr std::string_view kSelfSar = "selfsubjectaccessreviews.authorization.k8s.io";
constexpr std::string_view kLocalSar = "localsubjectaccessreviews.authorization.k8s.io";
constexpr std::string_view kRules = "selfsubjectrulesreviews.authorization.k8s.io";
constexpr std::string_view kTokenReview = "tokenreviews.authentication.k8s.io";
constexpr std::string_view kSelf = "selfsubjectreviews.authentication.k8s.io";

FIBER_TEST(TokenReview, TellsWhoseATokenIs) {
  Fixture fixture(ctx);
  const auto issued = fixture.tokens->issue({.ns = "ns", .account = {"robot", "u-1"}});
  const std::string token(issued->token.reveal());
  EXPECT_EQ(fixture.status(kTokenReview, R"({"spec":{"token":")" + token + R"("}})"),
            parsed(R"({"authenticated":true,"audiences":["https://kubernetes.default.svc.cluster.local"],
              "user":{"username":"system:serviceaccount:ns:robot","uid":"u-1",
              "groups":["system:serviceaccounts","system:serviceaccounts:ns","system:authenticated"],
              "extra":{"authentication.kubernetes.io/credential-id":[")" +
                   issued->credential_id + R"("]}}})"));
  const auto other =
      fixture.status(kTokenReview, R"({"spec":{"audiences":["vault"],"token":")" + token + R"("}})");
  EXPECT_FALSE(other.contains("authenticated"));
}

FIBER_TEST(TokenReview, TellsOfAWrongTokenWithoutFailing) {
  Fixture fixture(ctx);
  EXPECT_EQ(fixture.status(kTokenReview, R"({"spec":{"token":"wrong"}})"),
            parsed(R"({"user":{},"error":"invalid bearer token"})"));
  for (const char* review : {R"({"spec":{"token":""}})", R"({"spec":{}})", "{}"}) {
    EXPECT_EQ(fixture.run(kTokenReview, review).error().message(),
              "token is required for TokenReview in authentication");
  }
}

FIBER_TEST(SelfSubjectReview, TellsWhoAsks) {
  Fixture fixture(ctx);
  const User user{.name = "alice", .uid = "u", .groups = {"g"}, .extra = {{"k", {"v", "w"}}}};
  EXPECT_EQ(
      *fixture.run(kSelf, R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1"})", user),
      parsed(R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1",
              "metadata":{"creationTimestamp":"2026-01-02T00:00:00Z"},
              "status":{"userInfo":{"username":"alice","uid":"u","groups":["g"],"extra":{"k":["v","w"]}}}})"));
}

FIBER_TEST(SubjectAccessReview, TellsWhatSomebodyMayDo) {
  Fixture fixture(ctx);
  fixture.cluster.grant_alice("reader", R"([{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}])");
  struct Case {
    std::string_view spec;
    const char* status;
    const char* reason;
  };
  const Case cases[] = {
      {R"({"user":"alice","resourceAttributes":{"verb":"get","resource":"secrets","namespace":"a"}})",
       R"({"allowed":true,"reason":"RBAC: allowed by ClusterRoleBinding \"reader-binding\" of ClusterRole \"reader\" to User \"alice\""})",
       "granted"},
      {R"({"user":"alice","resourceAttributes":{"verb":"list","resource":"secrets"}})",
       R"({"allowed":false})", "another verb"},
      {R"({"user":"alice","resourceAttributes":{"verb":"get","group":"apps","resource":"secrets"}})",
       R"({"allowed":false})", "another group"},
      {R"({"user":"alice","resourceAttributes":{"verb":"get","resource":"secrets","subresource":"x"}})",
       R"({"allowed":false})", "a subresource"},
      {R"({"user":"bob","groups":["system:masters"],"nonResourceAttributes":{"verb":"get","path":"/metrics"}})",
       R"({"allowed":true})", "masters"},
      {R"({"groups":["system:authenticated"],"nonResourceAttributes":{"verb":"get","path":"/api/v1"}})",
       R"({"allowed":true,"reason":"RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole \"system:discovery\" to Group \"system:authenticated\""})",
       "a group alone"},
      {R"({"user":"bob","nonResourceAttributes":{"verb":"get","path":"/metrics"}})", R"({"allowed":false})",
       "no group is added"},
      {R"({"user":"bob","resourceAttributes":{"labelSelector":{"rawSelector":"a in"},"fieldSelector":{"rawSelector":"a"}}})",
       R"({"allowed":false,"evaluationError":"spec.resourceAttributes.fieldSelector ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error"})",
       "selectors that cannot be read"},
  };
  for (const auto& [spec, status, reason] : cases) {
    EXPECT_EQ(fixture.status(kSar, R"({"spec":)" + std::string(spec) + "}"), parsed(status)) << reason;
  }
  const std::string asked = R"({"spec":{"resourceAttributes":{"verb":"get","resource":"secrets"}}})";
  EXPECT_EQ(fixture.status(kSelfSar, asked).find_bool("allowed"), true);
  EXPECT_EQ(fixture.status(kSelfSar, asked, {.name = "bob"}).find_bool("allowed"), false);
}

FIBER_TEST(SubjectAccessReview, RefusesWhatMakesNoSense) {
  Fixture fixture(ctx);
  struct Case {
    std::string_view type;
    const char* review;
    const char* message;
  };
  const Case cases[] = {
      {kSar, R"({"spec":{"resourceAttributes":{"verb":"get"}}})",
       R"(.authorization.k8s.io "" is invalid: spec.user: Invalid value: "": at least one of user or group must be specified)"},
      {kSar, R"({"spec":{"user":"a"}})",
       R"(.authorization.k8s.io "" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified)"},
      {kSelfSar, R"({"spec":{"resourceAttributes":{},"nonResourceAttributes":{"path":"/"}}})",
       R"(.authorization.k8s.io "" is invalid: spec.nonResourceAttributes: Invalid value: {"Path":"/","Verb":""}: cannot be specified in combination with resourceAttributes)"},
      {kSelfSar, R"({"metadata":{"name":"x"},"spec":{"resourceAttributes":{}}})",
       R"(.authorization.k8s.io "" is invalid: metadata: Invalid value: {"name":"x"}: must be empty)"},
      {kSar, R"({"spec":{"user":"a","resourceAttributes":{"labelSelector":{}}}})",
       R"(.authorization.k8s.io "" is invalid: spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required)"},
  };
  for (const auto& [type, review, message] : cases) {
    const auto result = fixture.run(type, review);
    ASSERT_FALSE(result) << message;
    EXPECT_EQ(result.error().code(), Code::kInvalid) << message;
    EXPECT_EQ(result.error().message(), message);
  }
}

FIBER_TEST(LocalSubjectAccessReview, StaysInItsNamespace) {
  Fixture fixture(ctx);
  fixture.cluster.grant_alice("reader", R"([{"verbs":["get"],"apiGroups":[""],"resources":["secrets"]}])");
  const auto ask = [&](const char* spec, const std::string& ns, const char* metadata = "{}") {
    return fixture.run(kLocalSar, std::string(R"({"metadata":)") + metadata + R"(,"spec":)" + spec + "}",
                       kRoot, ns);
  };
  const char* in_a =
      R"({"user":"alice","resourceAttributes":{"namespace":"a","verb":"get","resource":"secrets"}})";
  const auto result = ask(in_a, "a", R"({"creationTimestamp":null,"namespace":"a"})");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->find("status")->find_bool("allowed"), true);
  EXPECT_EQ(result->find("metadata")->find_string("namespace"), "a");
  EXPECT_EQ(
      ask(in_a, "b").error().message(),
      R"(.authorization.k8s.io "" is invalid: spec.resourceAttributes.namespace: Invalid value: "a": must match metadata.namespace)");
  EXPECT_EQ(ask(in_a, "b", R"({"namespace":"a"})").error().code(), Code::kBadRequest);
  EXPECT_EQ(ask(in_a, "").error().code(), Code::kBadRequest);
  EXPECT_EQ(ask(R"({"user":"a","nonResourceAttributes":{"path":"/"}})", "a").error().code(), Code::kInvalid);
}

FIBER_TEST(SelfSubjectRulesReview, ListsEverythingThatIsGranted) {
  Fixture fixture(ctx);
  fixture.cluster.put(kClusterRolesType, {"", "mixed"}, R"({"rules":[
      {"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["x"]},
      {"verbs":["get"],"nonResourceURLs":["/metrics"]}]})");
  fixture.cluster.put(
      kRoleBindingsType, {"a", "mixed"},
      R"({"roleRef":{"kind":"ClusterRole","name":"mixed"},"subjects":[{"kind":"User","name":"bob"}]})");
  fixture.cluster.put(
      kRoleBindingsType, {"a", "lost"},
      R"({"roleRef":{"kind":"Role","name":"lost"},"subjects":[{"kind":"User","name":"bob"}]})");
  const char* review = R"({"kind":"SelfSubjectRulesReview","apiVersion":"authorization.k8s.io/v1",
                           "spec":{"namespace":"a"}})";
  EXPECT_EQ(
      *fixture.run(kRules, review, {.name = "bob"}),
      parsed(
          R"({"kind":"SelfSubjectRulesReview","apiVersion":"authorization.k8s.io/v1","metadata":{},"spec":{},
              "status":{"resourceRules":[{"verbs":["get"],"apiGroups":[""],"resources":["secrets"],"resourceNames":["x"]}],
              "nonResourceRules":[{"verbs":["get"],"nonResourceURLs":["/metrics"]}],"incomplete":false,
              "evaluationError":"role.rbac.authorization.k8s.io \"lost\" not found"}})"));
  EXPECT_EQ(fixture.status(kRules, review, {.name = "carol"}),
            parsed(R"({"resourceRules":[],"nonResourceRules":[],"incomplete":false})"));
  EXPECT_EQ(fixture.run(kRules, R"({"spec":{}})").error().message(), "no namespace on request");
}

}  // namespace
}  // namespace klutch::apiserver
