// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/go_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include "apiserver/cel/go_text.h"
#include "apiserver/cel/zone_info.h"
#include "apiserver/schema/go_text.h"
#include "base/duration.h"
#include "base/strings.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

bool is_time_digit(std::string_view text, std::size_t at) {
  return at < text.size() && text[at] >= '0' && text[at] <= '9';
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
std::int64_t days_from_civil(std::int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

bool is_leap_year(std::int64_t year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int days_in_month(std::int64_t year, int month) {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : kDays.at(static_cast<std::size_t>(month - 1));
}

/// A text read along one of Go's layouts, from left to right; remembers the first thing that is out of range,
/// which Go reports only when the rest could be read.
class LayoutReader {
 public:
  LayoutReader(std::string_view text, std::string_view layout) : text_(text), rest_(text), layout_(layout) {}

  Result<> literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return mismatch(expected);
    rest_.remove_prefix(expected.size());
    return {};
  }

  /// Two digits; `lenient` takes a single one too.
  Result<int> number(std::string_view element, bool lenient = false) {
    const std::size_t length = is_time_digit(rest_, 1) ? 2 : 1;
    if (!is_time_digit(rest_, 0) || (length == 1 && !lenient)) return mismatch(element);
    int value = 0;
    std::from_chars(rest_.data(), rest_.data() + length, value);
    rest_.remove_prefix(length);
    return value;
  }

  Result<int> year() {
    if (rest_.size() < 4) return mismatch("2006");
    for (std::size_t i = 0; i < 4; ++i) {
      if (!is_time_digit(rest_, i)) return mismatch("2006");
    }
    int value = 0;
    std::from_chars(rest_.data(), rest_.data() + 4, value);
    rest_.remove_prefix(4);
    return value;
  }

  /// A fraction where there is one; exactly `digits` of them when that is not 0.
  Result<std::uint32_t> fraction(std::size_t digits, std::string_view element) {
    std::size_t length = 0;
    if (digits != 0) {
      length = digits + 1;
      if (rest_.size() < length || !is_point()) return mismatch(element);
      for (std::size_t i = 1; i < length; ++i) {
        if (!is_time_digit(rest_, i)) return mismatch(element);
      }
    } else {
      if (!is_point() || !is_time_digit(rest_, 1)) return 0U;
      length = 2;
      while (is_time_digit(rest_, length)) ++length;
    }
    std::uint32_t nanos = 0;
    for (std::size_t i = 1; i <= 9; ++i) {
      nanos = nanos * 10 + (i < length ? static_cast<std::uint32_t>(rest_[i] - '0') : 0);
    }
    rest_.remove_prefix(length);
    return nanos;
  }

  /// "Z", or an offset such as "+01:30", in seconds.
  Result<std::int32_t> zone() {
    if (rest_.starts_with('Z')) {
      rest_.remove_prefix(1);
      return 0;
    }
    const bool fits = rest_.size() >= 6 && rest_[3] == ':' && is_time_digit(rest_, 1) &&
                      is_time_digit(rest_, 2) && is_time_digit(rest_, 4) && is_time_digit(rest_, 5) &&
                      (rest_[0] == '+' || rest_[0] == '-');
    if (!fits) return mismatch("Z07:00");
    const int hours = (rest_[1] - '0') * 10 + (rest_[2] - '0');
    const int minutes = (rest_[4] - '0') * 10 + (rest_[5] - '0');
    check_range(hours <= 24, "time zone offset hour");
    check_range(minutes <= 60, "time zone offset minute");
    const int offset = (hours * 60 + minutes) * 60;
    const bool west = rest_[0] == '-';
    rest_.remove_prefix(6);
    return west ? -offset : offset;
  }

  void check_range(bool fits, std::string_view what) {
    if (!fits && out_of_range_.empty()) out_of_range_ = what;
  }

  Result<> finish() const {
    if (!out_of_range_.empty()) return range_failure(out_of_range_);
    if (!rest_.empty()) {
      return fail(Code::kInvalid, "parsing time " + go_quote(text_) + ": extra text: " + go_quote(rest_));
    }
    return {};
  }

  /// What Go says before it has looked at the whole text.
  [[nodiscard]] bool has_range_failure() const { return !out_of_range_.empty(); }
  [[nodiscard]] tl::unexpected<Error> range_failure(std::string_view what) const {
    return fail(Code::kInvalid,
                "parsing time " + go_quote(text_) + ": " + std::string(what) + " out of range");
  }

 private:
  [[nodiscard]] bool is_point() const { return rest_.starts_with('.') || rest_.starts_with(','); }

  [[nodiscard]] tl::unexpected<Error> mismatch(std::string_view element) const {
    if (!out_of_range_.empty()) return range_failure(out_of_range_);
    return fail(Code::kInvalid, "parsing time " + go_quote(text_) + " as " + go_quote(layout_) +
                                    ": cannot parse " + go_quote(rest_) + " as " + go_quote(element));
  }

  std::string_view text_;
  std::string_view rest_;
  std::string_view layout_;
  std::string_view out_of_range_;
};

struct Layout {
  std::string_view text;
  std::size_t fraction_digits = 0;  ///< 0: any number, also none.
  bool has_time = true;
  bool has_zone = true;
};

Result<Timestamp> parse_layout(std::string_view text, const Layout& layout) {
  LayoutReader reader(text, layout.text);
  const int year = TRY(reader.year());
  TRY(reader.literal("-"));
  const int month = TRY(reader.number("01"));
  reader.check_range(month >= 1 && month <= 12, "month");
  if (reader.has_range_failure()) return reader.range_failure("month");
  TRY(reader.literal("-"));
  const int day = TRY(reader.number("02"));
  Timestamp time;
  int hour = 0;
  int minute = 0;
  int second = 0;
  if (layout.has_time) {
    TRY(reader.literal("T"));
    hour = TRY(reader.number("15", true));
    if (hour >= 24) return reader.range_failure("hour");
    TRY(reader.literal(":"));
    minute = TRY(reader.number("04"));
    if (minute >= 60) return reader.range_failure("minute");
    TRY(reader.literal(":"));
    second = TRY(reader.number("05"));
    if (second >= 60) return reader.range_failure("second");
    time.nanos =
        TRY(reader.fraction(layout.fraction_digits, layout.fraction_digits == 3 ? ".000" : ".000000"));
  }
  if (layout.has_zone) time.offset = TRY(reader.zone());
  TRY(reader.finish());
  if (day < 1 || day > days_in_month(year, month)) return reader.range_failure("day");
  time.seconds =
      days_from_civil(year, month, day) * kSecondsPerDay + hour * 3600 + minute * 60 + second - time.offset;
  return time;
}

}  // namespace

Result<Timestamp> parse_go_rfc3339(std::string_view text) {
  return parse_layout(text, {.text = "2006-01-02T15:04:05Z07:00"});
}

Result<Timestamp> parse_go_date(std::string_view text) {
  return parse_layout(text, {.text = "2006-01-02", .has_time = false, .has_zone = false});
}

Result<Timestamp> parse_openapi_date_time(std::string_view text) {
  if (text.empty()) return Timestamp{};
  // Layouts with a fixed number of digits take nothing that the others would not.
  if (auto time = parse_go_rfc3339(text)) return time;
  return parse_layout(text, {.text = "2006-01-02T15:04:05", .has_zone = false});
}

namespace {

struct DurationUnit {
  std::array<std::string_view, 3> names;  ///< The last one that is not empty may be the beginning of a word.
  std::int64_t nanos;
};

constexpr std::array kDurationUnits = {
    DurationUnit{{"ns", "nano", ""}, 1},
    DurationUnit{{"us", "µs", "micro"}, 1000},
    DurationUnit{{"ms", "milli", ""}, 1'000'000},
    DurationUnit{{"s", "sec", ""}, kNanosPerSecond},
    DurationUnit{{"m", "min", ""}, 60 * kNanosPerSecond},
    DurationUnit{{"h", "hr", "hour"}, 3600 * kNanosPerSecond},
    DurationUnit{{"d", "day", ""}, kSecondsPerDay* kNanosPerSecond},
    DurationUnit{{"w", "wk", "week"}, 7 * kSecondsPerDay* kNanosPerSecond},
};

bool is_unit_letter(std::string_view text) {
  return (to_lower(text[0]) >= 'a' && to_lower(text[0]) <= 'z') || text.starts_with("µ");
}

/// Adds `count` of every unit that `word` names; whether there was one. Wraps around as Go does.
bool add_units(std::uint64_t& total, std::uint64_t count, std::string_view word) {
  bool known = false;
  for (const DurationUnit& unit : kDurationUnits) {
    for (std::size_t i = 0; i < unit.names.size() && !unit.names.at(i).empty(); ++i) {
      const bool is_last = i + 1 == unit.names.size() || unit.names.at(i + 1).empty();
      if (word != unit.names.at(i) && !(is_last && word.starts_with(unit.names.at(i)))) continue;
      total += count * static_cast<std::uint64_t>(unit.nanos);
      known = true;
    }
  }
  return known;
}

}  // namespace

Result<std::int64_t> parse_openapi_duration(std::string_view text) {
  if (const auto duration = parse_duration(text)) return duration->count();
  std::uint64_t total = 0;
  bool known = false;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_time_digit(text, i)) {
      ++i;
      continue;
    }
    const std::size_t digits = i;
    while (is_time_digit(text, i)) ++i;
    const auto count = text.substr(digits, i - digits);
    std::size_t word = i;
    while (word < text.size() && std::string_view(" \t\n\f\r").find(text[word]) != std::string_view::npos)
      ++word;
    std::size_t end = word;
    while (end < text.size() && is_unit_letter(text.substr(end))) end += text[end] == '\xC2' ? 2 : 1;
    if (end == word) continue;
    const auto number = go_parse_int(count);
    if (!number) {
      return fail(Code::kInvalid, "strconv.Atoi: parsing " + go_quote(count) + ": value out of range");
    }
    known |= add_units(total, static_cast<std::uint64_t>(*number), to_lower(text.substr(word, end - word)));
    i = end;
  }
  if (!known) return fail(Code::kInvalid, "unable to parse " + std::string(text) + " as duration");
  return static_cast<std::int64_t>(total);
}

