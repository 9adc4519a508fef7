// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace klutch::cli {

/// Configuration files in YAML (or JSON): the long options without their dashes as keys, lists where an
/// option may be repeated.
///
///   listen: [0.0.0.0:6443]
///   advertise-host: box.example
class YamlConfig final : public CLI::Config {
 public:
  std::string to_config(const CLI::App* app, bool with_defaults, bool with_descriptions,
                        std::string prefix) const override;
  /// CLI::FileError for what cannot be read, naming line and column.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
};

}  // namespace klutch::cli
