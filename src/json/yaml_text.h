// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

// How a piece of text may stand in YAML: plain, in quotes, or as a literal block. Internal to src/json;
// stateless and thread-safe.

namespace klutch::json::detail {

enum class TextStyle : std::uint8_t { kPlain, kSingleQuoted, kDoubleQuoted, kLiteral };

/// Where a scalar stands.
enum class TextPlace : std::uint8_t {
  kSimpleKey,  ///< Before the colon, on one line.
  kElsewhere,
};

/// The style that Kubernetes' YAML tools choose for the string `text` (UTF-8): text that would read as
/// another type gets double quotes, several lines become a literal block where one can hold them, and what
/// has a meaning in YAML is quoted.
TextStyle choose_style(std::string_view text, TextPlace place);

/// Whether `text` may be written before a colon; if not, the mapping needs the form "? key".
bool fits_simple_key(std::string_view text) noexcept;

/// Bytes of the line break at the front of `text` (LF, CR, NEL, LS, PS), or 0.
std::size_t break_length(std::string_view text) noexcept;

/// The indicators after the '|' of a literal block: indentation if the text begins with white space, and '-'
/// or '+' if it does not end in exactly one line break.
std::string literal_indicators(std::string_view text);

/// Whether the character at the front of `text` must be escaped between double quotes.
bool needs_escape(std::string_view text) noexcept;

/// The escape sequence for one character, such as "\\n" or "\\x7F".
std::string escape_of(std::string_view character);

/// Whether `text` begins with U+FEFF. Kubernetes' tools then escape all its characters.
bool starts_with_byte_order_mark(std::string_view text) noexcept;

}  // namespace klutch::json::detail
