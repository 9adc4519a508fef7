// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

// HMAC (RFC 2104) with SHA-2. Results are raw bytes.
// Not for storing passwords: those need a slow function. Pure functions, safe from any thread; they cannot
// fail on any input.

namespace klutch::crypto {

[[nodiscard]] std::string hmac_sha256(const Secret& key, std::string_view message);
[[nodiscard]] std::string hmac_sha512(const Secret& key, std::string_view message);

/// Whether `mac` is the HMAC-SHA-256 of `message`, compared in constant time. A shortened MAC is wrong.
[[nodiscard]] bool hmac_sha256_matches(const Secret& key, std::string_view message, std::string_view mac);

}  // namespace klutch::crypto
