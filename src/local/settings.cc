// SPDX-License-Identifier: Apache-2.0
#include "local/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/os/file.h"
#include "base/os/port_holder.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "local/ports.h"

namespace klutch::local {
namespace {

Result<Settings> from_json(const json::Value& value) {
  Settings settings;
  settings.advertise_host = value.find_string("advertiseHost").value_or("");
  settings.app_cluster = value.find_bool("appCluster").value_or(true);
  const auto* ports = value.find_object("ports");
  if (ports == nullptr) return settings;
  for (const auto& [program, port] : ports->members()) {
    if (!port.is_int() || port.as_int() < 1 || port.as_int() > 65535) {
      return fail(Code::kInvalid, fmt::format("ports.{} must be a port number", program));
    }
    settings.ports.emplace(program, static_cast<std::uint16_t>(port.as_int()));
  }
  return settings;
}

}  // namespace

Result<Settings> read_settings(const Layout& layout) {
  if (!TRY(os::find_file(layout.settings()))) return Settings{};
  const auto text = TRY(os::read_file(layout.settings()));
  const auto value = TRY(json::parse(text).map_error(context(layout.settings())));
  return from_json(value).map_error(context(layout.settings()));
}

Result<> write_settings(const Layout& layout, const Settings& settings) {
  json::Value ports = json::Value::empty_object();
  for (const auto& [program, port] : settings.ports) ports.set(program, port);
  const json::Value value = json::object({{"advertiseHost", settings.advertise_host},
                                          {"appCluster", settings.app_cluster},
                                          {"ports", std::move(ports)}});
  TRY(os::make_directories(layout.path()));
  return os::write_file_atomic(layout.settings(), json::print_pretty(value, 2) + "\n");
}

Result<> choose_ports(Settings& settings, const std::vector<std::string>& programs) {
  std::vector<std::string> missing;
  for (const auto& program : programs) {
    if (!settings.ports.contains(program)) missing.push_back(program);
  }
  const auto ports = TRY(find_free_ports(missing.size()));
  for (std::size_t i = 0; i < missing.size(); ++i) settings.ports.emplace(missing[i], ports[i]);
  return {};
}

Result<> check_port(const Layout& layout, const Settings& settings, const std::string& program) {
  const auto port = settings.ports.find(program);
  if (port == settings.ports.end()) return {};
  const auto holder = os::find_port_holder(port->second);
  if (holder.empty()) return {};
  return fail(Code::kAlreadyExists,
              fmt::format("port {} of {} is taken by {}: stop that program, or give {} another port in {}",
                          port->second, program, holder, program, layout.settings()));
}

}  // namespace klutch::local