CivilTime civil_time(std::int64_t seconds, std::int64_t offset) {
  const std::int64_t local = seconds + offset;
  std::int64_t days = local / kSecondsPerDay;
  std::int64_t rest = local % kSecondsPerDay;
  if (rest < 0) {
    rest += kSecondsPerDay;
    --days;
  }
  const std::int64_t shifted = days + 719468;
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const std::int64_t day_of_era = shifted - era * 146097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const std::int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month = (5 * day_of_year + 2) / 153;
  CivilTime time;
  time.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  time.year = year_of_era + era * 400 + (time.month <= 2 ? 1 : 0);
  time.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  time.hour = static_cast<int>(rest / 3600);
  time.minute = static_cast<int>(rest / 60 % 60);
  time.second = static_cast<int>(rest % 60);
  time.day_of_year = static_cast<int>(days - days_from_civil(time.year, 1, 1) + 1);
  time.weekday = static_cast<int>(((days + 4) % 7 + 7) % 7);
  return time;
}

std::string format_go_rfc3339_nano(const Timestamp& time) {
  const CivilTime civil = civil_time(time.seconds, time.offset);
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", civil.year, civil.month, civil.day,
                                 civil.hour, civil.minute, civil.second);
  if (time.nanos != 0) {
    text += fmt::format(".{:09}", time.nanos);
    while (text.back() == '0') text.pop_back();
  }
  if (time.offset == 0) return text + 'Z';
  const int minutes = std::abs(time.offset) / 60;
  return text + fmt::format("{}{:02}:{:02}", time.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

std::string format_duration_seconds(std::int64_t nanos) {
  const std::int64_t whole = nanos / kNanosPerSecond;
  const std::int64_t rest = nanos % kNanosPerSecond;
  return go_double_f(static_cast<double>(whole) + static_cast<double>(rest) / 1e9) + 's';
}

Result<std::int64_t> zone_offset(std::string_view name, std::int64_t seconds) {
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return ZoneInfo::offset(name, seconds);
  const auto part = [](std::string_view text) -> Result<std::int64_t> {
    if (const auto number = go_parse_int(text)) return *number;
    return fail(Code::kInvalid, "strconv.Atoi: parsing " + go_quote(text) + ": invalid syntax");
  };
  const std::int64_t hours = TRY(part(name.substr(0, colon)));
  const std::int64_t minutes = TRY(part(name.substr(colon + 1)));
  // Far beyond every zone there is; keeps the arithmetic from overflowing.
  constexpr std::int64_t kMax = 1'000'000;
  const std::int64_t h = std::clamp(hours, -kMax, kMax);
  const std::int64_t m = std::clamp(minutes, -kMax, kMax);
  return (name.starts_with('-') ? h * 60 - m : h * 60 + m) * 60;
}

}  // namespace klutch::apiserver::cel
