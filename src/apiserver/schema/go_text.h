// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/value.h"

// How Go prints and compares values, for messages and decisions that must be those of Kubernetes. Pure
// functions. Private to src/apiserver.

namespace klutch::apiserver {

/// The code point of one character in UTF-8.
std::uint32_t go_code_point(std::string_view utf8) noexcept;
/// unicode.IsPrint of one character in UTF-8: letters, marks, numbers, punctuation, symbols, the space.
bool go_is_printable(std::string_view utf8);

/// %q of a string: strconv.Quote.
std::string go_quote(std::string_view text);

/// %v of a float64: shortest digits, with an exponent below 1e-4 and from 1e6 on.
std::string go_number(double number);

/// %v of a number, and of a value in an error text: strings quoted, arrays and objects as JSON.
std::string go_value(const json::Value& value);

/// %v of any JSON value: "map[a:1 b:[x <nil>]]".
std::string go_plain(const json::Value& value);

/// json.Marshal: members sorted; an integer above INT64_MAX is a float64 to Kubernetes.
std::string go_json(const json::Value& value);

/// int64(float64) on amd64: towards zero, INT64_MIN for what does not fit.
std::int64_t go_int64(double number) noexcept;

/// A number that Go holds as int64; all others are float64.
inline bool is_go_int(const json::Value& value) noexcept {
  return value.is_int();
}
inline bool is_go_float(const json::Value& value) noexcept {
  return value.is_double() || value.is_uint();
}

/// reflect.DeepEqual, which tells the integer 1 from the number 1.0.
bool go_equal(const json::Value& a, const json::Value& b);

}  // namespace klutch::apiserver
