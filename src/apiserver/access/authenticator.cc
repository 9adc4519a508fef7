// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/authenticator.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

constexpr std::size_t kMaxCertificates = 256;
constexpr std::string_view kInvalidToken = "invalid bearer token";

Error unauthorized(const Error& why) {
  auto status = std::make_shared<kube::Status>();
  status->http_status = 401;
  status->reason = "Unauthorized";
  status->message = "Unauthorized";
  return Error(Code::kUnauthenticated, why.message()).with_detail(std::move(status));
}

void add_authenticated(User& user) {
  if (user.in_group(kAuthenticatedGroup) || user.in_group(kUnauthenticatedGroup)) return;
  user.groups.emplace_back(kAuthenticatedGroup);
}

User anonymous_user() {
  return {.name = std::string(kAnonymousUser), .groups = {std::string(kUnauthenticatedGroup)}};
}

}  // namespace

Authenticator::Authenticator(ServiceAccountTokens& tokens, Options options)
    : tokens_(tokens), options_(std::move(options)) {}

Result<User> Authenticator::authenticate(const http::ServerRequest& request) {
  return authenticate_any(request).map_error(unauthorized);
}

Result<User> Authenticator::authenticate_any(const http::ServerRequest& request) {
  std::optional<Error> refused;
  if (request.tls != nullptr && !request.tls->peer_chain.empty()) {
    auto user = user_of_certificate(request.tls->peer_chain.front());
    if (user) return user;
    if (!is(user.error(), Code::kNotFound)) refused = std::move(user).error();
  }
  if (const auto token = TRY(bearer_token(request.headers))) {
    return TRY(authenticate_token(*token, {})).user;
  }
  if (refused) return fail(*std::move(refused));
  if (!options_.allow_anonymous) return fail(Code::kUnauthenticated, "no credentials were shown");
  return anonymous_user();
}

Result<User> Authenticator::user_of_certificate(const std::string& pem) {
  auto found = certificates_.find(pem);
  if (found == certificates_.end()) {
    auto fresh = TRY(certificate_user(pem));
    if (certificates_.size() >= kMaxCertificates) certificates_.clear();
    add_authenticated(fresh.user);
    found = certificates_.emplace(pem, std::move(fresh)).first;
  }
  const auto& [user, not_before, not_after] = found->second;
  // The handshake saw to that, but a connection may outlive the certificate.
  const Time now = options_.clock->now();
  if (now < not_before || now > not_after) {
    return fail(Code::kUnauthenticated, "the client's certificate has expired or is not yet valid");
  }
  if (user.name.empty()) return fail(Code::kNotFound, "the client's certificate names nobody");
  return user;
}

Result<Authenticator::TokenUser> Authenticator::authenticate_token(
    std::string_view token, const std::vector<std::string>& audiences) {
  if (options_.static_tokens != nullptr) {
    if (auto user = options_.static_tokens->find(token)) {
      // They are for this server, whoever asks.
      const auto& ours = tokens_.audiences();
      TokenUser out{.user = *std::move(user)};
      std::ranges::copy_if(ours, std::back_inserter(out.audiences), [&](const std::string& audience) {
        return audiences.empty() || std::ranges::find(audiences, audience) != audiences.end();
      });
      if (out.audiences.empty()) return fail(Code::kUnauthenticated, std::string(kInvalidToken));
      add_authenticated(out.user);
      return out;
    }
  }
  auto verified = tokens_.verify(token, audiences);
  if (!verified) {
    const auto& why = verified.error().message();
    return fail(Code::kUnauthenticated, "[" + std::string(kInvalidToken) + ", " + why + "]");
  }
  if (!*verified) return fail(Code::kUnauthenticated, std::string(kInvalidToken));
  TokenUser out{.user = std::move((*verified)->user), .audiences = std::move((*verified)->audiences)};
  add_authenticated(out.user);
  return out;
}

}  // namespace klutch::apiserver
