// SPDX-License-Identifier: Apache-2.0
// Puts the same objects, tokens and questions to our parts as were put to a kube-apiserver, and compares the
// answers (testdata/kube_apiserver.jsonl, whose first line says how it was made).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "apiserver/access/access_testing.h"
#include "apiserver/access/escalation_check.h"
#include "apiserver/access/reviews.h"
#include "apiserver/auth/user_info.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "http/request.h"
#include "jose/jws.h"
#include "json/parse.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"
#include "testing/test_keys.h"

namespace klutch::apiserver {
namespace {

using json::Value;

const std::vector<Value>& recorded_rows() {
  static const std::vector<Value> rows = [] {
    std::vector<Value> all;
    const char* root = std::getenv("KLUTCH_SOURCE_DIR");
    EXPECT_NE(root, nullptr);
    if (root == nullptr) return all;
    const std::string path = "/src/apiserver/access/testdata/kube_apiserver.jsonl";
    const auto text = os::read_file(root + path).value();
    for (const auto line : split(text, '\n')) {
      if (!line.empty()) all.push_back(json::parse(line).value());
    }
    return all;
  }();
  return rows;
}

std::string text_of(const Value& row, std::string_view name) {
  return std::string(row.find_string(name).value_or(""));
}

std::string message_of(const Value& row) {
  const Value* answer = row.find_object("answer");
  return answer == nullptr ? "" : text_of(*answer, "message");
}

http::Headers headers_of(const Value* list) {
  http::Headers headers{{"Host", "h"}};
  if (list == nullptr) return headers;
  for (const auto& pair : list->elements()) {
    headers.add(pair.at(0).as_string(), pair.at(1).as_string());
  }
  return headers;
}

/// Everything that was there when the questions were asked.
class Fixture {
 public:
  explicit Fixture(Ctx& ctx) : cluster(ctx) {
    static_cast<void>(os::write_file_atomic(folder_.file("tokens"),
                                            "t-root,root,u-root,system:masters\n"
                                            "t-alice,alice,u-alice,\"dev,ops\"\nt-bob,bob,u-bob\n"));
    const auto static_tokens = StaticTokens::load(folder_.file("tokens")).value();
    const auto key = crypto::PrivateKey::from_pem(test_keys::kRsaPkcs1Pem).value();
    tokens = *ServiceAccountTokens::create(*cluster.storage, key,
                                           {.issuer = "https://issuer.example", .clock = &clock});
    authenticator = std::make_unique<Authenticator>(
        *tokens, Authenticator::Options{.static_tokens = static_tokens, .clock = &clock});
    actions = review_actions(cluster.access, *authenticator, clock);
    for (const auto& row : recorded_rows()) take(row);
  }

  User user(const Value& row) const { return users_.at(text_of(row, "sender")); }

  TestCluster cluster;
  ManualClock clock{};
  std::unique_ptr<ServiceAccountTokens> tokens;
  std::unique_ptr<Authenticator> authenticator;
  std::map<std::string, Action, std::less<>> actions;

 private:
  void take(const Value& row) {
    if (const auto now = row.find_int("now")) clock.set(Time(std::chrono::seconds(*now)));
    if (const auto type = row.find_string("put")) {
      const Value& object = *row.find("object");
      cluster.put(*type, kube::key(object), json::print(object));
    }
    if (text_of(row, "review") == "selfsubjectreviews.authentication.k8s.io") {
      const Value& info = *row.find("answer")->find("status")->find("userInfo");
      User user = user_of_review(info);
      user.name = text_of(info, "username");
      users_[text_of(row, "sender")] = std::move(user);
    }
  }

