// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/service_account_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "apiserver/access/service_account_lookup.h"
#include "base/ids.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "jose/jws.h"
#include "jose/jwt.h"
#include "json/build.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kLegacyIssuer = "kubernetes/serviceaccount";
constexpr std::string_view kLegacyPrefix = "kubernetes.io/serviceaccount/";
constexpr std::size_t kMaxKnown = 1024;
constexpr std::size_t kMaxTokenBytes = std::size_t{16} << 10;
/// Seconds that clocks may differ, as kube-apiserver allows.
constexpr double kTokenLeeway = 60;

const std::vector<jose::Algorithm>& accepted_algorithms() {
  static const std::vector<jose::Algorithm> algorithms = {jose::Algorithm::kRs256, jose::Algorithm::kEs256};
  return algorithms;
}

/// As kube-apiserver names keys: the digest of the SubjectPublicKeyInfo.
std::string key_id_of(const crypto::PublicKey& key) {
  return crypto::base64_encode(crypto::sha256(key.to_der()), crypto::Base64::kUrlUnpadded);
}

Value ref_to_json(const ServiceAccountTokens::Ref& ref) {
  auto object = json::object({{"name", ref.name}});
  if (!ref.uid.empty()) object.set("uid", ref.uid);
  return object;
}

std::vector<std::string> intersection(const std::vector<std::string>& some,
                                      const std::vector<std::string>& others) {
  std::vector<std::string> both;
  std::ranges::copy_if(some, std::back_inserter(both), [&](const std::string& text) {
    return std::ranges::find(others, text) != others.end();
  });
  return both;
}

std::vector<std::string> audiences_in(const Value& claims) {
  std::vector<std::string> audiences;
  const auto* list = claims.find_array("aud");
  if (list == nullptr) return audiences;
  for (const auto& audience : list->elements()) {
    if (audience.is_string()) audiences.emplace_back(audience.as_string());
  }
  return audiences;
}

/// As Go prints a list of strings with %q.
std::string quoted_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : " ") + quote(text);
  return "[" + list + "]";
}

tl::unexpected<Error> refuse_claims() {
  return fail(Code::kUnauthenticated, "the claims of the token make no sense");
}

/// One member, without saying what else there is.
std::string token_text(const Value& object, std::string_view name) {
  return std::string(object.find_string(name).value_or(""));
}

std::string legacy_claim(const Value& claims, std::string_view name) {
  return token_text(claims, std::string(kLegacyPrefix) + std::string(name));
}

}  // namespace

/// A token whose signature was good.
struct ServiceAccountTokens::Known {
  Value claims = {};
  bool legacy = false;
  std::vector<std::string> audiences = {};
  // Bound tokens only, seconds since 1970.
  double expires = 0;
  double not_before = 0;
  double issued = 0;
};

Result<crypto::PrivateKey> ServiceAccountTokens::ensure_key(const std::string& path) {
  const auto explain = context("cannot use the key for ServiceAccount tokens in " + path);
  const auto there = TRY(os::find_file(path).map_error(explain));
  if (!there) {
    auto key = crypto::PrivateKey::generate(crypto::KeySpec::kEcP256);
    TRY(os::write_file_atomic(path, key.to_pem().reveal()).map_error(explain));
    return key;
  }
  TRY(os::require_private(path).map_error(explain));
  auto text = TRY(os::read_file(path).map_error(explain));
  auto key = crypto::PrivateKey::from_pem(Secret::take(text)).map_error(explain);
  if (key && key->kind() != crypto::KeyKind::kEcP256 && key->kind() != crypto::KeyKind::kRsa) {
    return fail(Code::kUnsupported, "cannot use the key in " + path + ": it must be of RSA or P-256");
  }
  return key;
}

ServiceAccountTokens::ServiceAccountTokens(Storage& storage, crypto::PrivateKey key, Options options)
    : storage_(storage), key_(std::move(key)), options_(std::move(options)) {}

ServiceAccountTokens::~ServiceAccountTokens() = default;

Result<std::unique_ptr<ServiceAccountTokens>> ServiceAccountTokens::create(Storage& storage,
                                                                           crypto::PrivateKey key,
                                                                           Options options) {
  if (options.issuer.empty() || options.issuer == kLegacyIssuer) {
    return fail(Code::kInvalid,
                "the issuer of ServiceAccount tokens must not be empty or that of legacy ones");
  }
  if (options.audiences.empty()) options.audiences = {options.issuer};
  std::unique_ptr<ServiceAccountTokens> tokens(
      new ServiceAccountTokens(storage, std::move(key), std::move(options)));
  tokens->key_id_ = key_id_of(tokens->key_.public_key());
  tokens->keys_.keys.push_back(TRY(jose::make_jwk(tokens->key_.public_key(), tokens->key_id_)));
  for (const auto& former : tokens->options_.former_keys) {
    tokens->keys_.keys.push_back(TRY(jose::make_jwk(former, key_id_of(former))));
  }
  return tokens;
}

