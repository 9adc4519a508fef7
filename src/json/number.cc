// SPDX-License-Identifier: Apache-2.0
#include "json/number.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace klutch::json {
namespace {

char* put(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* put_zeros(char* out, int count) noexcept {
  std::memset(out, '0', static_cast<std::size_t>(count));
  return out + count;
}

/// Digits d1 d2 d3 ... of a number d1.d2d3... x 10^exponent, laid out without an exponent.
char* put_positional(std::string_view digits, int exponent, char* out) noexcept {
  const int count = static_cast<int>(digits.size());
  if (exponent < 0) {
    out = put_zeros(put(out, "0."), -exponent - 1);
    return put(out, digits);
  }
  if (count <= exponent + 1) return put_zeros(put(out, digits), exponent + 1 - count);
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  return put(put(put(out, digits.substr(0, whole)), "."), digits.substr(whole));
}

/// Whether a nonzero number in JSON grammar that no double can hold is too small rather than too large.
bool is_tiny(std::string_view text) noexcept {
  const std::size_t mark = text.find_first_of("eE");
  if (mark == std::string_view::npos) return text.find('.') < text.find_first_of("123456789");
  // Only a huge exponent leaves the range when a text is as short as the size caps allow, so its sign
  // decides, unless the digits outweigh it.
  std::int64_t exponent = 0;
  std::string_view power = text.substr(mark + 1);
  const bool negative = power.front() == '-';
  if (power.front() == '-' || power.front() == '+') power.remove_prefix(1);
  const auto [end, error] = std::from_chars(power.data(), power.data() + power.size(), exponent);
  if (error != std::errc()) return negative;
  if (negative) exponent = -exponent;
  const std::string_view mantissa = text.substr(0, mark);
  const std::size_t point = mantissa.find('.');
  const std::size_t first = mantissa.find_first_of("123456789");
  const auto place = static_cast<std::int64_t>(point == std::string_view::npos ? mantissa.size() : point) -
                     static_cast<std::int64_t>(first);
  return exponent < -place;
}

}  // namespace

char* write_double(double number, char* out) noexcept {
  if (std::signbit(number)) {
    *out++ = '-';
    number = -number;
  }
  if (number == 0) return put(out, "0");
  // libstdc++ gives the shortest digits in scientific form: d[.ddd]e[+-]xx[x].
  char scientific[kDoubleBytes];
  const char* end =
      std::to_chars(scientific, scientific + sizeof scientific, number, std::chars_format::scientific).ptr;
  const std::string_view text(scientific, static_cast<std::size_t>(end - scientific));
  const std::size_t mark = text.find('e');
  char digits[kDoubleBytes];
  digits[0] = text[0];
  std::size_t count = 1;
  for (std::size_t i = 2; i < mark; ++i) digits[count++] = text[i];
  int exponent = 0;
  std::from_chars(end - (text.size() - mark - 2), end, exponent);
  if (text[mark + 1] == '-') exponent = -exponent;
  if (number >= 1e-6 && number < 1e21) return put_positional({digits, count}, exponent, out);
  out = put(put(out, text.substr(0, mark)), exponent < 0 ? "e-" : "e+");
  return std::to_chars(out, out + 4, exponent < 0 ? -exponent : exponent).ptr;
}

std::optional<Value> read_number(std::string_view text) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  std::int64_t small = 0;
  if (const auto read = std::from_chars(begin, end, small); read.ptr == end && read.ec == std::errc())
    return small;
  std::uint64_t large = 0;
  if (const auto read = std::from_chars(begin, end, large); read.ptr == end && read.ec == std::errc())
    return large;
  double number = 0;
  const auto read = std::from_chars(begin, end, number);
  if (read.ec == std::errc() && std::isfinite(number)) return number;
  if (!is_tiny(text)) return std::nullopt;
  return text.front() == '-' ? -0.0 : 0.0;
}

}  // namespace klutch::json
