// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/go_text.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <vector>

#include "base/strings.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

/// The escape of a character that has one of its own, else 0.
char short_escape(std::uint32_t rune) {
  switch (rune) {
    case '\a': return 'a';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    case '\v': return 'v';
    case '"':
    case '\\': return static_cast<char>(rune);
    default: return 0;
  }
}

std::vector<const json::Member*> sorted_members(const json::Value& object) {
  std::vector<const json::Member*> members;
  members.reserve(object.size());
  for (const json::Member& member : object.members()) members.push_back(&member);
  std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) { return a->key() < b->key(); });
  return members;
}

/// Members sorted, everywhere. The depth is that of a parsed value, so it is bounded.
json::Value sorted(const json::Value& value) {
  if (value.is_uint()) return value.to_double();
  if (value.is_array()) {
    json::Value out = json::Value::empty_array();
    out.reserve(value.size());
    for (const json::Value& element : value.elements()) out.push_back(sorted(element));
    return out;
  }
  if (!value.is_object()) return value;
  const auto members = sorted_members(value);
  json::Value out = json::Value::empty_object();
  out.reserve(members.size());
  for (const json::Member* member : members) out.set(member->key(), sorted(member->value()));
  return out;
}

}  // namespace

std::uint32_t go_code_point(std::string_view utf8) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(utf8[i]); };
  switch (utf8.size()) {
    case 1: return byte(0);
    case 2: return (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU);
    case 3: return (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    default:
      return (byte(0) & 0x07U) << 18U | (byte(1) & 0x3FU) << 12U | (byte(2) & 0x3FU) << 6U |
             (byte(3) & 0x3FU);
  }
}

bool go_is_printable(std::string_view utf8) {
  if (utf8.size() == 1) return utf8[0] >= 0x20 && utf8[0] < 0x7F;
  static const RE2 kPrintable("[\\pL\\pM\\pN\\pP\\pS]");
  return RE2::FullMatch(re2::StringPiece(utf8.data(), utf8.size()), kPrintable);
}

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
      text.remove_prefix(1);
      continue;
    }
    const std::string_view utf8 = text.substr(0, length);
    const std::uint32_t rune = go_code_point(utf8);
    text.remove_prefix(length);
    if (const char escape = short_escape(rune); escape != 0) {
      out += '\\';
      out += escape;
    } else if (go_is_printable(utf8)) {
      out += utf8;
    } else if (rune < 0x20 || rune == 0x7F) {
      out += fmt::format("\\x{:02x}", rune);
    } else {
      out += rune < 0x10000 ? fmt::format("\\u{:04x}", rune) : fmt::format("\\U{:08x}", rune);
    }
  }
  return out + '"';
}

std::string go_number(double number) {
  std::array<char, 64> text = {};  // the zeroes end what atoi() reads
  char* const first = text.data();
  char* const last = first + text.size();
  char* end = std::to_chars(first, last, number, std::chars_format::scientific).ptr;
  const int exponent = std::atoi(std::find(first, end, 'e') + 1);
  if (exponent >= -4 && exponent < 6) end = std::to_chars(first, last, number, std::chars_format::fixed).ptr;
  return {first, end};
}

std::string go_value(const json::Value& value) {
  if (value.is_string()) return go_quote(value.as_string());
  if (value.is_double() || value.is_uint()) return go_number(value.to_double());
  return go_json(value);
}

std::string go_plain(const json::Value& value) {
  if (value.is_null()) return "<nil>";
  if (value.is_string()) return std::string(value.as_string());
  std::string out;
  if (value.is_array()) {
    for (const json::Value& element : value.elements()) {
      if (!out.empty()) out += ' ';
      out += go_plain(element);
    }
    return "[" + out + "]";
  }
  if (!value.is_object()) return go_value(value);
  for (const json::Member* member : sorted_members(value)) {
    if (!out.empty()) out += ' ';
    out.append(member->key()).append(":").append(go_plain(member->value()));
  }
  return "map[" + out + "]";
}

std::string go_json(const json::Value& value) {
  return json::print(sorted(value));
}

bool go_equal(const json::Value& a, const json::Value& b) {
  if (is_go_float(a) || is_go_float(b)) {
    return is_go_float(a) && is_go_float(b) && a.to_double() == b.to_double();
  }
  if (a.kind() != b.kind() || a.size() != b.size()) return false;
  if (a.is_array()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!go_equal(a.at(i), b.at(i))) return false;
    }
    return true;
  }
  if (!a.is_object()) return a == b;
  for (const auto& [key, value] : a.members()) {
    const json::Value* other = b.find(key);
    if (other == nullptr || !go_equal(value, *other)) return false;
  }
  return true;
}

std::int64_t go_int64(double number) noexcept {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (!(number >= -kTwo63 && number < kTwo63)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(number);
}

}  // namespace klutch::apiserver
