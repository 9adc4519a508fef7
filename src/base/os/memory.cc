// SPDX-License-Identifier: Apache-2.0
#include "base/os/memory.h"

#include <charconv>
#include <string>

#include "base/os/file.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

/// The number in a line like "VmRSS:	    1234 kB", in bytes.
std::uint64_t kilobytes(std::string_view value) {
  value = trim(value);
  std::uint64_t count = 0;
  std::from_chars(value.data(), value.data() + value.size(), count);
  return count * 1024;
}

}  // namespace

Result<MemoryUsage> memory_usage(int pid) {
  const std::string process = pid == 0 ? "self" : std::to_string(pid);
  const auto status = TRY(read_file("/proc/" + process + "/status", 64 * 1024));
  MemoryUsage usage;
  for (const auto line : split(status, '\n')) {
    const auto field = split_once(line, ":");
    if (!field) continue;
    const auto [key, value] = *field;
    if (key == "VmRSS") usage.resident_bytes = kilobytes(value);
    if (key == "RssAnon") usage.anonymous_bytes = kilobytes(value);
    if (key == "VmHWM") usage.peak_bytes = kilobytes(value);
    if (key == "VmSize") usage.virtual_bytes = kilobytes(value);
  }
  return usage;
}

}  // namespace klutch::os
