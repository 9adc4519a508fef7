// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/descriptions.h"

#include <algorithm>

#include "base/strings.h"

namespace klutch::embedded {
extern const std::string_view kOpenApiDescriptions;
}  // namespace klutch::embedded

namespace klutch::apiserver {
namespace {

std::string_view find_description(std::string_view name) {
  const auto& all = all_descriptions();
  const auto found = std::ranges::lower_bound(all, name, {}, [](const auto& entry) { return entry.first; });
  return found != all.end() && found->first == name ? found->second : std::string_view();
}

}  // namespace

const std::vector<std::pair<std::string_view, std::string_view>>& all_descriptions() {
  static const auto kAll = [] {
    std::vector<std::pair<std::string_view, std::string_view>> all;
    for (const std::string_view line : split(embedded::kOpenApiDescriptions, '\n')) {
      if (line.starts_with('#')) continue;
      if (const auto parts = split_once(line, " ")) all.push_back(*parts);
    }
    std::ranges::sort(all);
    return all;
  }();
  return kAll;
}

std::string_view describe_message(std::string_view message) {
  return find_description(message);
}

std::string_view describe_field(std::string_view message, std::string_view field) {
  const std::string_view text = find_description(std::string(message) + "." + std::string(field));
  return text.empty() ? find_description("*." + std::string(field)) : text;
}

}  // namespace klutch::apiserver
