// SPDX-License-Identifier: Apache-2.0
// Three ways into jose, chosen by the first byte:
//   T token           any bytes as a token must be refused: nobody but us can sign
//   C header \n claims  are signed by us first, so that what lies behind the signature is reached; what is
//   accepted must
//                       pass every check again
//   K text            any bytes as a key set; what was read survives printing and reading again
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "crypto/base64.h"
#include "jose/jwt.h"
#include "json/print.h"
#include "testing/test_keys.h"

namespace {

using namespace klutch;
using namespace klutch::jose;

constexpr Time kNow{std::chrono::seconds(1750000000)};
constexpr std::string_view kIssuer = "https://issuer.example";
constexpr std::string_view kAudience = "klutch";

const SigningKey& our_key() {
  static const SigningKey key{.key = crypto::PrivateKey::from_pem(test_keys::kEd25519Pem).value(),
                              .kid = "ed"};
  return key;
}

/// One of each kind. Of the first two nobody else has the private half, and the third signs for `C` only.
const JwkSet& keys() {
  static const JwkSet set{
      .keys = {make_jwk(crypto::PrivateKey::generate().public_key(), "ec").value(),
               make_jwk(crypto::PrivateKey::generate(crypto::KeySpec::kRsa2048).public_key(), "rsa").value(),
               make_jwk(our_key().key.public_key(), "ed").value()}};
  return set;
}

JwtOptions options() {
  return {.algorithms = {Algorithm::kRs256, Algorithm::kEs256, Algorithm::kEdDsa},
          .issuer = std::string(kIssuer),
          .audiences = {std::string(kAudience)}};
}

void try_token(std::string_view token) {
  const auto result = verify_jwt(token, keys(), options(), kNow);
  CHECK(!result && is(result.error(), Code::kUnauthenticated));
  CHECK(result.error().message().size() < 1024);
  static_cast<void>(unverified_issuer(token));
}

void try_claims(std::string_view text) {
  const std::size_t line = text.find('\n');
  if (line == text.npos) return;
  const auto encode = [](std::string_view part) {
    return crypto::base64_encode(part, crypto::Base64::kUrlUnpadded);
  };
  std::string token = encode(text.substr(0, line)) + '.' + encode(text.substr(line + 1));
  token += '.' + encode(our_key().key.sign(crypto::SignatureScheme::kEd25519, token).value());
  const auto claims = verify_jwt(token, keys(), options(), kNow);
  if (!claims) {
    CHECK(is(claims.error(), Code::kUnauthenticated));
    CHECK(claims.error().message().size() < 1024);
    return;
  }
  CHECK(text.substr(0, line).find("EdDSA") != text.npos || text.substr(0, line).find('\\') != text.npos);
  CHECK(claims->issuer == kIssuer && claims->all.find_string("iss") == kIssuer);
  CHECK(std::ranges::find(claims->audiences, kAudience) != claims->audiences.end());
  CHECK(claims->expires_at > kNow - std::chrono::minutes(1) && claims->all.contains("exp"));
  CHECK(!claims->issued_at || *claims->issued_at <= kNow + std::chrono::minutes(1));
  CHECK(unverified_issuer(token) == kIssuer);
  const auto again = verify_jwt(sign_jwt(claims->all, our_key()).value(), keys(), options(), kNow);
  CHECK(again.has_value() ||
        token.size() > options().max_bytes / 2);  // escapes may print longer than they were
}

void try_keys(std::string_view text) {
  const auto set = parse_jwk_set(text);
  if (!set) return;
  const auto again = parse_jwk_set(json::print(to_json(*set)));
  CHECK(again.has_value() && again->keys.size() == set->keys.size() && again->ignored == 0);
  for (std::size_t i = 0; i < set->keys.size(); ++i) {
    CHECK(again->keys[i].key == set->keys[i].key && again->keys[i].kid == set->keys[i].kid);
    CHECK(thumbprint(again->keys[i].key).value() == thumbprint(set->keys[i].key).value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'T': try_token(text); break;
    case 'C': try_claims(text); break;
    case 'K': try_keys(text); break;
    default: break;
  }
  return 0;
}
