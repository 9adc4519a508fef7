// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "base/result.h"
#include "json/value.h"
#include "local/layout.h"

// What the program klutch does: up, status, env, down, reset. All of them may be repeated, and two at once do
// no harm. Errors name the program, the file or the port, and the way out.

namespace klutch::local {

/// Shows one line to whoever waits.
using Say = std::function<void(std::string_view line)>;

struct UpOptions {
  /// What is not given stays as it was decided before.
  std::optional<bool> app_cluster = {};
  std::optional<std::string> advertise_host = {};
  /// How long all programs together may take to be ready.
  Duration patience = std::chrono::seconds(60);
};

/// Runs everything until `ctx` is cancelled, then stops it. Says when it is ready.
Result<> up(Ctx& ctx, const Layout& layout, const UpOptions& options, const Say& say);
/// Starts a supervisor of its own and returns when everything is ready, or was already.
Result<> up_detached(Ctx& ctx, const Layout& layout, const UpOptions& options, const Say& say);

struct ComponentStatus {
  std::string name = {};
  std::string state = {};  ///< "ready", "starting", "stopped"
  int pid = 0;             ///< 0: none
  std::string url = {};
};
/// In the order in which they start.
Result<std::vector<ComponentStatus>> status(Ctx& ctx, const Layout& layout);

/// Shell commands that set KLUTCH_STATE and the kubeconfigs. kNotFound before the first up().
Result<std::string> environment(const Layout& layout);

/// Stops the supervisor and all programs. Whether there was anything to stop.
Result<bool> down(Ctx& ctx, const Layout& layout, const Say& say);
/// As down(), then removes the state folder. kInvalid for a folder that is none of ours.
Result<> reset(Ctx& ctx, const Layout& layout, const Say& say);

}  // namespace klutch::local
