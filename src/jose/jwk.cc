// SPDX-License-Identifier: Apache-2.0
#include "jose/jwk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::jose {
namespace {

using crypto::Base64;
using crypto::KeyKind;
using crypto::PublicKey;

constexpr std::size_t kMaxSetDepth = 8;

/// The members that say it is a secret (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2).
constexpr std::array<std::string_view, 8> kPrivateMembers = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

std::string encode_bytes(std::string_view bytes) {
  return crypto::base64_encode(bytes, Base64::kUrlUnpadded);
}

Result<std::string> get_bytes(const json::Value& jwk, std::string_view member) {
  const auto text = TRY(jwk.get_string(member));
  return crypto::base64_decode(text, Base64::kUrlUnpadded)
      .map_error(context(fmt::format("cannot read the key's \"{}\"", member)));
}

/// Only the members that make the key, in the order RFC 7638 §3.2 hashes them.
json::Value required_members(const PublicKey& key) {
  const auto numbers = key.numbers();
  switch (key.kind()) {
    case KeyKind::kRsa:
      return json::object(
          {{"e", encode_bytes(numbers.second)}, {"kty", "RSA"}, {"n", encode_bytes(numbers.first)}});
    case KeyKind::kEd25519:
      return json::object({{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", encode_bytes(numbers.first)}});
    case KeyKind::kEcP256:
    case KeyKind::kEcP384:
      return json::object({{"crv", key.kind() == KeyKind::kEcP256 ? "P-256" : "P-384"},
                           {"kty", "EC"},
                           {"x", encode_bytes(numbers.first)},
                           {"y", encode_bytes(numbers.second)}});
  }
  CHECK(false);
}

Result<PublicKey> parse_key(const json::Value& jwk) {
  const auto type = TRY(jwk.get_string("kty"));
  if (type == "RSA") {
    const std::string modulus = TRY(get_bytes(jwk, "n"));
    const std::string exponent = TRY(get_bytes(jwk, "e"));
    return PublicKey::from_rsa(modulus, exponent);
  }
  if (type == "EC" && jwk.find_string("crv") == "P-256") {
    const std::string x = TRY(get_bytes(jwk, "x"));
    const std::string y = TRY(get_bytes(jwk, "y"));
    return PublicKey::from_ec(KeyKind::kEcP256, x, y);
  }
  if (type == "OKP" && jwk.find_string("crv") == "Ed25519") {
    const std::string x = TRY(get_bytes(jwk, "x"));
    return PublicKey::from_ed25519(x);
  }
  return fail(Code::kUnsupported, "the key is neither RSA nor P-256 nor Ed25519");
}

/// RFC 7517 §4.2 to §4.4: what the owner says the key is for.
Result<> check_use(const json::Value& jwk, Algorithm algorithm) {
  const auto* use = jwk.find("use");
  if (use != nullptr && !(*use == json::Value("sig")))
    return fail(Code::kUnsupported, "the key is not for signatures");
  const auto* alg = jwk.find("alg");
  if (alg != nullptr && !(*alg == json::Value(name_of(algorithm)))) {
    return fail(Code::kUnsupported, "the key is for another algorithm");
  }
  const auto* operations = jwk.find("key_ops");
  if (operations == nullptr) return {};
  if (!operations->is_array()) return fail(Code::kInvalid, "\"key_ops\" is not an array");
  const auto elements = operations->elements();
  if (std::ranges::find(elements, json::Value("verify")) == elements.end()) {
    return fail(Code::kUnsupported, "the key is not for verifying");
  }
  return {};
}

}  // namespace

std::string_view name_of(Algorithm algorithm) noexcept {
  switch (algorithm) {
    case Algorithm::kRs256: return "RS256";
    case Algorithm::kEs256: return "ES256";
    case Algorithm::kEdDsa: return "EdDSA";
  }
  CHECK(false);
}

std::optional<Algorithm> find_algorithm(std::string_view name) noexcept {
  for (const Algorithm algorithm : {Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa}) {
    if (name == name_of(algorithm)) return algorithm;
  }
  return std::nullopt;
}

std::optional<Algorithm> algorithm_of(KeyKind kind) noexcept {
  switch (kind) {
    case KeyKind::kRsa: return Algorithm::kRs256;
    case KeyKind::kEcP256: return Algorithm::kEs256;
    case KeyKind::kEd25519: return Algorithm::kEdDsa;
    case KeyKind::kEcP384: return std::nullopt;
  }
  CHECK(false);
}

Result<std::string> thumbprint(const PublicKey& key) {
  if (!algorithm_of(key.kind())) return fail(Code::kUnsupported, "there is no JOSE algorithm for P-384 here");
  return encode_bytes(crypto::sha256(json::print(required_members(key))));
}

Result<Jwk> make_jwk(PublicKey key, std::string kid) {
  std::string print = TRY(thumbprint(key));
  const Algorithm algorithm = algorithm_of(key.kind()).value();
  return Jwk{std::move(key), algorithm, kid.empty() ? std::move(print) : std::move(kid)};
}

json::Value to_json(const Jwk& jwk) {
  json::Value value = required_members(jwk.key);
  if (!jwk.kid.empty()) value.set("kid", jwk.kid);
  value.set("use", "sig");
  value.set("alg", name_of(jwk.algorithm));
  return value;
}

Result<Jwk> parse_jwk(const json::Value& value) {
  if (!value.is_object()) return fail(Code::kInvalid, "the key is not a JSON object");
  for (const std::string_view member : kPrivateMembers) {
    if (value.contains(member)) return fail(Code::kInvalid, "the key is published with its secret part");
  }
  const auto* kid = value.find("kid");
  if (kid != nullptr && !kid->is_string()) return fail(Code::kInvalid, "\"kid\" is not a string");
  PublicKey key = TRY(parse_key(value));
  const Algorithm algorithm = algorithm_of(key.kind()).value();
  TRY(check_use(value, algorithm));
  return Jwk{std::move(key), algorithm, kid == nullptr ? std::string() : std::string(kid->as_string())};
}

Result<JwkSet> parse_jwk_set(std::string_view text) {
  const auto value = TRY(json::parse(text, {.max_depth = kMaxSetDepth,
                                            .max_bytes = JwkSet::kMaxBytes,
                                            .duplicate_keys = json::DuplicateKeys::kReject}));
  if (!value.is_object()) return fail(Code::kInvalid, "a JWK set is a JSON object");
  const json::Value* keys = TRY(value.get_array("keys"));
  if (keys->size() > JwkSet::kMaxKeys) return fail(Code::kTooLarge, "a JWK set has more than 100 keys");
  JwkSet set;
  for (const auto& element : keys->elements()) {
    auto jwk = parse_jwk(element);
    if (jwk) {
      set.keys.push_back(*std::move(jwk));
    } else {
      ++set.ignored;
    }
  }
  return set;
}

json::Value to_json(const JwkSet& set) {
  json::Value keys = json::Value::empty_array();
  for (const auto& jwk : set.keys) keys.push_back(to_json(jwk));
  return json::object({{"keys", std::move(keys)}});
}

}  // namespace klutch::jose
