// SPDX-License-Identifier: Apache-2.0
#include "jose/jws.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/strings.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::jose {
namespace {

using crypto::Base64;

constexpr std::size_t kMaxHeaderDepth = 8;
constexpr int kMaxCandidates = 8;
constexpr std::size_t kMaxQuotedKid = 64;

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(Code::kUnauthenticated, fmt::format("the token is not valid: {}", why));
}

struct Parts {
  std::string_view header;
  std::string_view payload;
  std::string_view signature;
  std::string_view signed_text;  ///< header.payload
};

Result<Parts> split_token(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) {
    return refuse("it has not three parts");
  }
  return Parts{.header = token.substr(0, first),
               .payload = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .signed_text = token.substr(0, second)};
}

Result<std::string> decode_part(std::string_view part, std::string_view name) {
  auto bytes = crypto::base64_decode(part, Base64::kUrlUnpadded);
  if (!bytes) return refuse(fmt::format("its {} is not base64url", name));
  return *std::move(bytes);
}

struct Header {
  Algorithm algorithm;
  std::optional<std::string> kid;
  std::string type;
};

Result<Header> read_header(std::string_view encoded, const JwsOptions& options) {
  const std::string text = TRY(decode_part(encoded, "header"));
  const auto header = json::parse(text, {.max_depth = kMaxHeaderDepth,
                                         .max_bytes = options.max_bytes,
                                         .duplicate_keys = json::DuplicateKeys::kReject});
  if (!header || !header->is_object())
    return refuse("its header is not a JSON object without duplicate members");
  // RFC 7515 §4.1.11: critical extensions must be understood, and none is.
  if (header->contains("crit")) return refuse("its header demands an extension");
  const auto name = header->find_string("alg");
  const auto algorithm = name ? find_algorithm(*name) : std::nullopt;
  if (!algorithm || std::ranges::find(options.algorithms, *algorithm) == options.algorithms.end()) {
    return refuse("its signature algorithm is not allowed");
  }
  std::optional<std::string> kid;
  if (header->contains("kid")) {
    const auto text_of_kid = header->find_string("kid");
    if (!text_of_kid) return refuse("its key id is not a string");
    kid = *text_of_kid;
  }
  if (header->contains("typ") && !header->find_string("typ")) return refuse("its type is not a string");
  return Header{*algorithm, std::move(kid), std::string(header->find_string("typ").value_or(""))};
}

crypto::SignatureScheme scheme_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kRs256: return crypto::SignatureScheme::kRsaPkcs1Sha256;
    case Algorithm::kEs256: return crypto::SignatureScheme::kEcdsaP256Sha256;
    case Algorithm::kEdDsa: return crypto::SignatureScheme::kEd25519;
  }
  return crypto::SignatureScheme::kEd25519;
}

Result<> verify_signature(const Header& header, std::string_view text, std::string_view signature,
                          const JwkSet& keys) {
  int candidates = 0;
  for (const auto& jwk : keys.keys) {
    if (header.kid && jwk.kid != *header.kid) continue;
    // The key decides which algorithm it is for; the token's header only has to agree.
    if (jwk.algorithm != header.algorithm) continue;
    if (++candidates > kMaxCandidates) break;
    if (jwk.key.verify(scheme_of(jwk.algorithm), text, signature)) return {};
  }
  if (candidates > 0) return refuse("its signature is wrong");
  const std::string which = header.kid ? " " + quote(*header.kid, kMaxQuotedKid) : std::string();
  return fail(refuse(fmt::format("it is signed with a key{} that is not known for {}", which,
                                 name_of(header.algorithm)))
                  .value()
                  .with_detail(std::make_shared<UnknownKey>()));
}

}  // namespace

Result<std::string> sign_jws(std::string_view payload, const SigningKey& key, std::string_view type) {
  const auto algorithm = algorithm_of(key.key.kind());
  if (!algorithm) return fail(Code::kUnsupported, "there is no JOSE algorithm for P-384 here");
  auto header = json::object({{"alg", name_of(*algorithm)}});
  if (!key.kid.empty()) header.set("kid", key.kid);
  if (!type.empty()) header.set("typ", type);
  const auto encode = [](std::string_view bytes) {
    return crypto::base64_encode(bytes, Base64::kUrlUnpadded);
  };
  std::string token = encode(json::print(header, {.escape_html = false})) + '.' + encode(payload);
  const std::string signature = TRY(key.key.sign(scheme_of(*algorithm), token));
  return token + '.' + encode(signature);
}

Result<VerifiedJws> verify_jws(std::string_view token, const JwkSet& keys, const JwsOptions& options) {
  if (token.size() > options.max_bytes) {
    return refuse(fmt::format("it is longer than {} bytes", options.max_bytes));
  }
  const Parts parts = TRY(split_token(token));
  Header header = TRY(read_header(parts.header, options));
  const std::string signature = TRY(decode_part(parts.signature, "signature"));
  TRY(verify_signature(header, parts.signed_text, signature, keys));
  std::string payload = TRY(decode_part(parts.payload, "payload"));
  return VerifiedJws{.algorithm = header.algorithm,
                     .kid = std::move(header.kid).value_or(""),
                     .type = std::move(header.type),
                     .payload = std::move(payload)};
}

}  // namespace klutch::jose
