// SPDX-License-Identifier: Apache-2.0
#include "base/time.h"

#include <array>
#include <cstdint>
#include <limits>

#include "base/strings.h"

namespace klutch {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> kWeekdays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// A date and time of day as written, before anything was checked.
struct Fields {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

struct Parts {
  year_month_day date;
  unsigned weekday;
  int hour;
  int minute;
  int second;
  std::int64_t nanos;
};

Parts split_time(Time time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto day = std::chrono::floor<days>(whole);
  // Not time - whole: for the earliest times that difference passes through a value that does not fit.
  const std::int64_t nanos =
      (time.time_since_epoch().count() % 1'000'000'000 + 1'000'000'000) % 1'000'000'000;
  const auto in_day = static_cast<int>((whole - day).count());
  return {.date = year_month_day(day),
          .weekday = std::chrono::weekday(day).c_encoding(),
          .hour = in_day / 3600,
          .minute = in_day / 60 % 60,
          .second = in_day % 60,
          .nanos = nanos};
}

void append_number(std::string& out, std::int64_t value, int width) {
  std::string digits = std::to_string(value);
  if (digits.size() < static_cast<std::size_t>(width))
    out.append(static_cast<std::size_t>(width) - digits.size(), '0');
  out += digits;
}

void append_time_of_day(std::string& out, const Parts& parts) {
  append_number(out, parts.hour, 2);
  out += ':';
  append_number(out, parts.minute, 2);
  out += ':';
  append_number(out, parts.second, 2);
}

std::string format_without_zone(const Parts& parts) {
  std::string out;
  append_number(out, static_cast<int>(parts.date.year()), 4);
  out += '-';
  append_number(out, static_cast<unsigned>(parts.date.month()), 2);
  out += '-';
  append_number(out, static_cast<unsigned>(parts.date.day()), 2);
  out += 'T';
  append_time_of_day(out, parts);
  return out;
}

/// Reads a text from the left; every step says whether it found what it wanted.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool skip(std::string_view literal) {
    if (!rest_.starts_with(literal)) return false;
    rest_.remove_prefix(literal.size());
    return true;
  }

  template <class Number>
  bool number(std::size_t width, Number& value) {
    if (rest_.size() < width) return false;
    value = 0;
    for (const char c : rest_.substr(0, width)) {
      if (c < '0' || c > '9') return false;
      value = static_cast<Number>(value * 10 + static_cast<Number>(c - '0'));
    }
    rest_.remove_prefix(width);
    return true;
  }

  bool time_of_day(Fields& fields) {
    return number(2, fields.hour) && skip(":") && number(2, fields.minute) && skip(":") &&
           number(2, fields.second);
  }

  bool month(unsigned& month) {
    for (month = 1; month <= kMonths.size(); ++month) {
      if (skip(kMonths[month - 1])) return true;
    }
    return false;
  }

  /// A weekday, whole or as its first `letters` letters.
  bool weekday(std::size_t letters = std::string_view::npos) {
    for (const auto name : kWeekdays) {
      if (skip(name.substr(0, letters))) return true;
    }
    return false;
  }

  /// ".123": nanoseconds; digits after the ninth are read and dropped. At least one digit.
  bool fraction(std::int64_t& nanos) {
    std::size_t digits = 0;
    for (std::int64_t unit = 100'000'000; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
         unit /= 10) {
      nanos += (rest_.front() - '0') * unit;
      rest_.remove_prefix(1);
      ++digits;
    }
    return digits > 0;
  }

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

/// Names the first field out of range, or nothing.
std::string_view wrong_field(const Fields& fields) {
  if (fields.month < 1 || fields.month > 12) return "the month is not between 01 and 12";
  const auto date = year_month_day(std::chrono::year(fields.year), std::chrono::month(fields.month),
                                   std::chrono::day(fields.day));
  if (!date.ok()) return "the month has no such day";
  if (fields.hour > 23) return "the hour is not between 00 and 23";
  if (fields.minute > 59) return "the minute is not between 00 and 59";
  if (fields.second > 60) return "the second is not between 00 and 60";
  return {};
}

/// Second 60 counts as the second that follows.
sys_seconds to_seconds(const Fields& fields) {
  const auto date = year_month_day(std::chrono::year(fields.year), std::chrono::month(fields.month),
                                   std::chrono::day(fields.day));
  return sys_days(date) + std::chrono::hours(fields.hour) + std::chrono::minutes(fields.minute) +
         seconds(fields.second);
}

/// Whether `after`, the second that follows a second 60, begins a month: the only place a leap second can be.
bool follows_leap_second(sys_seconds after) {
  const auto day = std::chrono::floor<days>(after);
  return after == sys_seconds(day) && year_month_day(day).day() == std::chrono::day(1);
}

/// Nothing when the sum does not fit.
std::optional<Time> combine(sys_seconds whole, std::int64_t nanos) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t count = whole.time_since_epoch().count();
  if (count <
      0) {  // one second less before the epoch, or the very first representable one would overflow halfway
    ++count;
    nanos -= kSecond;
  }
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(count, kSecond, &sum) || __builtin_add_overflow(sum, nanos, &sum)) return {};
  return Time(Duration(sum));
}

tl::unexpected<Error> not_a_time(std::string_view text, std::string_view why) {
  return fail(Code::kInvalid, "not an RFC 3339 time: " + quote(text, 64) + ": " + std::string(why));
}

