// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/result.h"

// How much memory a process uses, as the kernel counts it. Safe from any thread.

namespace klutch::os {

struct MemoryUsage {
  std::uint64_t resident_bytes = 0;   ///< VmRSS: everything in memory, shared pages included.
  std::uint64_t anonymous_bytes = 0;  ///< RssAnon: heap and stacks, the part that grows with load.
  std::uint64_t peak_bytes = 0;       ///< VmHWM: the highest resident_bytes so far.
  std::uint64_t virtual_bytes = 0;    ///< VmSize.
};

/// Of process `pid`, or of this one for 0. kNotFound when there is no such process.
Result<MemoryUsage> memory_usage(int pid = 0);

}  // namespace klutch::os
