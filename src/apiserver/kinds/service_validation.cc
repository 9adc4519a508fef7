// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/service.h"

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kOnlyForBalancers = "may only be used when `type` is 'LoadBalancer'";

bool is_headless(const Value& spec) {
  const auto addresses = list_at(spec, {"clusterIPs"});
  return addresses.size() == 1 && addresses[0].is_string() && addresses[0].as_string() == "None";
}

bool is_reachable(const Value& spec) {
  const auto type = text_at(spec, {"type"});
  if (type == "LoadBalancer" || type == "NodePort") return true;
  return type == "ClusterIP" && !list_at(spec, {"externalIPs"}).empty();
}

void check_external_name(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  constexpr std::string_view kNotAllowed = "may not be set for ExternalName services";
  for (const std::string_view name : {"clusterIPs", "ipFamilies", "ipFamilyPolicy"}) {
    if (has_at(spec, {name})) errors.push_back(FieldError::forbidden(path.child(name), kNotAllowed));
  }
  auto name = text_at(spec, {"externalName"});
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) {
    errors.push_back(FieldError::required(path.child("externalName")));
  } else {
    add_problems(errors, path.child("externalName"), name, check_dns1123_subdomain(name));
  }
}

void check_by_type(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  const auto type = text_at(spec, {"type"});
  const auto ports = list_at(spec, {"ports"});
  if (ports.empty() && !is_headless(spec) && type != "ExternalName") {
    errors.push_back(FieldError::required(path.child("ports")));
  }
  if ((type == "LoadBalancer" || type == "NodePort") && is_headless(spec)) {
    errors.push_back(FieldError::invalid(path.child("clusterIPs").index(0), "None",
                                         "may not be set to 'None' for " + std::string(type) + " services"));
  }
  if (type == "ExternalName") check_external_name(errors, spec, path);
}

void check_service_ports(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  const auto ports = list_at(spec, {"ports"});
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto& port = ports[i];
    const auto at = path.child("ports").index(i);
    const auto name = text_at(port, {"name"});
    if (name.empty()) {
      if (ports.size() > 1) errors.push_back(FieldError::required(at.child("name")));
    } else {
      add_problems(errors, at.child("name"), name, check_dns1123_label(name));
      if (!names.insert(name).second) errors.push_back(FieldError::duplicate(at.child("name"), name));
    }
    const auto number = number_at(port, {"port"});
    add_problems(errors, at.child("port"), number, check_port_number(number));
    check_protocol(errors, at.child("protocol"), text_at(port, {"protocol"}));
    check_port(errors, at.child("targetPort"), value_at(port, {"targetPort"}));
    if (const auto app = text_at(port, {"appProtocol"}); has_at(port, {"appProtocol"})) {
      add_problems(errors, at.child("appProtocol"), app, check_qualified_name(app));
    }
  }
}

void check_affinity(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  const auto affinity = text_at(spec, {"sessionAffinity"});
  check_supported(errors, path.child("sessionAffinity"), affinity, {"ClientIP", "None"});
  if (affinity != "ClientIP") return;
  const auto timeout = number_at(spec, {"sessionAffinityConfig", "clientIP", "timeoutSeconds"});
  constexpr std::int64_t kDay = 86400;
  if (timeout > 0 && timeout <= kDay) return;
  errors.push_back(
      FieldError::invalid(path.child("sessionAffinityConfig").child("clientIP").child("timeoutSeconds"),
                          timeout, "must be greater than 0 and less than 86400"));
}

void check_families(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  const auto families = list_at(spec, {"ipFamilies"});
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < families.size(); ++i) {
    const auto family = families[i].is_string() ? families[i].as_string() : std::string_view();
    const auto at = path.child("ipFamilies").index(i);
    check_supported(errors, at, family, {"IPv4", "IPv6"});
    if (!seen.insert(family).second) errors.push_back(FieldError::duplicate(at, family));
  }
  if (has_at(spec, {"ipFamilyPolicy"})) {
    check_supported(errors, path.child("ipFamilyPolicy"), text_at(spec, {"ipFamilyPolicy"}),
                    {"PreferDualStack", "RequireDualStack", "SingleStack"});
  }
}

void check_cluster_addresses(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  if (text_at(spec, {"type"}) == "ExternalName") return;
  const auto& all = value_at(spec, {"clusterIPs"});
  const auto addresses = list_at(spec, {"clusterIPs"});
  const auto at = path.child("clusterIPs");
  const auto first = text_at(spec, {"clusterIP"});
  if (first.empty() && !addresses.empty()) {
    errors.push_back(FieldError::invalid(at, all, "must be empty when `clusterIP` is not specified"));
  } else if (!first.empty() && addresses.empty()) {
    errors.push_back(FieldError::required(at));
  } else if (!first.empty() && !(addresses[0] == Value(first))) {
    errors.push_back(FieldError::invalid(at, all, "first value must match `clusterIP`"));
  }
  check_families(errors, spec, path);
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto address = addresses[i].is_string() ? addresses[i].as_string() : std::string_view();
    if (i == 0 && address == "None") {
      if (addresses.size() > 1) {
        errors.push_back(FieldError::invalid(at, all, "'None' must be the first and only value"));
      }
      continue;
    }
    check_ip(errors, at.index(i), address);
  }
  if (addresses.size() > 2) errors.push_back(FieldError::invalid(at, all, "may only hold up to 2 values"));
}

