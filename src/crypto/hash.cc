// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include "base/check.h"
#include "crypto/openssl.h"

namespace klutch::crypto {
namespace {

const EVP_MD* algorithm(Hash hash) {
  switch (hash) {
    case Hash::kSha256: return EVP_sha256();
    case Hash::kSha384: return EVP_sha384();
    case Hash::kSha512: return EVP_sha512();
  }
  CHECK(false);
}

}  // namespace

std::string digest(Hash hash, std::string_view bytes) {
  std::string result(digest_size(hash), '\0');
  CHECK(EVP_Digest(bytes.data(), bytes.size(), openssl::data(result), nullptr, algorithm(hash), nullptr) ==
        1);
  return result;
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

struct Hasher::State {
  Hash hash;
  openssl::DigestCtx ctx;

  void start() { CHECK(EVP_DigestInit_ex(ctx.get(), algorithm(hash), nullptr) == 1); }
};

Hasher::Hasher(Hash hash)
    : state_(std::make_unique<State>(State{hash, openssl::DigestCtx(EVP_MD_CTX_new())})) {
  CHECK(state_->ctx != nullptr);
  state_->start();
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

Hasher& Hasher::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(state_->ctx.get(), bytes.data(), bytes.size()) == 1);
  return *this;
}

std::string Hasher::finish() {
  std::string result(digest_size(state_->hash), '\0');
  CHECK(EVP_DigestFinal_ex(state_->ctx.get(), openssl::data(result), nullptr) == 1);
  state_->start();
  return result;
}

}  // namespace klutch::crypto
