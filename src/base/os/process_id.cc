// SPDX-License-Identifier: Apache-2.0
#include "base/os/process_id.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>

#include "base/ids.h"
#include "base/os/errno_error.h"
#include "base/os/file.h"
#include "base/os/pidfd.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

struct ProcStat {
  char state = '?';
  std::uint64_t start_ticks = 0;
};

template <class Number>
bool parse_number(std::string_view text, Number& value) {
  const auto end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

Result<ProcStat> read_stat(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  auto content = read_file(path, 16 * 1024);
  if (!content) {
    // A process that ends between open and read shows as ESRCH, which is the same news.
    if (is(content.error(), Code::kNotFound))
      return fail(Code::kNotFound, "no process " + std::to_string(pid));
    return fail(std::move(content).error());
  }
  // proc(5): field 2 is the name in parentheses and may hold anything, so count from the last one.
  const auto name_end = content->rfind(')');
  if (name_end == std::string::npos) return fail(Code::kInternal, path + " has an unknown form");
  const auto fields = split(trim(std::string_view(*content).substr(name_end + 1)), ' ');
  constexpr std::size_t kState = 0;       // field 3
  constexpr std::size_t kStartTime = 19;  // field 22
  ProcStat stat;
  if (fields.size() <= kStartTime || fields[kState].size() != 1 ||
      !parse_number(fields[kStartTime], stat.start_ticks)) {
    return fail(Code::kInternal, path + " has an unknown form");
  }
  stat.state = fields[kState].front();
  return stat;
}

Result<std::string> read_boot_id() {
  return std::string(trim(TRY(read_file("/proc/sys/kernel/random/boot_id", 256))));
}

}  // namespace

std::string to_string(const ProcessId& id) {
  return std::to_string(id.pid) + ":" + std::to_string(id.start_ticks) + ":" + id.boot_id;
}

Result<ProcessId> parse_process_id(std::string_view text) {
  const auto parts = split(text, ':');
  ProcessId id;
  if (parts.size() != 3 || !parse_number(parts[0], id.pid) || id.pid <= 0 ||
      !parse_number(parts[1], id.start_ticks) || !is_uuid(parts[2])) {
    return fail(Code::kInvalid, "not a process identity: " + quote(text));
  }
  id.boot_id = parts[2];
  return id;
}

Result<ProcessId> identify_process(int pid) {
  const auto stat = TRY(read_stat(pid));
  return ProcessId{.pid = pid, .start_ticks = stat.start_ticks, .boot_id = TRY(read_boot_id())};
}

Result<bool> is_running(const ProcessId& id) {
  if (TRY(read_boot_id()) != id.boot_id) return false;
  const auto stat = read_stat(id.pid);
  if (!stat) {
    if (is(stat.error(), Code::kNotFound)) return false;
    return fail(stat.error());
  }
  return stat->start_ticks == id.start_ticks && stat->state != 'Z' && stat->state != 'X';
}

Result<std::optional<ForeignProcess>> ForeignProcess::adopt(const ProcessId& id) {
  if (id.pid <= 0) return fail(Code::kInvalid, "not a process identity: " + quote(to_string(id)));
  Descriptor handle(::pidfd_open(id.pid, 0));
  if (!handle.is_open()) {
    if (errno == ESRCH) return std::nullopt;
    return fail_errno("cannot open process " + std::to_string(id.pid));
  }
  // The handle stands for whoever has the pid now and keeps standing for them; only then does comparing make
  // sense.
  if (!TRY(is_running(id))) return std::nullopt;
  return ForeignProcess(id, std::move(handle));
}

Result<bool> ForeignProcess::send(int signal) const {
  if (::pidfd_send_signal(handle_.get(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  return fail_errno("cannot signal process " + std::to_string(id_.pid));
}

Result<bool> ForeignProcess::wait_exit(Duration patience) const {
  const Instant deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd poller{.fd = handle_.get(), .events = POLLIN, .revents = 0};
    const int ready =
        ::poll(&poller, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX)));
    if (ready > 0) return true;
    if (ready == 0 && left.count() <= INT_MAX) return false;
    if (ready < 0 && errno != EINTR) return fail_errno("cannot wait for process " + std::to_string(id_.pid));
  }
}

}  // namespace klutch::os
