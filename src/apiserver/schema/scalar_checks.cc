// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/scalar_checks.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "apiserver/schema/go_text.h"

namespace klutch::apiserver {
namespace {

/// string(rune) of Go: what an integer becomes when it is compared with an allowed string.
bool is_rune_of(std::int64_t number, std::string_view text) {
  if (number < 0 || number > 0x10FFFF || (number >= 0xD800 && number < 0xE000)) return text == "\uFFFD";
  std::string utf8;
  const auto push = [&](std::int64_t byte) { utf8 += static_cast<char>(byte); };
  if (number < 0x80) {
    push(number);
  } else if (number < 0x800) {
    push(0xC0 | number >> 6);
  } else if (number < 0x10000) {
    push(0xE0 | number >> 12);
    push(0x80 | (number >> 6 & 0x3F));
  } else {
    push(0xF0 | number >> 18);
    push(0x80 | (number >> 12 & 0x3F));
    push(0x80 | (number >> 6 & 0x3F));
  }
  if (number >= 0x80) push(0x80 | (number & 0x3F));
  return text == utf8;
}

}  // namespace

ValueType type_of(const json::Value& value) {
  switch (value.kind()) {
    case json::Kind::kBool: return {SchemaType::kBoolean, ""};
    case json::Kind::kInt: return {SchemaType::kInteger, "int64"};
    case json::Kind::kUint:
    case json::Kind::kDouble: return {SchemaType::kNumber, "float64"};
    case json::Kind::kString: return {SchemaType::kString, ""};
    case json::Kind::kArray: return {SchemaType::kArray, ""};
    default: return {SchemaType::kObject, ""};
  }
}

bool is_whole(double number) {
  constexpr double kLargest = 9007199254740991.0;
  if (!(std::abs(number) <= kLargest)) return false;
  if (number == std::trunc(number)) return true;
  if (number < 1) return false;
  const double whole = std::trunc(number);
  return (number - whole) / (number + whole) < 1e-9;
}

std::int64_t count_code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

bool is_allowed_as(const json::Value& value, const json::Value& allowed) {
  if (value.is_null() || allowed.is_null()) return false;
  if (value.is_int() && is_go_float(allowed))
    return static_cast<double>(value.as_int()) == allowed.to_double();
  if (value.is_int() && allowed.is_string()) return is_rune_of(value.as_int(), allowed.as_string());
  if (is_go_float(value) && allowed.is_int()) return go_int64(value.to_double()) == allowed.as_int();
  return go_equal(value, allowed);
}

}  // namespace klutch::apiserver
