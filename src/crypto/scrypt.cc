// SPDX-License-Identifier: Apache-2.0
#include "crypto/scrypt.h"

#include <array>
#include <bit>

#include "crypto/openssl.h"

namespace klutch::crypto {
namespace {

bool is_allowed(const ScryptCost& cost) {
  constexpr std::uint32_t kMaxParallel = 16;
  return cost.n > 1 && std::has_single_bit(cost.n) && cost.n <= ScryptCost::kMaxMemory / 128 &&
         cost.block_size >= 1 && cost.block_size <= ScryptCost::kMaxMemory / 128 / cost.n &&
         cost.parallel >= 1 && cost.parallel <= kMaxParallel;
}

}  // namespace

Result<Secret> scrypt(const Secret& passphrase, std::string_view salt, const ScryptCost& cost,
                      std::size_t length) {
  constexpr std::size_t kMaxLength = 1024;
  if (!is_allowed(cost)) return fail(Code::kInvalid, "these scrypt costs are not allowed");
  if (length == 0 || length > kMaxLength) return fail(Code::kInvalid, "scrypt gives 1 to 1024 bytes");
  std::string derived(length, '\0');
  // The limit is for our check to make; this one only has to be above it.
  const int done = EVP_PBE_scrypt(passphrase.reveal().data(), passphrase.size(), openssl::data(salt),
                                  salt.size(), cost.n, cost.block_size, cost.parallel,
                                  2 * ScryptCost::kMaxMemory, openssl::data(derived), derived.size());
  if (done != 1) return fail(Code::kUnavailable, "cannot run scrypt: " + openssl::take_error());
  return Secret::take(derived);
}

}  // namespace klutch::crypto