Result<ServiceAccountTokens::Issued> ServiceAccountTokens::issue(const Request& request) const {
  const Time now = options_.clock->now();
  const auto seconds = jose::to_numeric_date(now);
  const Time expires_at = now + request.lifetime;
  auto audiences = Value::empty_array();
  for (const auto& audience : request.audiences.empty() ? options_.audiences : request.audiences) {
    audiences.push_back(audience);
  }
  auto bound = json::object({{"namespace", request.ns}, {"serviceaccount", ref_to_json(request.account)}});
  if (request.node) bound.set("node", ref_to_json(*request.node));
  if (request.pod) bound.set("pod", ref_to_json(*request.pod));
  if (request.secret) bound.set("secret", ref_to_json(*request.secret));
  const std::string id = new_uuid();
  const auto claims = json::object({{"aud", std::move(audiences)},
                                    {"exp", jose::to_numeric_date(expires_at)},
                                    {"iat", seconds},
                                    {"iss", options_.issuer},
                                    {"jti", id},
                                    {"kubernetes.io", std::move(bound)},
                                    {"nbf", seconds},
                                    {"sub", service_account_user(request.ns, request.account.name)}});
  const jose::SigningKey key{key_, key_id_};
  auto token = TRY(jose::sign_jwt(claims, key, ""));
  return Issued{Secret::take(token), expires_at, "JTI=" + id};
}

Result<Secret> ServiceAccountTokens::issue_legacy(std::string_view ns, const Ref& account,
                                                  std::string_view secret_name) const {
  const auto name = [](std::string_view last) { return std::string(kLegacyPrefix) + std::string(last); };
  const auto claims = json::object({{"iss", kLegacyIssuer},
                                    {name("namespace"), ns},
                                    {name("secret.name"), secret_name},
                                    {name("service-account.name"), account.name},
                                    {name("service-account.uid"), account.uid},
                                    {"sub", service_account_user(ns, account.name)}});
  const jose::SigningKey key{key_, key_id_};
  auto token = TRY(jose::sign_jwt(claims, key, ""));
  return Secret::take(token);
}

Result<ServiceAccountTokens::KnownPtr> ServiceAccountTokens::recognise(std::string_view token,
                                                                       std::string_view issuer) {
  auto digest = crypto::sha256(token);
  if (const auto found = known_.find(digest); found != known_.end()) return found->second;
  const jose::JwsOptions options{.algorithms = accepted_algorithms(), .max_bytes = kMaxTokenBytes};
  const auto jws = jose::verify_jws(token, keys_, options);
  if (!jws) {
    const bool unknown_key = jws.error().detail<jose::UnknownKey>() != nullptr;
    return fail(unknown_key ? Error(Code::kUnauthenticated, "invalid signature, no keys found")
                            : jws.error());
  }
  auto claims = json::parse(jws->payload, {.max_depth = 32, .duplicate_keys = json::DuplicateKeys::kReject});
  if (!claims || !claims->is_object() || claims->find_string("iss") != issuer) return refuse_claims();
  auto known = std::make_shared<Known>();
  known->legacy = issuer == kLegacyIssuer;
  known->claims = *std::move(claims);
  if (known->legacy) {
    known->audiences = options_.audiences;
  } else {
    known->audiences = audiences_in(known->claims);
    const auto expires = known->claims.find_double("exp");
    // kube-apiserver takes one without an end, but it never makes one.
    if (!expires || known->audiences.empty()) return refuse_claims();
    known->expires = *expires;
    known->not_before = known->claims.find_double("nbf").value_or(0);
    known->issued = known->claims.find_double("iat").value_or(0);
  }
  // Who can show many good tokens may have them checked again.
  if (known_.size() >= kMaxKnown) known_.clear();
  known_.emplace(std::move(digest), known);
  return KnownPtr(known);
}

/// What has to be true of a token besides its signature.
class ServiceAccountTokens::Check {
 public:
  Check(const Storage& storage, Time now) : objects_(storage, now) {}

