// SPDX-License-Identifier: Apache-2.0
#include "local/component.h"

#include <fmt/format.h>

#include <utility>

#include "base/os/file.h"
#include "base/os/paths.h"

namespace klutch::local {
namespace {

Component api_server(const Layout& layout, const Settings& settings, const std::string& folder,
                     const std::string& cluster) {
  const std::string name = cluster + "-apiserver";
  const bool everywhere = !settings.advertise_host.empty();
  const std::uint16_t port = settings.ports.find(name)->second;
  Component component;
  component.name = name;
  component.title = cluster + " cluster";
  component.argv = {folder + "/klutch-apiserver", "--state", layout.cluster(cluster), "--listen",
                    fmt::format("{}:{}", everywhere ? "0.0.0.0" : "127.0.0.1", port)};
  if (everywhere) {
    component.argv.insert(component.argv.end(), {"--advertise-host", settings.advertise_host});
  }
  component.url = fmt::format("https://{}:{}", everywhere ? settings.advertise_host : "127.0.0.1", port);
  component.health_url = fmt::format("https://127.0.0.1:{}/readyz", port);
  component.authority = layout.cluster(cluster) + "/pki/ca.crt";
  return component;
}

}  // namespace

std::vector<std::string> component_names(const Settings& settings) {
  std::vector<std::string> names = {"provider-apiserver"};
  if (settings.app_cluster) names.emplace_back("consumer-apiserver");
  return names;
}

Result<std::vector<Component>> components_of(const Layout& layout, const Settings& settings,
                                             const std::string& program_folder) {
  std::vector<Component> components = {api_server(layout, settings, program_folder, "provider")};
  if (settings.app_cluster) components.push_back(api_server(layout, settings, program_folder, "consumer"));
  for (const auto& component : components) {
    if (!TRY(os::find_file(component.argv.front()))) {
      return fail(Code::kNotFound, fmt::format("there is no {}: it belongs beside the program klutch",
                                               component.argv.front()));
    }
  }
  return components;
}

Result<std::string> program_folder() {
  return os::parent_path(TRY(os::executable_path()));
}

}  // namespace klutch::local