void check_external_addresses(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  const auto addresses = list_at(spec, {"externalIPs"});
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto at = path.child("externalIPs").index(i);
    const auto address = addresses[i].is_string() ? addresses[i].as_string() : std::string_view();
    const auto before = errors.size();
    check_ip(errors, at, address);
    if (errors.size() == before) check_endpoint_ip(errors, at, address);
  }
}

void check_repeated_ports(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  const auto ports = list_at(spec, {"ports"});
  if (text_at(spec, {"type"}) == "ClusterIP") {
    for (std::size_t i = 0; i < ports.size(); ++i) {
      if (number_at(ports[i], {"nodePort"}) == 0) continue;
      errors.push_back(FieldError::forbidden(path.child("ports").index(i).child("nodePort"),
                                             "may not be used when `type` is 'ClusterIP'"));
    }
  }
  for (const std::string_view field : {"nodePort", "port"}) {
    std::set<std::pair<std::string_view, std::int64_t>> seen;
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const auto number = number_at(ports[i], {field});
      const auto protocol = text_at(ports[i], {"protocol"});
      if ((field == "nodePort" && number == 0) || seen.emplace(protocol, number).second) continue;
      const auto at = path.child("ports").index(i);
      if (field == "nodePort") {
        errors.push_back(FieldError::duplicate(at.child("nodePort"), number));
      } else {
        // As Go prints a struct in which only protocol and port are set.
        auto error = FieldError::duplicate(at, "");
        error.body = fmt::format(
            R"(Duplicate value: {{"Name":"","Protocol":"{}","AppProtocol":null,"Port":{},"TargetPort":0,"NodePort":0}})",
            protocol, number);
        errors.push_back(std::move(error));
      }
    }
  }
}

void check_policies(FieldErrors& errors, const Value& spec, const FieldPath& path) {
  const auto type = text_at(spec, {"type"});
  if (has_at(spec, {"allocateLoadBalancerNodePorts"}) && type != "LoadBalancer") {
    errors.push_back(FieldError::forbidden(path.child("allocateLoadBalancerNodePorts"), kOnlyForBalancers));
  }
  if (const auto name = text_at(spec, {"loadBalancerClass"}); has_at(spec, {"loadBalancerClass"})) {
    const auto at = path.child("loadBalancerClass");
    if (type != "LoadBalancer") {
      errors.push_back(FieldError::forbidden(at, kOnlyForBalancers));
    } else {
      add_problems(errors, at, name, check_qualified_name(name));
    }
  }
  const auto external = text_at(spec, {"externalTrafficPolicy"});
  const auto external_path = path.child("externalTrafficPolicy");
  if (is_reachable(spec)) {
    check_supported(errors, external_path, external, {"Cluster", "Local"});
  } else if (!external.empty()) {
    errors.push_back(FieldError::invalid_json(external_path, external,
                                              "may only be set for externally-accessible services"));
  }
  if (has_at(spec, {"internalTrafficPolicy"})) {
    check_supported(errors, path.child("internalTrafficPolicy"), text_at(spec, {"internalTrafficPolicy"}),
                    {"Cluster", "Local"});
  }
  if (has_at(spec, {"trafficDistribution"})) {
    check_supported(errors, path.child("trafficDistribution"), text_at(spec, {"trafficDistribution"}),
                    {"PreferClose", "PreferSameZone", "PreferSameNode"});
  }
}

void check_kept_addresses(FieldErrors& errors, const Value& spec, const Value& old, const FieldPath& path) {
  const bool is_named = text_at(spec, {"type"}) == "ExternalName" || text_at(old, {"type"}) == "ExternalName";
  if (is_named || (is_headless(spec) && is_headless(old))) return;
  const auto& all = value_at(spec, {"clusterIPs"});
  const auto now = list_at(spec, {"clusterIPs"});
  const auto before = list_at(old, {"clusterIPs"});
  if (now.empty() && !before.empty()) {
    errors.push_back(
        FieldError::invalid(path.child("clusterIPs").index(0), all, "primary clusterIP can not be unset"));
  }
  const auto count = now.size() == before.size() ? now.size() : std::min<std::size_t>(1, now.size());
  for (std::size_t i = 0; i < std::min(count, before.size()); ++i) {
    if (now[i] == before[i]) continue;
    errors.push_back(FieldError::invalid(path.child("clusterIPs").index(i), all, "may not change once set"));
  }
}

}  // namespace

FieldErrors validate_service(const Value& object, const Value* old) {
  FieldErrors errors;
  const FieldPath path("spec");
  const auto& spec = value_at(object, {"spec"});
  if (old != nullptr) check_kept_addresses(errors, spec, value_at(*old, {"spec"}), path);
  check_by_type(errors, spec, path);
  check_service_ports(errors, spec, path);
  check_labels(errors, map_at(spec, {"selector"}), path.child("selector"));
  check_affinity(errors, spec, path);
  check_cluster_addresses(errors, spec, path);
  check_external_addresses(errors, spec, path);
  check_supported(errors, path.child("type"), text_at(spec, {"type"}),
                  {"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  check_repeated_ports(errors, spec, path);
  if (!list_at(spec, {"loadBalancerSourceRanges"}).empty() && text_at(spec, {"type"}) != "LoadBalancer") {
    errors.push_back(FieldError::forbidden(path.child("LoadBalancerSourceRanges"), kOnlyForBalancers));
  }
  check_policies(errors, spec, path);
  return errors;
}

}  // namespace klutch::apiserver
