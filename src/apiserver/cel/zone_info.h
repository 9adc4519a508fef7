// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

// Time zones from the machine's database (RFC 8536 files below /usr/share/zoneinfo), as Go's
// time.LoadLocation finds them. Each zone is read once and kept; safe from any thread.

namespace klutch::apiserver::cel {

class ZoneInfo {
 public:
  /// Seconds east of UTC at `seconds` since 1970 in the zone `name`; "" and "UTC" are 0. kInvalid with Go's
  /// text when there is no such zone.
  static Result<std::int64_t> offset(std::string_view name, std::int64_t seconds);
};

}  // namespace klutch::apiserver::cel
