// SPDX-License-Identifier: Apache-2.0
#include "base/os/usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <ctime>
#include <string>

#include "base/os/errno_error.h"
#include "base/os/file.h"
#include "base/os/process_id.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

Result<double> cpu_seconds() {
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
    return fail_errno("cannot read the processor time");
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

/// When the machine booted, seconds since the epoch: the line "btime N" of /proc/stat.
Result<std::int64_t> boot_time() {
  const auto stat = TRY(read_file("/proc/stat"));
  for (const auto line : split(stat, '\n')) {
    if (!line.starts_with("btime ")) continue;
    const auto digits = trim(line.substr(6));
    std::int64_t seconds = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    return seconds;
  }
  return fail(Code::kUnsupported, "/proc/stat has no btime");
}

}  // namespace

Result<ProcessUsage> process_usage() {
  ProcessUsage usage;
  usage.cpu_seconds = TRY(cpu_seconds());
  // The descriptor that reads the directory is counted by the kernel as well.
  usage.open_files = TRY(list_directory("/proc/self/fd", 2'000'000)).size() - 1;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno("cannot read the limit of open files");
  usage.max_open_files = limit.rlim_cur == RLIM_INFINITY ? 0 : limit.rlim_cur;
  const auto self = TRY(identify_process(::getpid()));
  const auto ticks_per_second = static_cast<double>(::sysconf(_SC_CLK_TCK));
  const std::chrono::duration<double> after_boot(static_cast<double>(self.start_ticks) / ticks_per_second);
  usage.started =
      Time(std::chrono::seconds(TRY(boot_time()))) + std::chrono::duration_cast<Duration>(after_boot);
  return usage;
}

}  // namespace klutch::os