  Result<User> bound(const Known& known, Time now) const {
    TRY(times(known, std::chrono::duration<double>(now.time_since_epoch()).count()));
    const Value* about = known.claims.find_object("kubernetes.io");
    if (about == nullptr) return refuse_claims();
    const std::string ns = token_text(*about, "namespace");
    const auto account = ref(*about, "serviceaccount");
    if (!account || ns.empty() || account->name.empty() || account->uid.empty()) {
      return refuse_claims();
    }
    TRY(objects_.require_account({ns, account->name}, account->uid));
    User user = user_of(ns, *account);
    const auto put = [&user](std::string_view key, const std::string& value) {
      if (!value.empty()) user.extra["authentication.kubernetes.io/" + std::string(key)] = {value};
    };
    const auto pod = ref(*about, "pod");
    const auto node = ref(*about, "node");
    if (const auto secret = ref(*about, "secret")) {
      TRY(objects_.require_bound(kSecretsType, "secret", {ns, secret->name}, secret->uid));
    }
    if (pod) {
      TRY(objects_.require_bound(kPodsType, "pod", {ns, pod->name}, pod->uid));
      put("pod-name", pod->name);
      put("pod-uid", pod->uid);
    } else if (node) {
      TRY(objects_.require_bound(kNodesType, "node", {"", node->name}, node->uid));
    }
    if (node) {
      put("node-name", node->name);
      put("node-uid", node->uid);
    }
    const auto id = token_text(known.claims, "jti");
    put("credential-id", id.empty() ? "" : "JTI=" + id);
    return user;
  }

  Result<User> legacy(const Known& known, std::string_view token) const {
    const std::string ns = legacy_claim(known.claims, "namespace");
    const Ref account{legacy_claim(known.claims, "service-account.name"),
                      legacy_claim(known.claims, "service-account.uid")};
    const std::string secret = legacy_claim(known.claims, "secret.name");
    if (ns.empty() || account.name.empty() || account.uid.empty() || secret.empty()) {
      return refuse_claims();
    }
    if (known.claims.find_string("sub") != service_account_user(ns, account.name)) {
      return refuse("sub claim is invalid");
    }
    TRY(objects_.require_token_secret({ns, secret}, token));
    TRY(objects_.require_account({ns, account.name}, account.uid));
    return user_of(ns, account);
  }

 private:
  static Result<> times(const Known& known, double now) {
    if (now - kTokenLeeway >= known.expires) return refuse("service account token has expired");
    if (now + kTokenLeeway < known.not_before) return refuse("service account token is not valid yet");
    if (now + kTokenLeeway < known.issued) return refuse("service account token is issued in the future");
    return {};
  }

  static tl::unexpected<Error> refuse(std::string_view why) {
    return fail(Code::kUnauthenticated, std::string(why));
  }

  static User user_of(std::string_view ns, const Ref& account) {
    return {.name = service_account_user(ns, account.name),
            .uid = account.uid,
            .groups = service_account_groups(ns)};
  }

  /// A member that is there but is no reference is one to an object without a name: there is none.
  static std::optional<Ref> ref(const Value& about, std::string_view name) {
    const Value* object = about.find(name);
    if (object == nullptr || object->is_null()) return std::nullopt;
    return Ref{token_text(*object, "name"), token_text(*object, "uid")};
  }

  ServiceAccountLookup objects_;
};

Result<std::optional<ServiceAccountTokens::Verified>> ServiceAccountTokens::verify(
    std::string_view token, const std::vector<std::string>& audiences) {
  const auto issuer = jose::unverified_issuer(token, kMaxTokenBytes);
  if (!issuer || (*issuer != options_.issuer && *issuer != kLegacyIssuer)) return std::nullopt;
  const auto known = TRY(recognise(token, *issuer));
  const auto& wanted = audiences.empty() ? options_.audiences : audiences;
  Verified verified{.audiences = intersection(known->audiences, wanted)};
  if (verified.audiences.empty()) {
    return fail(Code::kUnauthenticated,
                fmt::format("token audiences {} is invalid for the target audiences {}",
                            quoted_list(known->audiences), quoted_list(wanted)));
  }
  const Time now = options_.clock->now();
  const Check check(storage_, now);
  verified.user = known->legacy ? TRY(check.legacy(*known, token)) : TRY(check.bound(*known, now));
  return verified;
}

Value ServiceAccountTokens::jwks() const {
  return jose::to_json(keys_);
}

Value ServiceAccountTokens::openid_configuration(std::string_view server) const {
  std::set<std::string_view> names;
  for (const auto& key : keys_.keys) names.insert(jose::name_of(key.algorithm));
  auto algorithms = Value::empty_array();
  for (const auto name : names) algorithms.push_back(name);
  return json::object({{"issuer", options_.issuer},
                       {"jwks_uri", fmt::format("{}/openid/v1/jwks", server)},
                       {"response_types_supported", json::array({"id_token"})},
                       {"subject_types_supported", json::array({"public"})},
                       {"id_token_signing_alg_values_supported", std::move(algorithms)}});
}

}  // namespace klutch::apiserver