  os::TempDir folder_ = *os::TempDir::create();
  std::map<std::string, User> users_ = {{"nobody", kNobody}};
};

/// Questions that we answer otherwise, on purpose.
bool differs_on_purpose(const Value& row) {
  static const std::set<std::string, std::less<>> kNotes = {
      "without exp",  // we never make such a token, so it is forged or was made by a stolen key
      "without aud",  // the same
      "alg none",     // the words about a bad signature are those of a Go library
      "HS256 with the public key",
      "changed signature",
      "metadata",  // the text repeats managedFields
      "labels",
      "local with a name",
  };
  return kNotes.contains(text_of(row, "note"));
}

/// In which order rules are listed depends on the order of a cache.
Value with_sorted_rules(Value status) {
  for (const auto* name : {"resourceRules", "nonResourceRules"}) {
    Value* rules = status.find(name);
    if (rules == nullptr || !rules->is_array()) continue;
    std::vector<std::string> texts;
    for (const auto& rule : rules->elements()) texts.push_back(json::canonical(rule));
    std::ranges::sort(texts);
    auto sorted = Value::empty_array();
    for (const auto& text : texts) sorted.push_back(text);
    *rules = std::move(sorted);
  }
  return status;
}

FIBER_TEST(RecordedAnswers, ToReviewsAreThoseOfKubeApiserver) {
  Fixture fixture(ctx);
  int rows = 0;
  for (const auto& row : recorded_rows()) {
    const auto type = text_of(row, "review");
    if (type.empty()) continue;
    SCOPED_TRACE(type + ": " + text_of(row, "note"));
    const User user = fixture.user(row);
    const ActionRequest request{.user = user, .key = {text_of(row, "ns"), ""}};
    const auto answer = fixture.actions.at(type)(ctx, request, *row.find("body"));
    ++rows;
    const auto code = *row.find_int("code");
    if (differs_on_purpose(row)) {
      const bool refused = !answer || !answer->find("status")->find_bool("authenticated").value_or(false);
      EXPECT_TRUE(refused);
    } else if (code < 300) {
      ASSERT_TRUE(answer) << answer.error().message();
      EXPECT_NE(answer->find_object("metadata"), nullptr);
      EXPECT_EQ(with_sorted_rules(*answer->find("status")),
                with_sorted_rules(*row.find("answer")->find("status")));
    } else {
      ASSERT_FALSE(answer);
      EXPECT_EQ(kube::Status::from_error(answer.error()).http_status, code);
      EXPECT_EQ(answer.error().message(), message_of(row));
    }
  }
  EXPECT_GT(rows, 100);
}

FIBER_TEST(RecordedAnswers, ToTokenRequestsAreThoseOfKubeApiserver) {
  Fixture fixture(ctx);
  const auto action = token_request_action(*fixture.cluster.storage, *fixture.tokens, fixture.clock);
  int rows = 0;
  for (const auto& row : recorded_rows()) {
    const auto account = text_of(row, "token");
    if (account.empty()) continue;
    SCOPED_TRACE(text_of(row, "note"));
    ++rows;
    const ActionRequest request{.user = kRoot, .key = {"a", account}};
    auto answer = action(ctx, request, *row.find("body"));
    const auto code = *row.find_int("code");
    if (code >= 300) {
      ASSERT_FALSE(answer);
      EXPECT_EQ(kube::Status::from_error(answer.error()).http_status, code);
      EXPECT_EQ(answer.error().message(), message_of(row));
      continue;
    }
    ASSERT_TRUE(answer) << answer.error().message();
    const auto wanted = *row.find("answer");
    // What is empty is left out when an object is written, which is not what happens here.
    if (Value* bound = answer->find("spec")->find("boundObjectRef");
        bound->is_object() && bound->find_string("apiVersion") == "") {
      bound->erase("apiVersion");
    }
    EXPECT_EQ(*answer->find("spec"), *wanted.find("spec"));
    answer->find("metadata")->erase("creationTimestamp");
    EXPECT_EQ(*answer->find("metadata"), *wanted.find("metadata"));
    const auto token = text_of(*answer->find("status"), "token");
    const auto keys = jose::parse_jwk_set(json::print(fixture.tokens->jwks())).value();
    auto claims =
        json::parse(jose::verify_jws(token, keys, {.algorithms = {jose::Algorithm::kRs256}})->payload);
    ASSERT_TRUE(claims);
    claims->set("exp", *claims->find_int("exp") - *claims->find_int("iat"));
    for (const auto* name : {"iat", "nbf", "jti"}) EXPECT_TRUE(claims->erase(name)) << name;
    EXPECT_EQ(*claims, *wanted.find("claims"));
  }
  EXPECT_GT(rows, 20);
}

FIBER_TEST(RecordedAnswers, ToRequestsThatAreForbiddenAreThoseOfKubeApiserver) {
  Fixture fixture(ctx);
  const auto& access = fixture.cluster.access;
  int denied = 0;
  int allowed = 0;
  for (const auto& row : recorded_rows()) {
    const auto target = text_of(row, "check");
    if (target.empty()) continue;
    SCOPED_TRACE(text_of(row, "sender") + ": " + text_of(row, "method") + " " + target);
    // There it is a name and a subresource; we split a path before decoding it, so it is a name.
    if (target.find("%2F") != std::string::npos) continue;
    static http::BufferedRequestBody body;
    const auto request = http::ServerRequest::from_head({.method = text_of(row, "method"),
                                                         .target = target,
                                                         .headers = headers_of(row.find_array("headers"))},
                                                        body);
    ASSERT_TRUE(request);
    const auto attributes =
        RequestAttributes::from_request(request->method, request->segments, request->query);
    const auto user = access.impersonated(fixture.user(row), request->headers);
    const Result<> outcome = user ? access.check(*user, attributes) : fail(user.error());
    const auto code = *row.find_int("code");
    if (code == 403) {
      ++denied;
      ASSERT_FALSE(outcome);
      // A HEAD request has no body that could tell.
      if (request->method != "HEAD") {
        EXPECT_EQ(outcome.error().message(), message_of(row));
      }
      EXPECT_EQ(outcome.error().code(), Code::kForbidden);
    } else if (code == 500) {
      // "Internal Server Error" there, although it is the request that is wrong.
      ASSERT_FALSE(outcome);
      EXPECT_EQ(outcome.error().code(), Code::kBadRequest);
    } else {
      ++allowed;
      EXPECT_TRUE(outcome) << outcome.error().message() << code;
    }
  }
  EXPECT_GT(denied, 100);
  EXPECT_GT(allowed, 10);
}

FIBER_TEST(RecordedAnswers, ToImpersonationAreThoseOfKubeApiserver) {
  Fixture fixture(ctx);
  const auto& access = fixture.cluster.access;
  const RequestAttributes review{.is_resource = true,
                                 .verb = "create",
                                 .group = "authentication.k8s.io",
                                 .version = "v1",
                                 .resource = "selfsubjectreviews"};
  int rows = 0;
  for (const auto& row : recorded_rows()) {
    const Value* headers = row.find_array("impersonate");
    if (headers == nullptr) continue;
    SCOPED_TRACE(json::print(*headers));
    ++rows;
    const auto user = access.impersonated(kRoot, headers_of(headers));
    ASSERT_TRUE(user);
    const auto outcome = access.check(*user, review);
    if (*row.find_int("code") < 300) {
      EXPECT_TRUE(outcome);
      EXPECT_EQ(user_info(*user), *row.find("user"));
    } else {
      ASSERT_FALSE(outcome);
      EXPECT_EQ(outcome.error().message(), text_of(row, "message"));
    }
  }
  EXPECT_GT(rows, 5);
}

FIBER_TEST(RecordedAnswers, ToWhoGrantsRightsAreThoseOfKubeApiserver) {
  Fixture fixture(ctx);
  const EscalationCheck check(fixture.cluster.access);
  int rows = 0;
  for (const auto& row : recorded_rows()) {
    const auto type = text_of(row, "write");
    if (type.empty()) continue;
    SCOPED_TRACE(type + ": " + text_of(row, "note"));
    ++rows;
    const auto group_resource = kube::GroupResource::parse(type).value();
    ServedResource served;
    served.description.type = {group_resource.group, "v1", group_resource.resource, "", true};
    const auto path = text_of(row, "path");
    const auto parts = split(path, '/');
    const Value& object = *row.find("body");
    const bool in_namespace = parts[4] == "namespaces";
    const kube::Key key{in_namespace ? std::string(parts[5]) : "", std::string(kube::name(object))};
    const bool creates = text_of(row, "method") == "POST";
    const auto stored = creates ? nullptr : fixture.cluster.storage->get(type, key);
    ASSERT_EQ(stored == nullptr, creates);
    const Value old = creates ? Value() : stored->to_value();
    const User user = fixture.user(row);
    using Operation = Admission::Change::Operation;
    const Admission::Change change{.operation = creates ? Operation::kCreate : Operation::kUpdate,
                                   .resource = served,
                                   .key = key,
                                   .user = user,
                                   .object = &object,
                                   .old = creates ? nullptr : &old};
    const auto outcome = check.admit(change);
    const auto code = *row.find_int("code");
    EXPECT_EQ(outcome.has_value(), code < 300) << code;
    if (outcome || code < 300) continue;
    EXPECT_EQ(kube::Status::from_error(outcome.error()).http_status, code);
    EXPECT_EQ(outcome.error().message(), message_of(row));
  }
  EXPECT_GT(rows, 25);
}

}  // namespace
}  // namespace klutch::apiserver
