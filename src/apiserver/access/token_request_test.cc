// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "apiserver/access/access_testing.h"
#include "apiserver/access/reviews.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

class Fixture {
 public:
  explicit Fixture(Ctx& ctx) : cluster(ctx) {
    tokens = *ServiceAccountTokens::create(*cluster.storage, crypto::PrivateKey::generate(),
                                           {.issuer = "https://i", .clock = &clock});
    action = token_request_action(*cluster.storage, *tokens, clock);
    cluster.put(kServiceAccountsType, {"ns", "robot"}, R"({"metadata":{"uid":"u-1"}})");
    cluster.put(kSecretsType, {"ns", "s"}, R"({"metadata":{"name":"s","uid":"u-2"}})");
    cluster.put(
        kPodsType, {"ns", "p"},
        R"({"metadata":{"name":"p","uid":"u-3"},"spec":{"serviceAccountName":"robot","nodeName":"n"}})");
    cluster.put(kPodsType, {"ns", "q"},
                R"({"metadata":{"name":"q","uid":"u-4"},"spec":{"serviceAccountName":"x"}})");
    cluster.put(kNodesType, {"", "n"}, R"({"metadata":{"name":"n","uid":"u-5"}})");
  }
  Result<json::Value> ask(std::string_view spec, std::string_view metadata = "{}",
                          std::string name = "robot") {
    const ActionRequest request{.user = kRoot, .key = {"ns", std::move(name)}};
    auto object =
        json::parse(R"({"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","metadata":)" +
                    std::string(metadata) + R"(,"spec":)" + std::string(spec) + "}");
    return action(cluster.ctx, request, *std::move(object));
  }
  /// The user that the token stands for; its name is the error if it is not good.
  User user_of(const Result<json::Value>& answer, const std::vector<std::string>& audiences = {}) {
    if (!answer) return {.name = answer.error().message()};
    const auto token = answer->find("status")->find_string("token").value();
    const auto verified = tokens->verify(token, audiences);
    if (!verified) return {.name = verified.error().message()};
    return (*verified)->user;
  }

  TestCluster cluster;
  ManualClock clock{Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 2))};
  std::unique_ptr<ServiceAccountTokens> tokens;
  Action action;
};

FIBER_TEST(TokenRequest, CompletesWhatWasAskedFor) {
  Fixture fixture(ctx);
  auto answer = fixture.ask("{}");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(fixture.user_of(answer).name, "system:serviceaccount:ns:robot");
  answer->find("status")->set("token", "T");
  EXPECT_EQ(*answer, json::parse(R"({"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1",
      "metadata":{"name":"robot","namespace":"ns","uid":"u-1","creationTimestamp":"2026-01-02T00:00:00Z"},
      "spec":{"audiences":["https://i"],"expirationSeconds":3600,"boundObjectRef":null},
      "status":{"token":"T","expirationTimestamp":"2026-01-02T01:00:00Z"}})")
                         .value());
}

FIBER_TEST(TokenRequest, KeepsAudiencesAndLifetime) {
  Fixture fixture(ctx);
  const auto answer = fixture.ask(R"({"audiences":["a","b"],"expirationSeconds":600})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->find("status")->find_string("expirationTimestamp"), "2026-01-02T00:10:00Z");
  EXPECT_EQ(fixture.user_of(answer, {"b"}).name, "system:serviceaccount:ns:robot");
  EXPECT_EQ(fixture.user_of(answer).name,
            R"(token audiences ["a" "b"] is invalid for the target audiences ["https://i"])");
}

FIBER_TEST(TokenRequest, BindsTheTokenToAnObject) {
  Fixture fixture(ctx);
  const auto secret =
      fixture.ask(R"({"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"s","uid":"u-2"}})");
  const auto pod = fixture.ask(R"({"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"p"}})");
  const auto node = fixture.ask(R"({"boundObjectRef":{"kind":"Node","apiVersion":"v1","name":"n"}})");
  for (const auto* answer : {&secret, &pod, &node}) {
    EXPECT_EQ(fixture.user_of(*answer).name, "system:serviceaccount:ns:robot");
  }
  const auto extra = fixture.user_of(pod).extra;
  EXPECT_EQ(extra.at("authentication.kubernetes.io/pod-uid"), std::vector<std::string>{"u-3"});
  EXPECT_EQ(extra.at("authentication.kubernetes.io/node-uid"), std::vector<std::string>{"u-5"});
  remove_object(ctx, *fixture.cluster.storage, kSecretsType, {"ns", "s"});
  EXPECT_EQ(fixture.user_of(secret).name, "service account token has been invalidated");
}

FIBER_TEST(TokenRequest, RefusesWithTheTextsOfKubernetes) {
  Fixture fixture(ctx);
  struct Case {
    const char* spec;
    const char* metadata;
    Code code;
    const char* message;
  };
  const Case cases[] = {
      {R"({"expirationSeconds":599})", "{}", Code::kInvalid,
       R"(TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes)"},
      {R"({"expirationSeconds":0})", "{}", Code::kInvalid,
       R"(TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 0: may not specify a duration less than 10 minutes)"},
      {R"({"expirationSeconds":4294967297})", "{}", Code::kInvalid,
       R"(TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 4294967297: may not specify a duration larger than 2^32 seconds)"},
      {"{}", R"({"name":"other"})", Code::kInvalid,
       R"(TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "other": must match the service account name if specified)"},
      {"{}", R"({"namespace":"other"})", Code::kBadRequest,
       "the namespace of the provided object does not match the namespace sent on the request"},
      {"{}", R"({"uid":"u-9"})", Code::kConflict,
       R"(Operation cannot be fulfilled on TokenRequest.authentication.k8s.io "robot": the UID in the token request (u-9) does not match the UID of the service account (u-1))"},
      {R"({"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"gone"}})", "{}", Code::kNotFound,
       R"(secrets "gone" not found)"},
      {R"({"boundObjectRef":{"kind":"Secret","apiVersion":"v1","name":"s","uid":"u-9"}})", "{}",
       Code::kConflict,
       R"(Operation cannot be fulfilled on Secret "s": the UID in the bound object reference (u-9) does not match the UID in record. The object might have been deleted and then recreated)"},
      {R"({"boundObjectRef":{"kind":"Pod","apiVersion":"v1","name":"q"}})", "{}", Code::kBadRequest,
       R"(cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.)"},
      {R"({"boundObjectRef":{"kind":"ConfigMap","apiVersion":"v1","name":"c"}})", "{}", Code::kBadRequest,
       "cannot bind token to object of type /v1, Kind=ConfigMap"},
      {R"({"boundObjectRef":{"kind":"Secret","apiVersion":"x.io/v1","name":"s"}})", "{}", Code::kBadRequest,
       "cannot bind token to object of type x.io/v1, Kind=Secret"},
  };
  for (const auto& [spec, metadata, code, message] : cases) {
    const auto answer = fixture.ask(spec, metadata);
    ASSERT_FALSE(answer) << message;
    EXPECT_EQ(answer.error().code(), code) << message;
    EXPECT_EQ(answer.error().message(), message);
  }
  const auto gone = fixture.ask("{}", "{}", "gone");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Code::kNotFound);
  EXPECT_EQ(gone.error().message(), R"(serviceaccounts "gone" not found)");
}

}  // namespace
}  // namespace klutch::apiserver
