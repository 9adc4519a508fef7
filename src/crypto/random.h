// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/secret.h"

// Unpredictable bytes from the operating system's generator by way of OpenSSL. Safe from any thread. There is
// no failure to handle: a machine that cannot give randomness cannot keep any promise, so the process stops.

namespace klutch::crypto {

/// `count` random bytes that need not stay secret: nonces, serial numbers, salts.
[[nodiscard]] std::string random_bytes(std::size_t count);

/// `count` random bytes for use as a key.
[[nodiscard]] Secret random_key(std::size_t count);

/// A token of at least `bits` random bits (default 256) from the URL-safe base64 alphabet A-Z a-z 0-9 - _,
/// without padding: 43 characters for 256 bits. For session ids, states, nonces and bearer tokens.
[[nodiscard]] std::string random_token(std::size_t bits = 256);

}  // namespace klutch::crypto
