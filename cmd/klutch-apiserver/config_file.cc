// SPDX-License-Identifier: Apache-2.0
#include "config_file.h"

#include <iterator>

#include "json/print.h"
#include "json/yaml.h"

namespace klutch::cli {
namespace {

std::string text_of(const json::Value& value) {
  return value.is_string() ? std::string(value.as_string()) : json::print(value);
}

}  // namespace

std::string YamlConfig::to_config(const CLI::App* /*app*/, bool /*with_defaults*/, bool /*with_descriptions*/,
                                  std::string /*prefix*/) const {
  return {};
}

std::vector<CLI::ConfigItem> YamlConfig::from_config(std::istream& input) const {
  const std::string text{std::istreambuf_iterator<char>(input), {}};
  const auto value = json::parse_yaml(text);
  if (!value) throw CLI::FileError("cannot read the configuration file: " + value.error().message());
  std::vector<CLI::ConfigItem> settings;
  if (value->is_null()) return settings;
  if (!value->is_object()) throw CLI::FileError("the configuration file must hold an object of options");
  for (const auto& [key, setting] : value->members()) {
    CLI::ConfigItem item;
    item.name = std::string(key);
    if (setting.is_array()) {
      for (const auto& each : setting.elements()) item.inputs.push_back(text_of(each));
    } else {
      item.inputs.push_back(text_of(setting));
    }
    settings.push_back(std::move(item));
  }
  return settings;
}

}  // namespace klutch::cli
