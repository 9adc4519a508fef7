// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apiserver/cel/value.h"
#include "base/result.h"

// Times and durations the way Go's time package reads and prints them, years 0 to 9999, with time zones from
// the machine's database. Errors are kInvalid with Go's text. Safe from any thread; a zone is read from disk
// once.

namespace klutch::apiserver::cel {

/// The seconds of the first and last second of years 1 and 9999.
inline constexpr std::int64_t kMinTimestampSeconds = -62135596800;
inline constexpr std::int64_t kMaxTimestampSeconds = 253402300799;

/// time.Parse(time.RFC3339, text).
Result<Timestamp> parse_go_rfc3339(std::string_view text);
/// time.Parse("2006-01-02", text).
Result<Timestamp> parse_go_date(std::string_view text);
/// strfmt.ParseDateTime: what the format date-time takes, the zone may be missing; "" is
/// 1970-01-01T00:00:00Z.
Result<Timestamp> parse_openapi_date_time(std::string_view text);
/// strfmt.ParseDuration: Go's durations, and forms such as "3 days".
Result<std::int64_t> parse_openapi_duration(std::string_view text);

/// time.RFC3339Nano with the offset the time carries: "2009-02-13T23:31:30.5Z".
std::string format_go_rfc3339_nano(const Timestamp& time);
/// "3.5s": the seconds of a duration as Go prints the double.
std::string format_duration_seconds(std::int64_t nanos);

/// The parts of a point in time in some zone.
struct CivilTime {
  std::int64_t year = 0;
  int month = 0;  ///< From 1.
  int day = 0;    ///< From 1.
  int hour = 0;
  int minute = 0;
  int second = 0;
  int day_of_year = 0;  ///< From 1.
  int weekday = 0;      ///< Sunday is 0.
};

/// `seconds` since 1970, seen `offset` seconds east of UTC.
CivilTime civil_time(std::int64_t seconds, std::int64_t offset);

/// Seconds east of UTC at `seconds` in the zone `name`: "UTC", "America/New_York", "+01:30", "-8:00".
Result<std::int64_t> zone_offset(std::string_view name, std::int64_t seconds);

}  // namespace klutch::apiserver::cel
