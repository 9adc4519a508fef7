// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/quantity.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace klutch::apiserver {
namespace {

__extension__ typedef __int128 Wide;

constexpr std::size_t kMaxDigits = 30;
constexpr std::size_t kMaxText = 1000;
constexpr int kNano = -9;
constexpr std::string_view kDecimalSuffixes[] = {"n", "u", "m", "", "k", "M", "G", "T", "P", "E"};
constexpr std::string_view kBinarySuffixes[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

tl::unexpected<Error> wrong_format() {
  return fail(Code::kInvalid,
              "quantities must match the regular expression "
              "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::string_view take_digits(std::string_view& text) {
  const auto end = std::ranges::find_if_not(text, is_digit);
  const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

template <std::size_t N>
std::optional<int> position_of(const std::string_view (&suffixes)[N], std::string_view suffix) {
  const auto* const found = std::ranges::find(suffixes, suffix);
  if (found == std::end(suffixes)) return std::nullopt;
  return static_cast<int>(found - std::begin(suffixes));
}

std::string print_wide(Wide number) {
  if (number == 0) return "0";
  std::string out;
  const bool negative = number < 0;
  for (; number != 0; number /= 10) {
    const auto digit = static_cast<int>(number % 10);
    out += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  if (negative) out += '-';
  std::ranges::reverse(out);
  return out;
}

/// Whether Kubernetes keeps the text of a number with a decimal suffix, whose exponent is `exponent`.
bool keeps_decimal_text(std::string_view digits, std::string_view fraction, int exponent) {
  const int scale = exponent - static_cast<int>(fraction.size());
  if (digits.size() + fraction.size() > 18 || scale < kNano || scale % 3 != 0) return false;
  const std::string shifted = std::string(digits) + std::string(fraction);
  return !shifted.empty() && shifted.front() != '0' && !digits.empty() && !shifted.ends_with("000");
}

bool keeps_binary_text(std::string_view digits, std::string_view fraction, Wide number, int power) {
  const int precision = 14 - static_cast<int>(digits.size()) - power * 3;
  return fraction.empty() && precision >= 0 && number % 8 != 0;
}

Wide power_of_ten(int exponent) {
  Wide out = 1;
  for (int i = 0; i < exponent; ++i) out *= 10;
  return out;
}

}  // namespace

Result<Quantity> Quantity::parse(std::string_view text) {
  if (text == "0") return Quantity();
  if (text.empty() || text.size() > kMaxText) return wrong_format();
  const auto whole = text;
  const bool negative = text.front() == '-';
  if (text.front() == '-' || text.front() == '+') text.remove_prefix(1);
  const auto digits = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
  }
  if (digits.empty() && fraction.empty()) return wrong_format();
  // The suffix: letters, then a sign, then digits.
  auto rest = text;
  const auto letters = rest.find_first_not_of("eEinumkKMGTP");
  rest.remove_prefix(std::min(letters, rest.size()));
  if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) rest.remove_prefix(1);
  take_digits(rest);
  if (!rest.empty()) return wrong_format();
  auto quantity = TRY(from_parts(negative, digits, fraction, text));
  if (!quantity.text_.empty()) quantity.text_ = whole;
  return quantity;
}

Result<> Quantity::scale_binary(int power) {
  for (int i = 0; i < power; ++i) {
    mantissa_ *= 1024;
    // A binary suffix moves the point by ten digits at most for each factor of 2^30.
    while (exponent_ < 0 && mantissa_ % 10 == 0) {
      mantissa_ /= 10;
      ++exponent_;
    }
    if (mantissa_ > power_of_ten(34) || mantissa_ < -power_of_ten(34)) {
      return fail(Code::kInvalid, "unable to parse numeric part of quantity");
    }
  }
  return {};
}

Result<Quantity> Quantity::from_parts(bool negative, std::string_view digits, std::string_view fraction,
                                      std::string_view suffix) {
  while (digits.starts_with('0')) digits.remove_prefix(1);
  const auto whole_fraction = fraction;
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  if (digits.size() + fraction.size() > kMaxDigits) {
    return fail(Code::kInvalid, "unable to parse numeric part of quantity");
  }
  Quantity out;
  for (const char c : digits) out.mantissa_ = out.mantissa_ * 10 + (c - '0');
  for (const char c : fraction) out.mantissa_ = out.mantissa_ * 10 + (c - '0');
  out.exponent_ = -static_cast<int>(fraction.size());
  if (const auto binary = position_of(kBinarySuffixes, suffix); binary && *binary > 0) {
    out.format_ = Format::kBinary;
    if (keeps_binary_text(digits, whole_fraction, out.mantissa_, *binary)) out.text_ = "kept";
    TRY(out.scale_binary(*binary));
  } else if (const auto decimal = position_of(kDecimalSuffixes, suffix)) {
    out.exponent_ += 3 * *decimal + kNano;
    if (keeps_decimal_text(digits, whole_fraction, 3 * *decimal + kNano)) out.text_ = "kept";
  } else if (suffix.size() > 1 && (suffix.front() == 'e' || suffix.front() == 'E')) {
    out.format_ = Format::kExponent;
    auto number = suffix.substr(suffix[1] == '+' ? 2 : 1);
    int exponent = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), exponent);
    if (error != std::errc() || end != number.data() + number.size() || exponent > 1000 || exponent < -1000) {
      return fail(Code::kInvalid, "unable to parse quantity's suffix");
    }
    out.exponent_ += exponent;
    if (keeps_decimal_text(digits, whole_fraction, exponent)) out.text_ = "kept";
  } else {
    return fail(Code::kInvalid, "unable to parse quantity's suffix");
  }
  bool rounded = false;
  for (; out.exponent_ < kNano && out.mantissa_ != 0; ++out.exponent_) {
    rounded = rounded || out.mantissa_ % 10 != 0;
    out.mantissa_ /= 10;
  }
  if (rounded) ++out.mantissa_;
  while (out.mantissa_ != 0 && out.mantissa_ % 10 == 0) {
    out.mantissa_ /= 10;
    ++out.exponent_;
  }
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  if (out.format_ == Format::kBinary && out.compare(Quantity(kMax)) > 0) {
    out.mantissa_ = kMax;
    out.exponent_ = 0;
  }
  if (out.mantissa_ == 0) out.exponent_ = 0;
  if (negative) out.mantissa_ = -out.mantissa_;
  return out;
}

