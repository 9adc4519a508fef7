// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/go_time.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>

#include "base/strings.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kLayout = "2006-01-02T15:04:05Z07:00";

bool is_digit_at(std::string_view text, std::size_t i) {
  return i < text.size() && text[i] >= '0' && text[i] <= '9';
}

/// quote() of Go's package time, which knows fewer escapes than strconv.
std::string time_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80 || c < ' ') {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return out + '"';
}

/// Reads a timestamp as time.Parse does with the layout of RFC 3339.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : whole_(text), rest_(text) {}

  Result<std::string> read() {
    TRY(read_year());
    TRY(skip('-'));
    TRY(read_part("01", month_, true));
    if (month_ < 1 || month_ > 12) return out_of_range("month");
    TRY(skip('-'));
    TRY(read_part("02", day_, true));
    TRY(skip('T'));
    TRY(read_part("15", hour_, false));
    if (hour_ > 23) return out_of_range("hour");
    TRY(skip(':'));
    TRY(read_part("04", minute_, true));
    if (minute_ > 59) return out_of_range("minute");
    TRY(skip(':'));
    TRY(read_part("05", second_, true));
    if (second_ > 59) return out_of_range("second");
    skip_fraction();
    TRY(read_zone());
    if (!rest_.empty()) return failed(": extra text: " + time_quote(rest_));
    return format();
  }

 private:
  [[nodiscard]] tl::unexpected<Error> failed(const std::string& why) const {
    return fail(Code::kInvalid, "parsing time " + time_quote(whole_) + why);
  }
  [[nodiscard]] tl::unexpected<Error> out_of_range(std::string_view what) const {
    return failed(": " + std::string(what) + " out of range");
  }
  [[nodiscard]] tl::unexpected<Error> not_parsed(std::string_view value, std::string_view element) const {
    return failed(" as " + time_quote(kLayout) + ": cannot parse " + time_quote(value) + " as " +
                  time_quote(element));
  }

  Result<> skip(char separator) {
    if (!rest_.starts_with(separator)) return not_parsed(rest_, std::string_view(&separator, 1));
    rest_.remove_prefix(1);
    return {};
  }

  Result<> read_year() {
    for (std::size_t i = 0; i < 4; ++i) {
      if (!is_digit_at(rest_, i)) return not_parsed(rest_, "2006");
      year_ = year_ * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(4);
    return {};
  }

  /// Two digits, or one where Go takes one.
  Result<> read_part(std::string_view element, int& part, bool two_digits) {
    if (!is_digit_at(rest_, 0) || (two_digits && !is_digit_at(rest_, 1))) return not_parsed(rest_, element);
    part = rest_[0] - '0';
    const bool two = is_digit_at(rest_, 1);
    if (two) part = part * 10 + (rest_[1] - '0');
    rest_.remove_prefix(two ? 2 : 1);
    return {};
  }

  void skip_fraction() {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit_at(rest_, 1)) return;
    rest_.remove_prefix(1);
    while (is_digit_at(rest_, 0)) rest_.remove_prefix(1);
  }

  Result<> read_zone() {
    constexpr std::string_view kElement = "Z07:00";
    if (rest_.starts_with('Z')) {
      rest_.remove_prefix(1);
      return {};
    }
    const std::string_view zone = rest_;
    if (zone.size() < 6 || zone[3] != ':') return not_parsed(zone, kElement);
    const bool digits =
        is_digit_at(zone, 1) && is_digit_at(zone, 2) && is_digit_at(zone, 4) && is_digit_at(zone, 5);
    const auto number = [&](std::size_t at) { return (zone[at] - '0') * 10 + (zone[at + 1] - '0'); };
    if (digits && number(1) > 24) return out_of_range("time zone offset hour");
    if (digits && number(4) > 60) return out_of_range("time zone offset minute");
    if (!digits || (zone[0] != '+' && zone[0] != '-')) return not_parsed(zone, kElement);
    offset_minutes_ = (number(1) * 60 + number(4)) * (zone[0] == '-' ? -1 : 1);
    rest_.remove_prefix(6);
    return {};
  }

  [[nodiscard]] Result<std::string> format() const {
    const std::chrono::year_month_day date{std::chrono::year(year_),
                                           std::chrono::month(static_cast<unsigned>(month_)),
                                           std::chrono::day(static_cast<unsigned>(day_))};
    if (!date.ok()) return out_of_range("day");
    const std::chrono::sys_seconds time = std::chrono::sys_days(date) + std::chrono::hours(hour_) +
                                          std::chrono::minutes(minute_ - offset_minutes_) +
                                          std::chrono::seconds(second_);
    const std::chrono::sys_days midnight = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day utc(midnight);
    const std::chrono::hh_mm_ss<std::chrono::seconds> clock(time - midnight);
    std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(utc.year()),
                                   static_cast<unsigned>(utc.month()), static_cast<unsigned>(utc.day()),
                                   clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    return text == "0001-01-01T00:00:00Z" ? "" : text;
  }

  std::string_view whole_;
  std::string_view rest_;
  int year_ = 0, month_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
  int offset_minutes_ = 0;
};

}  // namespace

Result<std::string> go_canonical_time(std::string_view text) {
  return TimeReader(text).read();
}

}  // namespace klutch::apiserver
