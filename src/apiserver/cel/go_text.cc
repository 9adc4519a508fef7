// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/go_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "apiserver/schema/go_text.h"
#include "base/strings.h"

namespace klutch::apiserver::cel {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

std::optional<std::string> special_double(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "+Inf" : "-Inf";
  return std::nullopt;
}

bool is_go_space(char32_t c) {
  switch (c) {
    case '\t':
    case '\n':
    case '\v':
    case '\f':
    case '\r':
    case ' ':
    case 0x85:
    case 0xA0:
    case 0x1680:
    case 0x2028:
    case 0x2029:
    case 0x202F:
    case 0x205F:
    case 0x3000: return true;
    default: return c >= 0x2000 && c <= 0x200A;
  }
}

}  // namespace

std::string go_double_g(double number) {
  if (auto special = special_double(number)) return *std::move(special);
  return go_number(number);
}

std::string go_double_f(double number) {
  if (auto special = special_double(number)) return *std::move(special);
  std::array<char, 512> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed).ptr;
  return {buffer.data(), end};
}

std::string go_double_fixed(double number, int precision) {
  if (auto special = special_double(number)) return *std::move(special);
  return fmt::format("{:.{}f}", number, precision);
}

std::optional<std::int64_t> go_parse_int(std::string_view text) {
  // from_chars takes '-' but not '+'; Go takes one sign of either kind.
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> go_parse_uint(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

namespace {

/// Whether each underscore separates two digits, or a digit from the "0x" before it.
bool has_only_separating_underscores(std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  bool after_digit = hex;
  bool after_underscore = false;
  for (const char c : text.substr(hex ? 2 : 0)) {
    const char lower = to_lower(c);
    const bool is_digit = (c >= '0' && c <= '9') || (hex && lower >= 'a' && lower <= 'f');
    if (c == '_' ? !after_digit : after_underscore && !is_digit) return false;
    after_digit = is_digit;
    after_underscore = c == '_';
  }
  return !after_underscore;
}

/// "infinity" and "nan" are numbers, in any case.
std::optional<double> parse_special_double(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view word = negative || text.starts_with('+') ? text.substr(1) : text;
  if (equal_ignore_case(word, "inf") || equal_ignore_case(word, "infinity")) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  if (equal_ignore_case(text, "nan")) return std::numeric_limits<double>::quiet_NaN();
  return std::nullopt;
}

/// Digits with at most one point, and an exponent, which only a hexadecimal number must have.
bool is_number_text(std::string_view text, bool hex) {
  const auto is_digit = [hex](char c) {
    return (c >= '0' && c <= '9') || (hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));
  };
  std::size_t i = 0;
  bool point = false;
  bool digits = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point) {
      point = true;
    } else if (is_digit(text[i])) {
      digits = true;
    } else {
      break;
    }
  }
  if (!digits) return false;
  if (i == text.size()) return !hex;  // a hexadecimal mantissa needs its exponent
  if (to_lower(text[i]) != (hex ? 'p' : 'e')) return false;
  ++i;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  if (i == text.size()) return false;
  return std::ranges::all_of(text.substr(i), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<double> go_parse_double(std::string_view text) {
  if (const auto special = parse_special_double(text)) return special;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::string without_underscores;
  if (text.find('_') != std::string_view::npos) {
    if (!has_only_separating_underscores(text)) return std::nullopt;
    without_underscores = text;
    std::erase(without_underscores, '_');
    text = without_underscores;
  }
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  if (!is_number_text(text, hex)) return std::nullopt;
  double number = 0;
  const auto format = hex ? std::chars_format::hex : std::chars_format::general;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, format);
  if (code == std::errc::result_out_of_range) {
    // Too small is zero (or the smallest number), too large is an error; strtod tells which.
    number = std::strtod(((hex ? "0x" : "") + std::string(text)).c_str(), nullptr);
    if (std::isinf(number)) return std::nullopt;
  } else if (code != std::errc()) {
    return std::nullopt;
  }
  return negative ? -number : number;
}

std::optional<bool> go_parse_bool(std::string_view text) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "false", "FALSE", "False"};
  if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
  if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
  return std::nullopt;
}

namespace {

int base64_url_digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  return c == '_' ? 63 : -1;
}

