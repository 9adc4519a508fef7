// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <array>
#include <cstdint>
#include <limits>

#include "base/strings.h"

namespace klutch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// ------------------------------------------------------------------------------------------------ printing

/// `value` / 10^`digits` without trailing zeros: (1500, 3) -> "1.5".
std::string decimal(std::uint64_t value, int digits) {
  std::uint64_t scale = 1;
  for (int i = 0; i < digits; ++i) scale *= 10;
  std::string text = std::to_string(value / scale);
  std::uint64_t rest = value % scale;
  if (rest == 0) return text;
  text += '.';
  while (rest != 0) {
    scale /= 10;
    text += static_cast<char>('0' + rest / scale);
    rest %= scale;
  }
  return text;
}

// ------------------------------------------------------------------------------------------------- parsing

constexpr std::uint64_t kMagnitudeLimit = std::uint64_t{1} << 63;  // of the smallest duration, as in Go

struct Unit {
  std::string_view name;
  std::uint64_t nanos;
};

constexpr std::array kUnits = {
    Unit{"ns", 1},         Unit{"us", 1000},         Unit{"µs", 1000},          Unit{"μs", 1000},
    Unit{"ms", 1'000'000}, Unit{"s", 1'000'000'000}, Unit{"m", 60'000'000'000}, Unit{"h", 3'600'000'000'000},
};

const Unit* find_unit(std::string_view name) {
  for (const auto& unit : kUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// A number with its fraction kept as numerator and scale, the way Go does, so that results agree to the last
/// bit.
struct Number {
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  double scale = 1;
};

class DurationParser {
 public:
  explicit DurationParser(std::string_view text) : text_(text), rest_(text) {}

  Result<Duration> parse() {
    const bool negative = rest_.starts_with('-');
    if (negative || rest_.starts_with('+')) rest_.remove_prefix(1);
    if (rest_ == "0") return Duration::zero();
    if (rest_.empty()) return wrong("nothing to read; expected for example \"1h30m\" or \"300ms\"");
    std::uint64_t total = 0;
    while (!rest_.empty()) {
      const std::uint64_t part = TRY(parse_part());
      total += part;  // both are at most 2^63, so this wraps only when both are exactly that
      if (part == kMagnitudeLimit && total == 0) return too_long();
      if (total > kMagnitudeLimit) return too_long();
    }
    if (negative) return Duration(static_cast<std::int64_t>(-total));
    if (total == kMagnitudeLimit) return too_long();
    return Duration(static_cast<std::int64_t>(total));
  }

 private:
  Result<std::uint64_t> parse_part() {
    const Number number = TRY(parse_number());
    const std::uint64_t unit = TRY(parse_unit());
    if (number.whole > kMagnitudeLimit / unit) return too_long();
    std::uint64_t nanos = number.whole * unit;
    if (number.fraction > 0) {
      nanos += static_cast<std::uint64_t>(static_cast<double>(number.fraction) *
                                          (static_cast<double>(unit) / number.scale));
      if (nanos > kMagnitudeLimit) return too_long();
    }
    return nanos;
  }

  Result<Number> parse_number() {
    Number number;
    bool any = false;
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1)) {
      if (number.whole > kMagnitudeLimit / 10) return too_long();
      number.whole = number.whole * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
      if (number.whole > kMagnitudeLimit) return too_long();
      any = true;
    }
    if (rest_.starts_with('.')) {
      rest_.remove_prefix(1);
      any |= parse_fraction(number);
    }
    if (!any) return wrong("expected a number");
    return number;
  }

  /// Digits that no longer fit are read and ignored. Returns whether there was a digit.
  bool parse_fraction(Number& number) {
    bool any = false;
    bool full = false;
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1)) {
      any = true;
      if (full || number.fraction > (kMagnitudeLimit - 1) / 10) {
        full = true;
        continue;
      }
      const std::uint64_t next = number.fraction * 10 + static_cast<std::uint64_t>(rest_.front() - '0');
      if (next > kMagnitudeLimit) {
        full = true;
        continue;
      }
      number.fraction = next;
      number.scale *= 10;
    }
    return any;
  }

  Result<std::uint64_t> parse_unit() {
    std::size_t length = 0;
    while (length < rest_.size() && rest_[length] != '.' && !is_digit(rest_[length])) ++length;
    if (length == 0) return wrong("a unit is missing (ns, us, ms, s, m or h)");
    const Unit* unit = find_unit(rest_.substr(0, length));
    if (unit == nullptr) return wrong("unknown unit " + quote(rest_.substr(0, length), 16));
    rest_.remove_prefix(length);
    return unit->nanos;
  }

  [[nodiscard]] tl::unexpected<Error> wrong(std::string_view why) const {
    return fail(Code::kInvalid, "not a duration: " + quote(text_, 64) + ": " + std::string(why));
  }
  [[nodiscard]] tl::unexpected<Error> too_long() const { return wrong("longer than 292 years"); }

  std::string_view text_;
  std::string_view rest_;
};

