// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// Which build this is. The values are fixed when CMake configures.

namespace klutch::obs {

struct BuildInfo {
  std::string_view version;  ///< Of the project, as "0.1.0".
  std::string_view
      commit;  ///< `git describe --always --dirty` of the source, "unknown" outside of a checkout.
  std::string_view compiler;  ///< As "GNU 12.2.0".
};

BuildInfo build_info() noexcept;

/// One line for --version and User-Agent comments: "0.1.0 (3c0ffee, GNU 12.2.0)".
std::string describe_build();

}  // namespace klutch::obs
