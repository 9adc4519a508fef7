// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

// Environment variables. Reading is safe from any thread; changing is not while others read, so programs only
// read and tests change them before they start threads.

namespace klutch::os {

/// The value, which may be empty; nothing when the variable is not set.
std::optional<std::string> get_env(const std::string& name);

/// All variables as "NAME=value", in no particular order: the form Command::env takes.
std::vector<std::string> environment();

/// Sets a variable (or unsets it, given nothing) and puts the old state back when it dies. For tests.
class ScopedEnv {
 public:
  ScopedEnv(std::string name, const std::optional<std::string>& value);
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;
  ~ScopedEnv();

 private:
  std::string name_;
  std::optional<std::string> before_;
};

}  // namespace klutch::os
