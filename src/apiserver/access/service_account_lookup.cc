// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/service_account_lookup.h"

#include <fmt/format.h>

#include "apiserver/access/service_account_tokens.h"
#include "base/secret.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "crypto/compare.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

tl::unexpected<Error> refuse_token(std::string message) {
  return fail(Code::kUnauthenticated, std::move(message));
}

}  // namespace

bool ServiceAccountLookup::is_gone(const json::Value& object) const {
  if (!kube::is_deleting(object)) return false;
  const auto deleted = kube::deletion_time(object);
  return !deleted || *deleted < now_ - std::chrono::minutes(1);
}

Result<> ServiceAccountLookup::require_account(const kube::Key& key, std::string_view uid) const {
  const auto stored = storage_.get(kServiceAccountsType, key);
  if (stored == nullptr) return refuse_token(fmt::format("serviceaccounts {} not found", quote(key.name)));
  const auto account = stored->to_value();
  if (kube::uid(account) != uid) {
    return refuse_token(fmt::format("service account UID ({}) does not match claim ({})", kube::uid(account),
                                    utf8_prefix(uid, 64)));
  }
  if (is_gone(account)) {
    return refuse_token(fmt::format("service account {}/{} has been deleted", key.ns, key.name));
  }
  return {};
}

Result<> ServiceAccountLookup::require_bound(std::string_view type, std::string_view kind,
                                             const kube::Key& key, std::string_view uid) const {
  const auto stored = storage_.get(type, key);
  if (stored == nullptr) return refuse_token("service account token has been invalidated");
  const auto object = stored->to_value();
  if (kube::uid(object) != uid) {
    return refuse_token(fmt::format("{} UID ({}) does not match service account {} ref claim ({})", kind,
                                    kube::uid(object), kind, utf8_prefix(uid, 64)));
  }
  if (is_gone(object)) return refuse_token("service account token has been invalidated");
  return {};
}

Result<> ServiceAccountLookup::require_token_secret(const kube::Key& key, std::string_view token) const {
  const auto stored = storage_.get(kSecretsType, key);
  if (stored == nullptr) return refuse_token("Token has been invalidated");
  const auto secret = stored->to_value();
  if (kube::is_deleting(secret)) return refuse_token("Token has been invalidated");
  const auto* data = secret.find_object("data");
  const auto encoded = data == nullptr ? std::nullopt : data->find_string("token");
  auto decoded = crypto::base64_decode(encoded.value_or(""));
  const Secret held = decoded ? Secret::take(*decoded) : Secret();
  if (held.empty() || !crypto::constant_time_equal(held, token)) {
    return refuse_token("Token does not match server's copy");
  }
  if (!kube::label(secret, "kubernetes.io/legacy-token-invalid-since").value_or("").empty()) {
    return refuse_token(fmt::format("the token in secret {}/{} has been marked invalid", key.ns, key.name));
  }
  return {};
}

}  // namespace klutch::apiserver