tl::unexpected<Error> illegal_base64(std::size_t at) {
  return fail(Code::kInvalid, "illegal base64 data at input byte " + std::to_string(at));
}

}  // namespace

Result<std::string> go_decode_base64_url(std::string_view text) {
  std::string out;
  std::size_t i = 0;
  const auto skip_breaks = [&] {
    while (i < text.size() && (text[i] == '\n' || text[i] == '\r')) ++i;
  };
  while (true) {
    std::uint32_t group = 0;
    int digits = 0;
    bool padded = false;
    while (digits < 4 && !padded) {
      skip_breaks();
      if (i == text.size()) {
        if (digits == 0) return out;
        return illegal_base64(i - static_cast<std::size_t>(digits));
      }
      const int digit = base64_url_digit(text[i++]);
      if (digit >= 0) {
        group = group << 6 | static_cast<std::uint32_t>(digit);
        ++digits;
        continue;
      }
      if (text[i - 1] != '=' || digits < 2) return illegal_base64(i - 1);
      padded = true;
    }
    if (padded && digits == 2) {
      skip_breaks();
      if (i == text.size()) return illegal_base64(i);
      if (text[i++] != '=') return illegal_base64(i - 2);
    }
    group <<= 6 * (4 - digits);
    for (int byte = 0; byte < digits - 1; ++byte) out += static_cast<char>(group >> (16 - 8 * byte) & 0xFF);
    if (!padded) continue;
    skip_breaks();
    if (i < text.size()) return illegal_base64(i);
    return out;
  }
}

CodePoint first_code_point(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = utf8_length(text);
  switch (length) {
    case 1: return {byte(0), 1};
    case 2: return {static_cast<char32_t>((byte(0) & 0x1F) << 6 | (byte(1) & 0x3F)), 2};
    case 3:
      return {static_cast<char32_t>((byte(0) & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F)), 3};
    case 4:
      return {static_cast<char32_t>((byte(0) & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 |
                                    (byte(3) & 0x3F)),
              4};
    default: return {kReplacement, 1};
  }
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    points += c.value;
    text.remove_prefix(c.length);
  }
  return points;
}

std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  while (!text.empty()) {
    text.remove_prefix(first_code_point(text).length);
    ++count;
  }
  return count;
}

void append_utf8(std::string& out, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) c = kReplacement;
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

std::vector<std::string_view> go_split(std::string_view text, std::string_view separator,
                                       std::int64_t limit) {
  std::vector<std::string_view> pieces;
  if (limit == 0) return pieces;
  const auto is_last = [&] { return limit > 0 && pieces.size() + 1 == static_cast<std::size_t>(limit); };
  if (separator.empty()) {
    while (!text.empty() && !is_last()) {
      const std::size_t length = first_code_point(text).length;
      pieces.push_back(text.substr(0, length));
      text.remove_prefix(length);
    }
    if (!text.empty()) pieces.push_back(text);
    return pieces;
  }
  while (!is_last()) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) break;
    pieces.push_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  pieces.push_back(text);
  return pieces;
}

std::string go_replace(std::string_view text, std::string_view from, std::string_view to,
                       std::int64_t limit) {
  if (from == to || limit == 0) return std::string(text);
  std::string out;
  std::size_t start = 0;
  for (std::int64_t done = 0; limit < 0 || done < limit; ++done) {
    std::size_t at = start;
    if (from.empty()) {
      // An empty text stands before each character and at the end.
      if (done > 0) {
        if (start == text.size()) break;
        at += first_code_point(text.substr(start)).length;
      }
    } else {
      at = text.find(from, start);
      if (at == std::string_view::npos) break;
    }
    out += text.substr(start, at - start);
    out += to;
    start = at + from.size();
  }
  out += text.substr(start);
  return out;
}

std::string_view go_trim_space(std::string_view text) {
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    if (!is_go_space(c.value)) break;
    text.remove_prefix(c.length);
  }
  while (!text.empty()) {
    std::size_t start = text.size() - 1;
    while (start > 0 && (static_cast<unsigned char>(text[start]) & 0xC0) == 0x80) --start;
    const CodePoint c = first_code_point(text.substr(start));
    if (start + c.length != text.size() || !is_go_space(c.value)) break;
    text.remove_suffix(c.length);
  }
  return text;
}

}  // namespace klutch::apiserver::cel
