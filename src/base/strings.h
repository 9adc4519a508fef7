// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// Small functions on text that the standard library lacks. Letters are ASCII throughout: nothing depends on
// the locale. Functions that return views return views into their argument. Pure, safe from any thread.

namespace klutch {

/// The pieces between separators, empty ones included: split("a,,b", ',') -> {"a", "", "b"}; split("", ',')
/// -> {""}.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The parts before and after the first separator; nothing when there is none.
std::optional<std::pair<std::string_view, std::string_view>> split_once(std::string_view text,
                                                                        std::string_view separator);

/// Without leading and trailing spaces, tabs, CR and LF.
std::string_view trim(std::string_view text);

/// The elements of a range of strings with `separator` in between.
template <class Range>
std::string join(const Range& range, std::string_view separator) {
  std::string out;
  bool first = true;
  for (const auto& element : range) {
    if (!first) out += separator;
    out += element;
    first = false;
  }
  return out;
}

char to_lower(char c) noexcept;
std::string to_lower(std::string_view text);
bool equal_ignore_case(std::string_view left, std::string_view right) noexcept;
bool starts_with_ignore_case(std::string_view text, std::string_view prefix) noexcept;

/// Whether `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

/// The length of the well-formed UTF-8 character that `text` begins with (1 to 4); 0 when there is none.
std::size_t utf8_length(std::string_view text) noexcept;

/// The longest prefix of `text` of at most `max_bytes` that does not cut through a UTF-8 character.
std::string_view utf8_prefix(std::string_view text, std::size_t max_bytes) noexcept;

/// Whether printing the well-formed character `c` could move a cursor, reorder or hide text: control
/// characters (C0, DEL, C1), line and paragraph separators, bidirectional overrides, byte order mark.
bool is_deceptive(std::string_view c) noexcept;

/// `text` for a message, in double quotes: printable whatever it holds (control characters, quotes,
/// backslashes and invalid UTF-8 are escaped), on one line, and cut with "..." after `max_bytes` of the
/// original.
std::string quote(std::string_view text, std::size_t max_bytes = 120);

/// RFC 3986 §2.1: everything but unreserved characters becomes %XX. Right for one path segment or query
/// value.
std::string percent_encode(std::string_view text);

/// Undoes percent_encode; '+' stays '+'. kInvalid when a '%' is not followed by two hexadecimal digits.
Result<std::string> percent_decode(std::string_view text);

}  // namespace klutch
