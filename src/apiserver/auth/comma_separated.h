// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Comma-separated values as Go's encoding/csv reads them (RFC 4180, blank lines skipped, records of any
// length). Private to src/apiserver/auth. Pure.

namespace klutch::apiserver {

struct CsvRecord {
  std::size_t line = 0;  ///< where it begins, from 1
  std::vector<std::string> fields = {};
};

/// kInvalid names the line and never repeats what stands there; kTooLarge above `max_records`.
Result<std::vector<CsvRecord>> parse_comma_separated(std::string_view text, std::size_t max_records);

}  // namespace klutch::apiserver
