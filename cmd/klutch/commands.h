// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "async/ctx.h"
#include "base/result.h"

// The command line of the program klutch.

namespace klutch::cli {

struct Invocation {
  std::string command = {};
  std::string state = {};
  bool detach = false;
  bool no_app_cluster = false;
  bool app_cluster = false;
  bool yes = false;
  std::string output = {};  ///< "" or "json"
  std::optional<std::string> advertise_host = {};
};

/// Reads the command line. An exit code: there is nothing to run (help, version, a mistake).
std::optional<int> parse(int argc, char** argv, Invocation& invocation);
/// Carries it out; gives the exit code.
Result<int> run(Ctx& ctx, const Invocation& invocation);

}  // namespace klutch::cli
