// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/access.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "apiserver/auth/impersonation.h"
#include "apiserver/verbs/api_errors.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

/// What anybody may see who can reach the server: the paths of system:public-info-viewer.
bool is_public(const RequestAttributes& request) {
  static constexpr std::array<std::string_view, 5> kPaths = {"/healthz", "/livez", "/readyz", "/version",
                                                             "/version/"};
  return !request.is_resource && std::ranges::find(kPaths, request.path) != kPaths.end();
}

bool is_anonymous(const User& user) {
  return user.name == kAnonymousUser || user.in_group(kUnauthenticatedGroup);
}

/// As kube-apiserver does, because browsers may be shown the text.
std::string without_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

/// What a user is told who may not do what he asks for.
Error forbidden_request(const RequestAttributes& request, const std::string& why) {
  if (request.is_resource) return object_forbidden({request.group, request.resource}, request.name, why);
  auto status = std::make_shared<kube::Status>();
  status->http_status = 403;
  status->reason = "Forbidden";
  status->message = "forbidden: " + why;
  return Error(Code::kForbidden, status->message).with_detail(std::move(status));
}

}  // namespace

Access::Verdict Access::decide(const User& user, const RequestAttributes& request) const {
  if (is_anonymous(user) && !is_public(request) && !options_.anonymous_as_roles_say) return {};
  if (auto grant = authorize(objects_, user, request)) return {true, std::move(grant->reason)};
  auto missing = missing_roles_message(missing_roles(objects_, user, request.ns));
  return {false, missing.empty() ? "" : "RBAC: " + std::move(missing)};
}

Result<> Access::check(const User& user, const RequestAttributes& request, Verdict* told) const {
  const Verdict verdict = decide(user, request);
  if (told != nullptr) *told = verdict;
  if (verdict.allowed) return {};
  auto why = without_markup(forbidden_message(user, request));
  if (!verdict.reason.empty()) why += ": " + verdict.reason;
  return fail(forbidden_request(request, why));
}

Result<User> Access::impersonated(const User& user, const http::Headers& headers) const {
  auto impersonation = TRY(read_impersonation(headers));
  if (!impersonation) return user;
  for (const auto& needed : impersonation->needed) TRY(check(user, needed));
  return std::move(impersonation->user);
}

}  // namespace klutch::apiserver