bool Quantity::has_fraction() const {
  return exponent_ < 0 && mantissa_ % power_of_ten(std::min(-exponent_, 30)) != 0;
}

std::int64_t Quantity::rounded_up() const {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  Wide value = mantissa_;
  if (exponent_ < 0) {
    const Wide divisor = power_of_ten(std::min(-exponent_, 30));
    const bool exact = value % divisor == 0;
    value /= divisor;
    if (!exact) value += mantissa_ < 0 ? -1 : 1;
  }
  for (int i = 0; i < exponent_ && value <= kMax && value >= -kMax; ++i) value *= 10;
  return static_cast<std::int64_t>(std::clamp<Wide>(value, -kMax, kMax));
}

int Quantity::compare(const Quantity& other) const {
  if (sign() != other.sign()) return sign() < other.sign() ? -1 : 1;
  if (sign() == 0) return 0;
  const int sign_of_both = sign();
  Wide a = mantissa_ < 0 ? -mantissa_ : mantissa_;
  Wide b = other.mantissa_ < 0 ? -other.mantissa_ : other.mantissa_;
  // By the number of digits first, so that nothing overflows.
  const auto magnitude_a = static_cast<int>(print_wide(a).size()) + exponent_;
  const auto magnitude_b = static_cast<int>(print_wide(b).size()) + other.exponent_;
  if (magnitude_a != magnitude_b) return magnitude_a < magnitude_b ? -sign_of_both : sign_of_both;
  for (int i = exponent_; i > other.exponent_; --i) a *= 10;
  for (int i = other.exponent_; i > exponent_; --i) b *= 10;
  return a == b ? 0 : a < b ? -sign_of_both : sign_of_both;
}

std::string Quantity::to_string() const {
  if (!text_.empty()) return text_;
  if (mantissa_ == 0) return "0";
  Wide mantissa = mantissa_;
  int exponent = exponent_;
  const bool is_small = compare(Quantity(1024)) < 0 && compare(Quantity(-1024)) > 0;
  if (format_ == Format::kBinary && !is_small && !has_fraction()) {
    for (; exponent > 0; --exponent) mantissa *= 10;
    if (exponent < 0) mantissa /= power_of_ten(-exponent);
    std::size_t power = 0;
    for (; mantissa % 1024 == 0 && power + 1 < std::size(kBinarySuffixes); ++power) mantissa /= 1024;
    return print_wide(mantissa) + std::string(kBinarySuffixes[power]);
  }
  while (mantissa % 10 == 0) {
    mantissa /= 10;
    ++exponent;
  }
  for (; exponent % 3 != 0; --exponent) mantissa *= 10;
  if (format_ == Format::kExponent) {
    return print_wide(mantissa) + (exponent == 0 ? "" : "e" + std::to_string(exponent));
  }
  const int position = (exponent - kNano) / 3;
  if (position >= static_cast<int>(std::size(kDecimalSuffixes))) return print_wide(mantissa);
  return print_wide(mantissa) + std::string(kDecimalSuffixes[position]);
}

}  // namespace klutch::apiserver
