// SPDX-License-Identifier: Apache-2.0
#include "jose/jwt.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "base/time.h"
#include "crypto/base64.h"
#include "crypto/compare.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::jose {
namespace {

constexpr std::size_t kMaxClaimsDepth = 32;

tl::unexpected<Error> reject(std::string_view why) {
  return fail(Code::kUnauthenticated, fmt::format("the token is not valid: {}", why));
}

json::ParseOptions claims_format(std::size_t max_bytes) {
  return {
      .max_depth = kMaxClaimsDepth, .max_bytes = max_bytes, .duplicate_keys = json::DuplicateKeys::kReject};
}

Result<> check(const JwtOptions& options) {
  if (options.algorithms.empty())
    return fail(Code::kInvalid, "tokens cannot be verified: no algorithm is allowed");
  if (options.issuer.empty()) return fail(Code::kInvalid, "tokens cannot be verified: no issuer is set");
  const auto& audiences = options.audiences;
  if (audiences.empty() || std::ranges::find(audiences, std::string()) != audiences.end()) {
    return fail(Code::kInvalid, "tokens cannot be verified: an audience is missing");
  }
  return {};
}

Result<std::string> get_text(const json::Value& claims, std::string_view name) {
  const auto text = claims.find_string(name);
  if (!text) return reject(fmt::format("\"{}\" is missing or not a string", name));
  return std::string(*text);
}

/// A string or an array of strings (RFC 7519 §4.1.3).
Result<std::vector<std::string>> get_audiences(const json::Value& claims) {
  const json::Value* value = claims.find("aud");
  if (value == nullptr) return reject("\"aud\" is missing");
  if (value->is_string()) return std::vector<std::string>{std::string(value->as_string())};
  const bool strings = value->is_array() &&
                       std::ranges::all_of(value->elements(), [](const auto& e) { return e.is_string(); });
  if (!strings) return reject("\"aud\" is neither a string nor an array of strings");
  std::vector<std::string> audiences;
  for (const auto& element : value->elements()) audiences.emplace_back(element.as_string());
  return audiences;
}

/// NumericDate (RFC 7519 §2), possibly with a fraction. Times that Time cannot hold, which some issuers use
/// for "never", become its nearest end.
Result<std::optional<Time>> find_time(const json::Value& claims, std::string_view name) {
  const json::Value* value = claims.find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return reject(fmt::format("\"{}\" is not a number", name));
  using Seconds = std::chrono::duration<double>;
  const double seconds = value->to_double();
  if (seconds >= Seconds(Time::max().time_since_epoch()).count()) return Time::max();
  if (seconds <= Seconds(Time::min().time_since_epoch()).count()) return Time::min();
  if (value->is_int()) return Time(std::chrono::seconds(value->as_int()));
  return Time(std::chrono::duration_cast<Duration>(Seconds(seconds)));
}

Result<> check_times(const Claims& claims, Duration leeway, Time now) {
  // Subtracting from `now`, not adding to a claim that may sit at the end of time.
  if (now - leeway >= claims.expires_at) {
    return reject("it expired at " + format_rfc3339(claims.expires_at));
  }
  const auto not_before = TRY(find_time(claims.all, "nbf"));
  if (not_before && now + leeway < *not_before) {
    return reject("it is not valid before " + format_rfc3339(*not_before));
  }
  if (claims.issued_at && now + leeway < *claims.issued_at) {
    return reject("it was issued in the future, at " + format_rfc3339(*claims.issued_at));
  }
  return {};
}

Result<> check_nonce(const json::Value& claims, const std::optional<std::string>& expected) {
  if (!expected) return {};
  const std::string nonce = TRY(get_text(claims, "nonce"));
  if (!crypto::constant_time_equal(nonce, *expected)) return reject("\"nonce\" is another one");
  return {};
}

Result<> check_type(std::string_view type, const std::optional<std::string>& expected) {
  constexpr std::string_view kPrefix = "application/";  // RFC 7515 §4.1.9
  if (!expected) return {};
  if (starts_with_ignore_case(type, kPrefix)) type.remove_prefix(kPrefix.size());
  if (!equal_ignore_case(type, *expected)) return reject("it is a token for another use");
  return {};
}

Result<Claims> read_claims(json::Value all) {
  Claims claims;
  claims.issuer = TRY(get_text(all, "iss"));
  claims.audiences = TRY(get_audiences(all));
  if (all.contains("sub")) claims.subject = TRY(get_text(all, "sub"));
  const auto expires_at = TRY(find_time(all, "exp"));
  if (!expires_at) return reject("\"exp\" is missing");
  claims.expires_at = *expires_at;
  claims.issued_at = TRY(find_time(all, "iat"));
  claims.all = std::move(all);
  return claims;
}

}  // namespace

Result<Claims> verify_jwt(std::string_view token, const JwkSet& keys, const JwtOptions& options, Time now) {
  TRY(check(options));
  const auto jws =
      TRY(verify_jws(token, keys, {.algorithms = options.algorithms, .max_bytes = options.max_bytes}));
  TRY(check_type(jws.type, options.type));
  auto all = json::parse(jws.payload, claims_format(options.max_bytes));
  if (!all || !all->is_object()) return reject("its claims are not a JSON object without duplicate members");
  Claims claims = TRY(read_claims(*std::move(all)));
  if (claims.issuer != options.issuer) return reject("it is from another issuer");
  const auto is_ours = [&](const std::string& audience) {
    return std::ranges::find(options.audiences, audience) != options.audiences.end();
  };
  if (std::ranges::none_of(claims.audiences, is_ours)) return reject("it is for another audience");
  TRY(check_times(claims, options.leeway, now));
  TRY(check_nonce(claims.all, options.nonce));
  for (const auto& name : options.required) {
    const json::Value* value = claims.all.find(name);
    if (value == nullptr || value->is_null()) return reject(fmt::format("\"{}\" is missing", name));
  }
  return claims;
}

Result<std::string> sign_jwt(const json::Value& claims, const SigningKey& key, std::string_view type) {
  if (!claims.is_object()) return fail(Code::kInvalid, "claims must be a JSON object");
  return sign_jws(json::print(claims, {.escape_html = false}), key, type);
}

std::optional<std::string> unverified_issuer(std::string_view token, std::size_t max_bytes) {
  if (token.size() > max_bytes) return std::nullopt;
  const auto parts = split(token, '.');
  if (parts.size() != 3) return std::nullopt;
  const auto payload = crypto::base64_decode(parts[1], crypto::Base64::kUrlUnpadded);
  if (!payload) return std::nullopt;
  const auto claims = json::parse(*payload, claims_format(max_bytes));
  if (!claims) return std::nullopt;
  const auto issuer = claims->find_string("iss");
  return issuer ? std::optional(std::string(*issuer)) : std::nullopt;
}

std::int64_t to_numeric_date(Time time) noexcept {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

}  // namespace klutch::jose
