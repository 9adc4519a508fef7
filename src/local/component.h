// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "local/layout.h"
#include "local/settings.h"

// The programs of a local installation, as data: how each is started and how one sees that it is ready.
// A new program is a new entry here. Pure.

namespace klutch::local {

struct Component {
  std::string name = {};               ///< "provider-apiserver": of its files, in tables
  std::string title = {};              ///< "provider cluster": in sentences
  std::vector<std::string> argv = {};  ///< an absolute path and arguments
  std::string url = {};                ///< where clients reach it
  std::string health_url = {};         ///< answers 200 when it is ready
  std::string authority = {};          ///< file with the PEM of who signed its certificate
};

/// In the order in which they start. kNotFound naming a program that is not installed in `program_folder`.
Result<std::vector<Component>> components_of(const Layout& layout, const Settings& settings,
                                             const std::string& program_folder);
/// The names of all components, whether they are installed or not: those that need a port.
std::vector<std::string> component_names(const Settings& settings);

/// The folder of the running program, where the others are, too.
Result<std::string> program_folder();

}  // namespace klutch::local
