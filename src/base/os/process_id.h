// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/os/descriptor.h"
#include "base/result.h"

// Recognising a process later, even after this program was restarted. A pid alone does not do: it is reused,
// and after a reboot it means somebody else. Safe from any thread.

namespace klutch::os {

/// Which process, for ever: no two processes of any boot have equal ones.
struct ProcessId {
  int pid = 0;
  std::uint64_t start_ticks = 0;  ///< When it started, in clock ticks since boot.
  std::string boot_id;            ///< Which boot of the machine.

  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

/// For state files: "pid:ticks:boot".
std::string to_string(const ProcessId& id);
/// Undoes to_string. kInvalid when `text` is anything else.
Result<ProcessId> parse_process_id(std::string_view text);

/// The identity of the process that has `pid` now. kNotFound when none has; one that ended but was not waited
/// for has.
Result<ProcessId> identify_process(int pid);

/// Whether exactly this process still runs. One that has ended but was not waited for does not.
Result<bool> is_running(const ProcessId& id);

/// A process this program did not start, or started in an earlier life. Move-only.
class ForeignProcess {
 public:
  /// Takes hold of the process `id` names, so that signals can reach no other; nothing when it is gone.
  static Result<std::optional<ForeignProcess>> adopt(const ProcessId& id);

  [[nodiscard]] const ProcessId& id() const noexcept { return id_; }
  /// Readable once the process has ended; for event loops.
  [[nodiscard]] int event_fd() const noexcept { return handle_.get(); }

  /// Sends a signal. False when the process has ended.
  [[nodiscard]] Result<bool> send(int signal) const;

  /// Waits until the process has ended, at most `patience`. Whether it has. Its exit status is its parent's
  /// business.
  [[nodiscard]] Result<bool> wait_exit(Duration patience) const;

 private:
  ForeignProcess(ProcessId id, Descriptor handle) : id_(std::move(id)), handle_(std::move(handle)) {}
  ProcessId id_;
  Descriptor handle_;
};

}  // namespace klutch::os
