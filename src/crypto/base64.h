// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// Base64 of RFC 4648, both alphabets, with and without padding. Decoding accepts exactly what encoding with
// the same variant produces: no line breaks, no other alphabet, no missing or surplus padding, no stray bits
// in the last character. So every byte string has one text, and a signed text cannot be varied. Pure
// functions.

namespace klutch::crypto {

enum class Base64 {
  kStandard,          ///< RFC 4648 §4 with padding: Kubernetes Secrets, HTTP Basic, PEM.
  kStandardUnpadded,  ///< RFC 4648 §4 without padding.
  kUrl,               ///< RFC 4648 §5 (- and _ in place of + and /) with padding.
  kUrlUnpadded,       ///< RFC 4648 §5 without padding: JOSE, PKCE, tokens.
};

[[nodiscard]] std::string base64_encode(std::string_view bytes, Base64 variant = Base64::kStandard);

/// The bytes `text` stands for. kInvalid names the offset of the first wrong character (from 0) and what is
/// wrong with it, never the text itself, which may be a secret.
[[nodiscard]] Result<std::string> base64_decode(std::string_view text, Base64 variant = Base64::kStandard);

}  // namespace klutch::crypto