/// "Z" or "+hh:mm": the seconds to subtract.
bool read_offset(Reader& reader, seconds& offset) {
  if (reader.skip("Z")) return true;
  const bool east = reader.skip("+");
  if (!east && !reader.skip("-")) return false;
  int hour = 0;
  int minute = 0;
  if (!reader.number(2, hour) || !reader.skip(":") || !reader.number(2, minute)) return false;
  if (hour > 23 || minute > 59) return false;
  offset = std::chrono::hours(hour) + std::chrono::minutes(minute);
  if (!east) offset = -offset;
  return true;
}

// ---------------------------------------------------------------------------------------------- HTTP dates

bool read_imf_fixdate(Reader reader, Fields& f) {
  return reader.weekday(3) && reader.skip(", ") && reader.number(2, f.day) && reader.skip(" ") &&
         reader.month(f.month) && reader.skip(" ") && reader.number(4, f.year) && reader.skip(" ") &&
         reader.time_of_day(f) && reader.skip(" GMT") && reader.at_end();
}

bool read_rfc850(Reader reader, Fields& f) {
  return reader.weekday() && reader.skip(", ") && reader.number(2, f.day) && reader.skip("-") &&
         reader.month(f.month) && reader.skip("-") && reader.number(2, f.year) && reader.skip(" ") &&
         reader.time_of_day(f) && reader.skip(" GMT") && reader.at_end();
}

bool read_asctime(Reader reader, Fields& f) {
  if (!reader.weekday(3) || !reader.skip(" ") || !reader.month(f.month) || !reader.skip(" ")) return false;
  const bool day = reader.skip(" ") ? reader.number(1, f.day) : reader.number(2, f.day);
  return day && reader.skip(" ") && reader.time_of_day(f) && reader.skip(" ") && reader.number(4, f.year) &&
         reader.at_end();
}

/// RFC 9110 §5.6.7: what appears more than 50 years ahead belongs to the century before.
int full_year(int two_digits, Time now) {
  const int this_year = static_cast<int>(split_time(now).date.year());
  const int year = this_year / 100 * 100 + two_digits;
  return year > this_year + 50 ? year - 100 : year;
}

}  // namespace

std::string format_rfc3339(Time time) {
  return format_without_zone(split_time(time)) + 'Z';
}

std::string format_rfc3339_micros(Time time) {
  const Parts parts = split_time(time);
  std::string out = format_without_zone(parts) + '.';
  append_number(out, parts.nanos / 1000, 6);
  return out + 'Z';
}

std::string format_rfc3339_nanos(Time time) {
  const Parts parts = split_time(time);
  std::string out = format_without_zone(parts);
  if (parts.nanos != 0) {
    out += '.';
    append_number(out, parts.nanos, 9);
    out.erase(out.find_last_not_of('0') + 1);
  }
  return out + 'Z';
}

Result<Time> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  Fields f;
  std::int64_t nanos = 0;
  seconds offset(0);
  if (!reader.number(4, f.year) || !reader.skip("-") || !reader.number(2, f.month) || !reader.skip("-") ||
      !reader.number(2, f.day)) {
    return not_a_time(text, "it must begin with a date as 2006-01-02");
  }
  if (!reader.skip("T")) return not_a_time(text, "a 'T' must follow the date");
  if (!reader.time_of_day(f)) return not_a_time(text, "the time of day must be written as 15:04:05");
  if (reader.skip(".") && !reader.fraction(nanos)) return not_a_time(text, "digits must follow the point");
  if (!read_offset(reader, offset)) return not_a_time(text, "it must end with 'Z' or an offset as +01:00");
  if (!reader.at_end()) return not_a_time(text, "something follows the offset");
  if (const auto wrong = wrong_field(f); !wrong.empty()) return not_a_time(text, wrong);

  const auto whole = to_seconds(f) - offset;
  if (f.second == 60 && !follows_leap_second(whole)) {
    return not_a_time(text, "second 60 occurs only at the end of a month, UTC");
  }
  const auto time = combine(whole, nanos);
  if (!time) return not_a_time(text, "outside the years 1677 to 2262");
  return *time;
}

std::string format_http_date(Time time) {
  const Parts parts = split_time(time);
  std::string out(kWeekdays[parts.weekday].substr(0, 3));
  out += ", ";
  append_number(out, static_cast<unsigned>(parts.date.day()), 2);
  out.append(" ").append(kMonths[static_cast<unsigned>(parts.date.month()) - 1]).append(" ");
  append_number(out, static_cast<int>(parts.date.year()), 4);
  out += ' ';
  append_time_of_day(out, parts);
  return out + " GMT";
}

Result<Time> parse_http_date(std::string_view text, Time now) {
  Fields f;
  if (!read_imf_fixdate(Reader(text), f) && !read_asctime(Reader(text), f)) {
    if (!read_rfc850(Reader(text), f)) return fail(Code::kInvalid, "not an HTTP date: " + quote(text, 64));
    f.year = full_year(f.year, now);
  }
  if (const auto wrong = wrong_field(f); !wrong.empty()) {
    return fail(Code::kInvalid, "not an HTTP date: " + quote(text, 64) + ": " + std::string(wrong));
  }
  const auto time = combine(to_seconds(f), 0);
  if (!time) return fail(Code::kInvalid, "HTTP date outside the years 1677 to 2262: " + quote(text, 64));
  return *time;
}

}  // namespace klutch