std::string with_unit(std::int64_t count, char unit) {
  return std::to_string(count) + unit;
}

/// "5m3s", or "5m" when the smaller part is zero.
std::string two_units(std::int64_t large, char large_unit, std::int64_t small, char small_unit) {
  return small == 0 ? with_unit(large, large_unit)
                    : with_unit(large, large_unit) + with_unit(small, small_unit);
}

}  // namespace

std::string format_duration(Duration duration) {
  const bool negative = duration.count() < 0;
  auto nanos = static_cast<std::uint64_t>(duration.count());
  if (negative) nanos = -nanos;
  const std::string sign = negative ? "-" : "";
  if (nanos == 0) return "0s";
  if (nanos < 1'000) return sign + std::to_string(nanos) + "ns";
  if (nanos < 1'000'000) return sign + decimal(nanos, 3) + "µs";
  if (nanos < 1'000'000'000) return sign + decimal(nanos, 6) + "ms";

  constexpr std::uint64_t kMinute = 60'000'000'000;
  const std::uint64_t total_minutes = nanos / kMinute;
  std::string text = sign;
  if (total_minutes >= 60) text += std::to_string(total_minutes / 60) + "h";
  if (total_minutes > 0) text += std::to_string(total_minutes % 60) + "m";
  return text + decimal(nanos % kMinute, 9) + "s";
}

Result<Duration> parse_duration(std::string_view text) {
  return DurationParser(text).parse();
}

// The thresholds decide how much precision an age keeps as it grows; they are kubectl's, which scripts
// compare with.
std::string format_age(Duration age) {
  const std::int64_t in_seconds = std::chrono::duration_cast<seconds>(age).count();
  const std::int64_t in_minutes = std::chrono::duration_cast<minutes>(age).count();
  const std::int64_t in_hours = std::chrono::duration_cast<hours>(age).count();
  const std::int64_t in_days = in_hours / 24;
  if (in_seconds < -1) return "<invalid>";
  if (in_seconds < 0) return "0s";
  if (in_seconds < 120) return with_unit(in_seconds, 's');
  if (in_minutes < 10) return two_units(in_minutes, 'm', in_seconds % 60, 's');
  if (in_minutes < 180) return with_unit(in_minutes, 'm');
  if (in_hours < 8) return two_units(in_hours, 'h', in_minutes % 60, 'm');
  if (in_hours < 48) return with_unit(in_hours, 'h');
  if (in_days < 8) return two_units(in_days, 'd', in_hours % 24, 'h');
  if (in_days < 2 * 365) return with_unit(in_days, 'd');
  if (in_days < 8 * 365) return two_units(in_days / 365, 'y', in_days % 365, 'd');
  return with_unit(in_days / 365, 'y');
}

}  // namespace klutch
