// SPDX-License-Identifier: Apache-2.0
#include "obs/build_info.h"

// The definitions come from CMakeLists.txt for this file alone, so that a new commit recompiles nothing else.

namespace klutch::obs {

BuildInfo build_info() noexcept {
  return {.version = KLUTCH_VERSION, .commit = KLUTCH_COMMIT, .compiler = KLUTCH_COMPILER};
}

std::string describe_build() {
  const BuildInfo build = build_info();
  return std::string(build.version)
      .append(" (")
      .append(build.commit)
      .append(", ")
      .append(build.compiler)
      .append(")");
}

}  // namespace klutch::obs
