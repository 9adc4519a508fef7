// SPDX-License-Identifier: Apache-2.0
// Parts of points in time and of durations.
#include <array>
#include <cstdint>
#include <string>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/go_time.h"

namespace klutch::apiserver::cel {
namespace {

enum class TimePart : std::uint8_t {
  kYear,
  kMonth,
  kDayOfYear,
  kDayOfMonth,
  kDate,
  kDayOfWeek,
  kHours,
  kMinutes,
  kSeconds,
  kMilliseconds,
};

std::int64_t part_of(const Timestamp& time, std::int64_t offset, TimePart part) {
  const CivilTime civil = civil_time(time.seconds, offset);
  switch (part) {
    case TimePart::kYear: return civil.year;
    case TimePart::kMonth: return civil.month - 1;
    case TimePart::kDayOfYear: return civil.day_of_year - 1;
    case TimePart::kDayOfMonth: return civil.day - 1;
    case TimePart::kDate: return civil.day;
    case TimePart::kDayOfWeek: return civil.weekday;
    case TimePart::kHours: return civil.hour;
    case TimePart::kMinutes: return civil.minute;
    case TimePart::kSeconds: return civil.second;
    case TimePart::kMilliseconds: break;
  }
  return time.nanos / 1'000'000;
}

template <TimePart kPart>
Value time_part(Arguments a) {
  return Value::integer(part_of(a[0].as_timestamp(), 0, kPart));
}

template <TimePart kPart>
Value time_part_in_zone(Arguments a) {
  const Timestamp time = a[0].as_timestamp();
  const auto offset = zone_offset(a[1].as_text(), time.seconds);
  if (!offset) return Value::error(offset.error().message());
  return Value::integer(part_of(time, *offset, kPart));
}

template <std::int64_t kNanos>
Value duration_in(Arguments a) {
  return Value::integer(a[0].as_duration() / kNanos);
}

constexpr std::int64_t kNanosPerMilli = 1'000'000;
constexpr std::string_view kOfTime = ".(timestamp) -> int";
constexpr std::string_view kInZone = ".(timestamp, string) -> int";
constexpr std::string_view kOfDuration = ".(duration) -> int";

constexpr std::array kTimeFunctions = {
    OverloadSpec{"getFullYear", "timestamp_to_year", kOfTime, time_part<TimePart::kYear>},
    OverloadSpec{"getFullYear", "timestamp_to_year_with_tz", kInZone, time_part_in_zone<TimePart::kYear>},
    OverloadSpec{"getMonth", "timestamp_to_month", kOfTime, time_part<TimePart::kMonth>},
    OverloadSpec{"getMonth", "timestamp_to_month_with_tz", kInZone, time_part_in_zone<TimePart::kMonth>},
    OverloadSpec{"getDayOfYear", "timestamp_to_day_of_year", kOfTime, time_part<TimePart::kDayOfYear>},
    OverloadSpec{"getDayOfYear", "timestamp_to_day_of_year_with_tz", kInZone,
                 time_part_in_zone<TimePart::kDayOfYear>},
    OverloadSpec{"getDayOfMonth", "timestamp_to_day_of_month", kOfTime, time_part<TimePart::kDayOfMonth>},
    OverloadSpec{"getDayOfMonth", "timestamp_to_day_of_month_with_tz", kInZone,
                 time_part_in_zone<TimePart::kDayOfMonth>},
    OverloadSpec{"getDate", "timestamp_to_day_of_month_1_based", kOfTime, time_part<TimePart::kDate>},
    OverloadSpec{"getDate", "timestamp_to_day_of_month_1_based_with_tz", kInZone,
                 time_part_in_zone<TimePart::kDate>},
    OverloadSpec{"getDayOfWeek", "timestamp_to_day_of_week", kOfTime, time_part<TimePart::kDayOfWeek>},
    OverloadSpec{"getDayOfWeek", "timestamp_to_day_of_week_with_tz", kInZone,
                 time_part_in_zone<TimePart::kDayOfWeek>},
    OverloadSpec{"getHours", "timestamp_to_hours", kOfTime, time_part<TimePart::kHours>},
    OverloadSpec{"getHours", "timestamp_to_hours_with_tz", kInZone, time_part_in_zone<TimePart::kHours>},
    OverloadSpec{"getHours", "duration_to_hours", kOfDuration, duration_in<3'600'000 * kNanosPerMilli>},
    OverloadSpec{"getMinutes", "timestamp_to_minutes", kOfTime, time_part<TimePart::kMinutes>},
    OverloadSpec{"getMinutes", "timestamp_to_minutes_with_tz", kInZone,
                 time_part_in_zone<TimePart::kMinutes>},
    OverloadSpec{"getMinutes", "duration_to_minutes", kOfDuration, duration_in<60'000 * kNanosPerMilli>},
    OverloadSpec{"getSeconds", "timestamp_to_seconds", kOfTime, time_part<TimePart::kSeconds>},
    OverloadSpec{"getSeconds", "timestamp_to_seconds_tz", kInZone, time_part_in_zone<TimePart::kSeconds>},
    OverloadSpec{"getSeconds", "duration_to_seconds", kOfDuration, duration_in<1'000 * kNanosPerMilli>},
    OverloadSpec{"getMilliseconds", "timestamp_to_milliseconds", kOfTime, time_part<TimePart::kMilliseconds>},
    OverloadSpec{"getMilliseconds", "timestamp_to_milliseconds_with_tz", kInZone,
                 time_part_in_zone<TimePart::kMilliseconds>},
    OverloadSpec{"getMilliseconds", "duration_to_milliseconds", kOfDuration, duration_in<kNanosPerMilli>},
};

}  // namespace

std::span<const OverloadSpec> time_overloads() {
  return kTimeFunctions;
}

}  // namespace klutch::apiserver::cel
