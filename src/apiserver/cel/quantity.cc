// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/quantity.h"

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <limits>
#include <utility>

#include "apiserver/cel/go_text.h"

namespace klutch::apiserver::cel {
namespace {

using BigInt = boost::multiprecision::cpp_int;

constexpr std::string_view kWrongFormat =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view kWrongNumber = "unable to parse numeric part of quantity";
constexpr std::string_view kWrongSuffix = "unable to parse quantity's suffix";
constexpr int kNanoExponent = -9;
constexpr std::size_t kMaxDigits = 4000;
constexpr std::int64_t kMaxExponent = 4000;
constexpr int kInt64Digits = 18;

struct Suffix {
  std::string_view text;
  bool is_binary;
  int exponent;
};
constexpr std::array kSuffixes = {
    Suffix{"n", false, -9}, Suffix{"u", false, -6}, Suffix{"m", false, -3}, Suffix{"", false, 0},
    Suffix{"k", false, 3},  Suffix{"M", false, 6},  Suffix{"G", false, 9},  Suffix{"T", false, 12},
    Suffix{"P", false, 15}, Suffix{"E", false, 18}, Suffix{"Ki", true, 10}, Suffix{"Mi", true, 20},
    Suffix{"Gi", true, 30}, Suffix{"Ti", true, 40}, Suffix{"Pi", true, 50}, Suffix{"Ei", true, 60},
};

BigInt power_of_ten(std::int64_t exponent) {
  return boost::multiprecision::pow(BigInt(10), static_cast<unsigned>(exponent));
}

bool fits_int64(const BigInt& number) {
  return number >= std::numeric_limits<std::int64_t>::min() &&
         number <= std::numeric_limits<std::int64_t>::max();
}

struct Parts {
  bool is_negative = false;
  std::string whole = {};
  std::string fraction = {};
  std::string_view suffix = {};
};

std::string_view take_digits(std::string_view& text) {
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view digits = text.substr(0, length);
  text.remove_prefix(length);
  return digits;
}

Result<Parts> split_parts(std::string_view text) {
  Parts parts;
  if (text.starts_with('-') || text.starts_with('+')) {
    parts.is_negative = text.front() == '-';
    text.remove_prefix(1);
  }
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  parts.whole = take_digits(text);
  if (parts.whole.empty()) parts.whole = "0";
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    parts.fraction = take_digits(text);
  }
  parts.suffix = text;
  text.remove_prefix(std::min(text.find_first_not_of("eEinumkKMGTP"), text.size()));
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  take_digits(text);
  if (!text.empty()) return fail(Code::kInvalid, std::string(kWrongFormat));
  return parts;
}

struct Scaling {
  Quantity::Format format;
  std::int64_t exponent;
};

std::optional<Scaling> read_suffix(std::string_view suffix) {
  for (const Suffix& known : kSuffixes) {
    if (known.text != suffix) continue;
    return Scaling{known.is_binary ? Quantity::Format::kBinarySi : Quantity::Format::kDecimalSi,
                   known.exponent};
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  const auto exponent = go_parse_int(suffix.substr(1));
  if (!exponent) return std::nullopt;
  return Scaling{Quantity::Format::kDecimalExponent, *exponent};
}

/// How many more digits fit an int64 with the scale; negative when Kubernetes does not try.
int spare_digits(const Parts& parts, const Scaling& scaling) {
  const auto whole = static_cast<int>(parts.whole.size());
  const auto fraction = static_cast<int>(parts.fraction.size());
  if (scaling.format != Quantity::Format::kBinarySi) return kInt64Digits - whole - fraction;
  if (fraction > 0) return -1;
  return 15 - whole - static_cast<int>(static_cast<float>(scaling.exponent) * 3 / 10) - 1;
}

/// math.Pow10.
double go_power_of_ten(int exponent) {
  const auto table = [](int power) { return *go_parse_double("1e" + std::to_string(power)); };
  if (exponent < -323) return 0;
  if (exponent > 308) return std::numeric_limits<double>::infinity();
  if (exponent >= 0) return table(exponent / 32 * 32) * table(exponent % 32);
  return table(-(-exponent / 32 * 32)) / table(-exponent % 32);
}

std::string_view suffix_for(bool is_binary, std::int64_t exponent) {
  for (const Suffix& known : kSuffixes) {
    if (known.is_binary == is_binary && known.exponent == exponent) return known.text;
  }
  return {};
}

/// Rounded away from zero to a multiple of 10^exponent, in units of it.
BigInt rounded_up(const BigInt& digits, std::int64_t from, std::int64_t exponent) {
  if (from >= exponent) return digits * power_of_ten(from - exponent);
  const BigInt unit = power_of_ten(exponent - from);
  BigInt quotient = digits / unit;
  if (quotient * unit != digits) quotient += digits < 0 ? -1 : 1;
  return quotient;
}

std::string decimal_text(BigInt digits, std::int64_t exponent, bool with_exponent) {
  while (digits % 10 == 0) {
    digits /= 10;
    ++exponent;
  }
  while (exponent % 3 != 0) {
    digits *= 10;
    --exponent;
  }
  if (!with_exponent) return digits.str() + std::string(suffix_for(false, exponent));
  return digits.str() + (exponent == 0 ? std::string() : "e" + std::to_string(exponent));
}

}  // namespace

Quantity Quantity::whole(std::int64_t number) {
  Quantity quantity;
  quantity.digits_ = std::to_string(number);
  quantity.format_ = Format::kDecimalExponent;
  return quantity;
}

Result<Quantity> Quantity::parse(std::string_view text) {
  if (text.empty()) return fail(Code::kInvalid, std::string(kWrongFormat));
  const Parts parts = TRY(split_parts(text));
  const auto scaling = read_suffix(parts.suffix);
  if (!scaling) return fail(Code::kInvalid, std::string(kWrongSuffix));
  const bool is_binary = scaling->format == Format::kBinarySi;
  const std::string shifted = parts.whole + parts.fraction;
  if (shifted.size() > kMaxDigits || std::abs(scaling->exponent) > kMaxExponent) {
    return fail(Code::kInvalid, std::string(kWrongNumber));
  }
  Quantity quantity;
  quantity.format_ = scaling->format;
  BigInt digits(shifted.substr(std::min(shifted.find_first_not_of('0'), shifted.size() - 1)));
  const BigInt mantissa = digits;
  std::int64_t exponent = -static_cast<std::int64_t>(parts.fraction.size());
  if (is_binary) {
    digits <<= static_cast<unsigned>(scaling->exponent);
  } else {
    exponent += scaling->exponent;
  }
  quantity.is_small_ = spare_digits(parts, *scaling) >= 0 && exponent >= kNanoExponent && fits_int64(digits);
  if (!quantity.is_small_ && digits != 0) {
    digits = rounded_up(digits, exponent, kNanoExponent);
    exponent = kNanoExponent;
    const BigInt one = power_of_ten(-kNanoExponent);
    const BigInt largest = std::numeric_limits<std::int64_t>::max();
    if (is_binary && digits > largest * one) {
      digits = largest;
      exponent = 0;
    } else if (is_binary && digits < one) {
      quantity.format_ = Format::kDecimalSi;
    }
  }
  const bool is_canonical =
      is_binary ? mantissa % 8 != 0 : exponent % 3 == 0 && !shifted.ends_with("000") && shifted[0] != '0';
  if (quantity.is_small_ && is_canonical) quantity.text_ = text;
  if (parts.is_negative) digits = -digits;
  quantity.digits_ = digits.str();
  quantity.exponent_ = static_cast<std::int32_t>(exponent);
  return quantity;
}

Quantity Quantity::plus(const Quantity& other) const {
  return sum(other, false);
}

Quantity Quantity::minus(const Quantity& other) const {
  return sum(other, true);
}

Quantity Quantity::sum(const Quantity& other, bool negated) const {
  Quantity result;
  BigInt left(digits_);
  BigInt right(other.digits_);
  if (negated) right = -right;
  result.format_ = left == 0 ? other.format_ : format_;
  result.is_small_ = is_small_ && other.is_small_;
  // An int64 that is zero takes or leaves the other's scale.
  std::int32_t exponent = std::min(exponent_, other.exponent_);
  if (result.is_small_ && right == 0) exponent = exponent_;
  if (result.is_small_ && right != 0 && left == 0) exponent = other.exponent_;
  if (exponent_ > exponent) left *= power_of_ten(exponent_ - exponent);
  if (other.exponent_ > exponent) right *= power_of_ten(other.exponent_ - exponent);
  const BigInt total = left + right;
  result.is_small_ = result.is_small_ && fits_int64(left) && fits_int64(right) && fits_int64(total);
  result.digits_ = total.str();
  result.exponent_ = exponent;
  return result;
}

int Quantity::compare(const Quantity& other) const {
  BigInt left(digits_);
  BigInt right(other.digits_);
  if (exponent_ > other.exponent_) left *= power_of_ten(exponent_ - other.exponent_);
  if (other.exponent_ > exponent_) right *= power_of_ten(other.exponent_ - exponent_);
  return left.compare(right) < 0 ? -1 : left.compare(right) > 0 ? 1 : 0;
}

int Quantity::sign() const {
  return BigInt(digits_).sign();
}

std::optional<std::int64_t> Quantity::as_int() const {
  if (!is_small_ || exponent_ < 0) return std::nullopt;
  const BigInt number = BigInt(digits_) * power_of_ten(exponent_);
  if (!fits_int64(number)) return std::nullopt;
  return number.convert_to<std::int64_t>();
}

double Quantity::approximate() const {
  const double base = go_parse_double(digits_).value_or(std::numeric_limits<double>::infinity());
  return exponent_ == 0 ? base : base * go_power_of_ten(exponent_);
}

std::string Quantity::text() const {
  if (!text_.empty()) return text_;
  const BigInt digits(digits_);
  if (digits == 0) return "0";
  if (format_ == Format::kBinarySi) {
    const BigInt whole = rounded_up(digits, exponent_, 0);
    const bool is_whole = exponent_ >= 0 || whole * power_of_ten(-exponent_) == digits;
    if (is_whole && (whole <= -1024 || whole >= 1024)) {
      BigInt amount = whole;
      std::int64_t exponent = 0;
      for (; amount % 1024 == 0; amount /= 1024) exponent += 10;
      return amount.str() + std::string(exponent == 0 ? "" : suffix_for(true, exponent));
    }
  }
  return decimal_text(digits, exponent_, format_ == Format::kDecimalExponent);
}

}  // namespace klutch::apiserver::cel
