// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/reviews.h"

#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/access/access_reviews.h"
#include "apiserver/auth/user_info.h"
#include "apiserver/verbs/api_errors.h"
#include "base/secret.h"
#include "base/time.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

using json::Value;

std::vector<std::string> audiences_of_review(const Value& spec) {
  std::vector<std::string> audiences;
  if (const auto* list = spec.find_array("audiences"); list != nullptr) {
    for (const auto& audience : list->elements()) {
      if (audience.is_string()) audiences.emplace_back(audience.as_string());
    }
  }
  return audiences;
}

Value token_status(const Result<Authenticator::TokenUser>& found) {
  if (!found) return json::object({{"user", Value::empty_object()}, {"error", found.error().message()}});
  auto audiences = Value::empty_array();
  for (const auto& audience : found->audiences) audiences.push_back(audience);
  return json::object(
      {{"authenticated", true}, {"user", user_info(found->user)}, {"audiences", std::move(audiences)}});
}

Action token_review(Authenticator& authenticator) {
  return [&authenticator](Ctx&, const ActionRequest&, Value review) -> Result<Value> {
    const Value* spec = review.find_object("spec");
    const auto token = spec == nullptr ? std::nullopt : spec->find_string("token");
    if (!token || token->empty()) {
      return fail(bad_request("token is required for TokenReview in authentication"));
    }
    auto status = token_status(authenticator.authenticate_token(*token, audiences_of_review(*spec)));
    if (review.find_object("metadata") == nullptr) review.set("metadata", Value::empty_object());
    review.set("status", std::move(status));
    return review;
  };
}

Action self_subject_review(const Clock& clock) {
  return [&clock](Ctx&, const ActionRequest& request, Value review) -> Result<Value> {
    return json::object({{"kind", kube::kind(review)},
                         {"apiVersion", kube::api_version(review)},
                         {"metadata", json::object({{"creationTimestamp", format_rfc3339(clock.now())}})},
                         {"status", json::object({{"userInfo", user_info(request.user)}})}});
  };
}

}  // namespace

std::map<std::string, Action, std::less<>> review_actions(const Access& access, Authenticator& authenticator,
                                                          const Clock& clock) {
  return {{"tokenreviews.authentication.k8s.io", token_review(authenticator)},
          {"selfsubjectreviews.authentication.k8s.io", self_subject_review(clock)},
          {"subjectaccessreviews.authorization.k8s.io", subject_access_review(access)},
          {"selfsubjectaccessreviews.authorization.k8s.io", self_subject_access_review(access)},
          {"localsubjectaccessreviews.authorization.k8s.io", local_subject_access_review(access)},
          {"selfsubjectrulesreviews.authorization.k8s.io", self_subject_rules_review(access)}};
}

}  // namespace klutch::apiserver
