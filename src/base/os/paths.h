// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// Paths as text and the places where a user's files belong (XDG Base Directory Specification 0.8). Functions
// that read the environment are safe from any thread as long as nobody changes it.

namespace klutch::os {

/// "a" + "b" -> "a/b"; an absolute `name` stands alone; an empty `directory` gives `name`.
std::string join_path(std::string_view directory, std::string_view name);
/// What precedes the last component: "a/b" -> "a", "b" -> ".", "/b" -> "/".
std::string parent_path(std::string_view path);
/// The last component: "a/b" -> "b", "a/" -> "a", "/" -> "/".
std::string base_name(std::string_view path);

/// `path` with links, "." and ".." resolved; kNotFound when a part does not exist.
Result<std::string> real_path(const std::string& path);

/// $HOME, else the home directory from the user database. kNotFound when neither is an absolute path.
Result<std::string> home_path();
/// "~" and "~/x" with the home directory in place of "~"; anything else, "~user" included, unchanged.
Result<std::string> expand_tilde(std::string_view path);

/// $XDG_CONFIG_HOME/`app` or ~/.config/`app`: what the user sets. Like the next two, not created. Relative
/// values of the variables are ignored, as the specification demands.
Result<std::string> config_path(std::string_view app);
/// $XDG_STATE_HOME/`app` or ~/.local/state/`app`: what must survive a restart.
Result<std::string> state_path(std::string_view app);
/// $XDG_CACHE_HOME/`app` or ~/.cache/`app`: what may be deleted at any time.
Result<std::string> cache_path(std::string_view app);
/// $XDG_RUNTIME_DIR/`app`: sockets and locks, gone after logout. kNotFound when the variable is unset.
Result<std::string> runtime_path(std::string_view app);
/// $TMPDIR when it is absolute, else /tmp.
std::string temp_path();

/// The file of the running program.
Result<std::string> executable_path();

/// Where the shell would find the program `name`: itself when it contains '/', else the first executable of
/// that name in $PATH. kNotFound otherwise.
Result<std::string> find_program(std::string_view name);

}  // namespace klutch::os
