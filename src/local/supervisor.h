// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "async/ctx.h"
#include "base/os/process_id.h"
#include "base/result.h"
#include "local/component.h"
#include "local/layout.h"

// Keeps the programs of a local installation running: starts what does not run, takes over what an earlier
// supervisor started, starts again what ends, later each time. One supervisor per state folder, ensured by a
// lock. Loop thread only.

namespace klutch::local {

struct SupervisorOptions {
  Duration first_restart = std::chrono::milliseconds(200);
  Duration last_restart = std::chrono::seconds(30);
  /// A program that ran so long begins again with the first delay.
  Duration healthy_after = std::chrono::minutes(1);
  /// After SIGTERM, before SIGKILL.
  Duration stop_patience = std::chrono::seconds(20);
};

/// What happens, for whoever watches.
struct SupervisorEvent {
  enum class Kind { kStarted, kAdopted, kEnded, kFailed };
  Kind kind = Kind::kStarted;
  std::string component = {};
  std::string text = {};  ///< "pid 123", "killed by signal 9 (SIGKILL); starting it again in 200ms"
};

/// Runs all components until `ctx` is cancelled, then stops them, the last one first. kAlreadyExists, naming
/// the process, if another supervisor has the folder.
Result<> supervise(Ctx& ctx, const Layout& layout, const std::vector<Component>& components,
                   std::function<void(const SupervisorEvent&)> tell, const SupervisorOptions& options = {});

/// The process that runs `program` now, as its file says; nothing if there is none.
Result<std::optional<os::ProcessId>> find_process(const Layout& layout, std::string_view program);

/// Asks a process to stop and waits for it; kills it after `patience`. Whether there was one.
Result<bool> stop_process(Ctx& ctx, const Layout& layout, std::string_view program, Duration patience);

/// Which program supervises: its process file has this name.
inline constexpr std::string_view kSupervisor = "supervisor";

}  // namespace klutch::local
