// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"

// What this process has used since it started. Safe from any thread.

namespace klutch::os {

struct ProcessUsage {
  double cpu_seconds = 0;  ///< User and system time of all threads.
  std::uint64_t open_files = 0;
  std::uint64_t max_open_files = 0;  ///< The soft limit; 0 when there is none.
  Time started;
};

Result<ProcessUsage> process_usage();

}  // namespace klutch::os
