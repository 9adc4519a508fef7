// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/hkdf.h"
#include "crypto/openssl.h"
#include "crypto/random.h"

namespace klutch::crypto {
namespace {

constexpr char kVersion = 1;
constexpr std::size_t kIdSize = 4;
constexpr std::size_t kNonceSize = 12;
constexpr std::size_t kTagSize = 16;
constexpr std::size_t kNonceOffset = 1 + kIdSize;
constexpr std::size_t kHeaderSize = kNonceOffset + kNonceSize;
static_assert(Keyring::kOverhead == kHeaderSize + kTagSize);

std::string id_of(const Secret& key) {
  return std::string(
      hkdf(Hash::kSha256, {.key = key, .salt = {}, .info = "klutch aead key id"}, kIdSize).reveal());
}

enum class Direction { kOpen = 0, kSeal = 1 };

/// A context that has seen key, nonce and all authenticated bytes that are not encrypted. The header has a
/// fixed length, so header and `associated` cannot be shifted into one another.
openssl::CipherCtx begin(Direction direction, const Secret& key, std::string_view header,
                         std::string_view associated) {
  openssl::CipherCtx ctx(EVP_CIPHER_CTX_new());
  CHECK(ctx != nullptr);
  CHECK(EVP_CipherInit_ex(ctx.get(), EVP_aes_256_gcm(), nullptr, openssl::data(key.reveal()),
                          openssl::data(header.substr(kNonceOffset, kNonceSize)),
                          static_cast<int>(direction)) == 1);
  int ignored = 0;
  for (const std::string_view bytes : {header, associated}) {
    if (bytes.empty()) continue;
    CHECK(EVP_CipherUpdate(ctx.get(), nullptr, &ignored, openssl::data(bytes),
                           static_cast<int>(bytes.size())) == 1);
  }
  return ctx;
}

void transform(EVP_CIPHER_CTX* ctx, std::string_view from, unsigned char* to) {
  if (from.empty()) return;
  int written = 0;
  CHECK(EVP_CipherUpdate(ctx, to, &written, openssl::data(from), static_cast<int>(from.size())) == 1);
  CHECK(static_cast<std::size_t>(written) == from.size());
}

tl::unexpected<Error> not_ours() {
  return fail(Code::kInvalid,
              "cannot open the sealed data: it is damaged, or sealed with another key or for another use");
}

}  // namespace

Result<Keyring> Keyring::create(const std::vector<Secret>& secrets) {
  if (secrets.empty()) return fail(Code::kInvalid, "a keyring needs at least one key");
  if (secrets.size() > kMaxKeys) return fail(Code::kInvalid, fmt::format("more than {} keys", kMaxKeys));
  std::vector<Key> keys;
  for (const Secret& secret : secrets) {
    if (secret.size() != kKeySize) {
      return fail(Code::kInvalid,
                  fmt::format("key {} has {} bytes, not {}", keys.size() + 1, secret.size(), kKeySize));
    }
    Key key{id_of(secret), secret};
    if (std::ranges::find(keys, key.id, &Key::id) != keys.end()) {
      return fail(Code::kInvalid, fmt::format("key {} is there twice", keys.size() + 1));
    }
    keys.push_back(std::move(key));
  }
  return Keyring(std::move(keys));
}

Result<std::string> Keyring::seal(std::string_view plaintext, std::string_view associated) const {
  if (plaintext.size() > kMaxPlaintext || associated.size() > kMaxPlaintext) {
    return fail(Code::kTooLarge, fmt::format("more than {} bytes cannot be sealed at once", kMaxPlaintext));
  }
  const Key& key = keys_->front();
  std::string envelope = kVersion + key.id + random_bytes(kNonceSize);
  const auto ctx = begin(Direction::kSeal, key.bytes, envelope, associated);
  envelope.resize(plaintext.size() + kOverhead);
  transform(ctx.get(), plaintext, openssl::data(envelope) + kHeaderSize);
  unsigned char* tag = openssl::data(envelope) + kHeaderSize + plaintext.size();
  int none = 0;
  CHECK(EVP_CipherFinal_ex(ctx.get(), tag, &none) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1);
  return envelope;
}

Result<Secret> Keyring::open(std::string_view envelope, std::string_view associated) const {
  if (envelope.size() < kOverhead || envelope.size() > kMaxPlaintext + kOverhead) return not_ours();
  if (associated.size() > kMaxPlaintext || envelope.front() != kVersion) return not_ours();
  const auto key = std::ranges::find(*keys_, envelope.substr(1, kIdSize), &Key::id);
  if (key == keys_->end()) return not_ours();

  const std::string_view ciphertext = envelope.substr(kHeaderSize, envelope.size() - kOverhead);
  std::string tag(envelope.substr(envelope.size() - kTagSize));
  const auto ctx = begin(Direction::kOpen, key->bytes, envelope.substr(0, kHeaderSize), associated);
  std::string plaintext(ciphertext.size(), '\0');
  transform(ctx.get(), ciphertext, openssl::data(plaintext));
  CHECK(EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) == 1);
  int none = 0;
  unsigned char nothing = 0;
  const bool authentic = EVP_CipherFinal_ex(ctx.get(), &nothing, &none) == 1;
  Secret content = Secret::take(plaintext);
  if (!authentic) return not_ours();
  return content;
}

bool Keyring::is_stale(std::string_view envelope) const {
  return envelope.size() < kHeaderSize || envelope.front() != kVersion ||
         envelope.substr(1, kIdSize) != keys_->front().id;
}

}  // namespace klutch::crypto
