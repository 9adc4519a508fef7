// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "base/secret.h"
#include "crypto/hash.h"

// HKDF (RFC 5869): many independent keys out of one strong key. Not for passwords, which need a slow
// function. A pure function, safe from any thread; it cannot fail within its length limit.

namespace klutch::crypto {

struct HkdfInput {
  const Secret& key;           ///< Input keying material.
  std::string_view salt = {};  ///< Optional; public randomness makes the result stronger.
  std::string_view info = {};  ///< What the result is for; different texts give independent keys.
};

/// `length` bytes derived from `input`. Aborts when `length` is 0 or above 255 digests (RFC 5869 §2.3):
/// lengths are constants of the program.
[[nodiscard]] Secret hkdf(Hash hash, const HkdfInput& input, std::size_t length);

}  // namespace klutch::crypto
