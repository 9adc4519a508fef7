// SPDX-License-Identifier: Apache-2.0
#include "local/layout.h"

#include "base/os/environment.h"
#include "base/os/paths.h"

#include <filesystem>

namespace klutch::local {

Result<Layout> Layout::find(const std::string& chosen) {
  std::string path = chosen;
  if (path.empty()) path = os::get_env("KLUTCH_STATE").value_or("");
  if (path.empty()) path = TRY(os::state_path("klutch"));
  path = TRY(os::expand_tilde(path));
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  if (error) return fail(Code::kInvalid, "cannot use the state folder " + path + ": " + error.message());
  return Layout(absolute.lexically_normal().string());
}

}  // namespace klutch::local
