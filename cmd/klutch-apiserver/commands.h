// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/ctx.h"
#include "base/result.h"

// The command line of the program klutch-apiserver.

namespace klutch::cli {

struct Invocation {
  /// "serve", "backup", "restore", "compact" or "check".
  std::string command = "serve";
  std::string state = "klutch-apiserver.state";
  std::vector<std::string> listen = {"127.0.0.1:6443"};
  std::vector<std::string> advertise_hosts = {};
  std::string token_auth_file = {};
  std::string audit_log = {};
  std::string audit_policy = {};
  std::string durability = "full";
  std::vector<std::string> disabled_controllers = {};
  bool ephemeral = false;
  std::string log = "info,http.access=warn";

  std::string file = {};             ///< of backup and restore
  std::string passphrase_file = {};  ///< "-": standard input
  bool with_key = false;
  bool replace = false;
  bool json = false;
};

/// Reads the command line and the configuration file that it may name. An exit code: there is nothing to run
/// (help, version, a mistake).
std::optional<int> parse(int argc, char** argv, Invocation& invocation);
/// Carries it out; gives the exit code.
Result<int> run(Ctx& ctx, const Invocation& invocation);

}  // namespace klutch::cli
