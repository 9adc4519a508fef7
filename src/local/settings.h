// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "local/layout.h"

// What a local installation decided once and keeps: which port each program listens on, under which name it
// is reached. A file in the state folder. Blocks on the disk.

namespace klutch::local {

struct Settings {
  /// By program: "provider-apiserver". Chosen when first needed.
  std::map<std::string, std::uint16_t, std::less<>> ports = {};
  /// Where clients reach the programs; they listen there, too. Empty: this machine alone.
  std::string advertise_host = {};
  bool app_cluster = true;
};

/// The defaults if there is no file yet. kInvalid naming the file and the field that is wrong.
Result<Settings> read_settings(const Layout& layout);
Result<> write_settings(const Layout& layout, const Settings& settings);

/// Gives each of `programs` without one a free port, all different. kUnavailable if the machine has none.
Result<> choose_ports(Settings& settings, const std::vector<std::string>& programs);

/// kAlreadyExists, naming the holder and the way out, if somebody else listens on the port of `program`.
Result<> check_port(const Layout& layout, const Settings& settings, const std::string& program);

}  // namespace klutch::local
