// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

// scrypt (RFC 7914): a key out of a passphrase, slow and hungry for memory on purpose, so that guessing costs
// as much. A pure function, safe from any thread; it blocks for a good part of a second, so fibers call it
// through Ctx::blocking. Store the costs beside what the key protects: they grow with the years.
//
//   const auto key = TRY(crypto::scrypt(passphrase, salt, crypto::ScryptCost{}, 32));

namespace klutch::crypto {

struct ScryptCost {
  static constexpr std::uint64_t kMaxMemory = std::uint64_t{1} << 30U;

  /// N: a power of 2. Memory and time grow with it.
  std::uint64_t n = std::uint64_t{1} << 17U;
  /// r: memory and time grow with it.
  std::uint32_t block_size = 8;
  /// p: time grows with it.
  std::uint32_t parallel = 1;
};

/// `length` bytes, 1 to 1024. kInvalid for costs outside of the RFC, for more than kMaxMemory (128 * N * r
/// bytes; 128 MiB with the default) or p above 16: costs may come from a file of somebody else.
[[nodiscard]] Result<Secret> scrypt(const Secret& passphrase, std::string_view salt, const ScryptCost& cost,
                                    std::size_t length);

}  // namespace klutch::crypto
