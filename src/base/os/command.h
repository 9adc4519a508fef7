// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/os/process.h"
#include "base/result.h"

// Running one program to its end and collecting what it says: credential plugins, `git`, test helpers. Blocks
// up to the time limit; safe from any thread; a program that outstays any limit is killed.

namespace klutch::os {

struct RunLimits {
  Duration time = std::chrono::seconds(60);
  std::size_t output_bytes = std::size_t{4} << 20U;  ///< Of each of the two output streams.
  /// Ends the program with kCancelled as soon as this becomes readable or its other end is closed; -1: none.
  int stop_fd = -1;
};

struct RunResult {
  ExitStatus status;
  std::string out;
  std::string err;
};

/// Runs `command` with `input` as its standard input. `command.in`, `.out` and `.err` are overridden where
/// they are to be fed or collected: `out` always, `in` and `err` unless they are Redirect::inherit(). An exit
/// status other than 0 is not an error here. kTimeout and kTooLarge when a limit is passed; the program (with
/// own_group, its group) is dead then.
Result<RunResult> run_command(Command command, std::string_view input = {}, const RunLimits& limits = {});

}  // namespace klutch::os
