// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <set>
#include <string>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"
#include "json/build.h"

// Endpoints, EndpointSlices, Ingresses, NetworkPolicies.

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::size_t kMaxEndpoints = 1000;
constexpr std::size_t kMaxAddresses = 100;
constexpr std::size_t kMaxPorts = 20000;

void check_endpoint_addresses(FieldErrors& errors, const Value& subset, std::string_view name,
                              const FieldPath& path) {
  const auto addresses = list_at(subset, {name});
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto& address = addresses[i];
    const auto at = path.child(name).index(i);
    const auto ip = text_at(address, {"ip"});
    check_ip(errors, at.child("ip"), ip);
    const auto host = text_at(address, {"hostname"});
    if (!host.empty()) add_problems(errors, at.child("hostname"), host, check_dns1123_label(host));
    const auto node = text_at(address, {"nodeName"});
    if (has_at(address, {"nodeName"})) {
      add_problems(errors, at.child("nodeName"), node, check_dns1123_subdomain(node));
    }
    check_endpoint_ip(errors, at.child("ip"), ip);
  }
}

FieldErrors check_subsets(const Value& object) {
  FieldErrors errors;
  const auto subsets = list_at(object, {"subsets"});
  for (std::size_t i = 0; i < subsets.size(); ++i) {
    const auto& subset = subsets[i];
    const auto path = FieldPath("subsets").index(i);
    if (list_at(subset, {"addresses"}).empty() && list_at(subset, {"notReadyAddresses"}).empty()) {
      errors.push_back(FieldError::required(path, "must specify `addresses` or `notReadyAddresses`"));
    }
    check_endpoint_addresses(errors, subset, "addresses", path);
    check_endpoint_addresses(errors, subset, "notReadyAddresses", path);
    const auto ports = list_at(subset, {"ports"});
    for (std::size_t p = 0; p < ports.size(); ++p) {
      const auto at = path.child("ports").index(p);
      const auto name = text_at(ports[p], {"name"});
      if (name.empty() && ports.size() > 1) errors.push_back(FieldError::required(at.child("name")));
      if (!name.empty()) add_problems(errors, at.child("name"), name, check_dns1123_label(name));
      const auto number = number_at(ports[p], {"port"});
      add_problems(errors, at.child("port"), number, check_port_number(number));
      check_protocol(errors, at.child("protocol"), text_at(ports[p], {"protocol"}));
    }
  }
  return errors;
}

FieldErrors validate_endpoints_change(const Value& object, const Value& old) {
  // What was taken once stays good.
  if (value_at(object, {"subsets"}) == value_at(old, {"subsets"})) return {};
  return check_subsets(object);
}

void check_slice_ports(FieldErrors& errors, const Value& object) {
  const FieldPath path("ports");
  const auto ports = list_at(object, {"ports"});
  if (ports.size() > kMaxPorts) {
    errors.push_back(FieldError::too_many(path, static_cast<std::int64_t>(ports.size()), kMaxPorts));
    return;
  }
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const auto at = path.index(i);
    const auto name = text_at(ports[i], {"name"});
    if (!name.empty()) add_problems(errors, at.child("name"), name, check_dns1123_label(name));
    if (!names.insert(name).second) errors.push_back(FieldError::duplicate(at.child("name"), name));
    check_protocol(errors, at.child("protocol"), text_at(ports[i], {"protocol"}));
  }
}

void check_slice_address(FieldErrors& errors, std::string_view type, std::string_view address,
                         const FieldPath& list, const FieldPath& at) {
  if (type == "FQDN") {
    add_problems(errors, at, address, check_dns1123_subdomain(address));
    return;
  }
  if (type != "IPv4" && type != "IPv6") return;
  const auto family = ip_family(address);
  if (family == IpFamily::kNone) return check_ip(errors, at, address);
  if ((type == "IPv4") != (family == IpFamily::kIpv4)) {
    errors.push_back(FieldError::invalid(list, address, "must be an " + std::string(type) + " address"));
  }
  check_endpoint_ip(errors, at, address);
}

void check_slice_endpoints(FieldErrors& errors, const Value& object) {
  const FieldPath path("endpoints");
  const auto endpoints = list_at(object, {"endpoints"});
  if (endpoints.size() > kMaxEndpoints) {
    errors.push_back(FieldError::too_many(path, static_cast<std::int64_t>(endpoints.size()), kMaxEndpoints));
    return;
  }
  const auto type = text_at(object, {"addressType"});
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto list = path.index(i).child("addresses");
    const auto addresses = list_at(endpoints[i], {"addresses"});
    if (addresses.empty()) errors.push_back(FieldError::required(list, "must contain at least 1 address"));
    if (addresses.size() > kMaxAddresses) {
      errors.push_back(
          FieldError::too_many(list, static_cast<std::int64_t>(addresses.size()), kMaxAddresses));
    }
    for (std::size_t a = 0; a < addresses.size(); ++a) {
      if (addresses[a].is_string()) {
        check_slice_address(errors, type, addresses[a].as_string(), list, list.index(a));
      }
    }
    const auto host = text_at(endpoints[i], {"hostname"});
    if (has_at(endpoints[i], {"hostname"})) {
      add_problems(errors, path.index(i).child("hostname"), host, check_dns1123_label(host));
    }
  }
}

FieldErrors validate_slice(const Value& object) {
  FieldErrors errors;
  const auto type = text_at(object, {"addressType"});
  if (type.empty()) {
    errors.push_back(FieldError::required(FieldPath("addressType")));
  } else {
    check_supported(errors, FieldPath("addressType"), type, {"FQDN", "IPv4", "IPv6"});
  }
  check_slice_ports(errors, object);
  check_slice_endpoints(errors, object);
  return errors;
}

FieldErrors validate_slice_change(const Value& object, const Value& old) {
  FieldErrors errors;
  check_immutable(errors, value_at(object, {"addressType"}), value_at(old, {"addressType"}),
                  FieldPath("addressType"));
  return errors;
}

FieldErrors validate_ingress(const Value& object) {
  if (has_at(object, {"spec", "defaultBackend"}) || !list_at(object, {"spec", "rules"}).empty()) return {};
  return {FieldError::invalid_text(FieldPath("spec"), "null",
                                   "either `defaultBackend` or `rules` must be specified")};
}

FieldErrors validate_network_policy(const Value& object) {
  FieldErrors errors;
  check_label_selector(errors, value_at(object, {"spec", "podSelector"}),
                       FieldPath("spec").child("podSelector"));
  const auto types = list_at(object, {"spec", "policyTypes"});
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (!types[i].is_string()) continue;
    check_supported(errors, FieldPath("spec").child("policyTypes").index(i), types[i].as_string(),
                    {"Egress", "Ingress"});
  }
  return errors;
}

}  // namespace

std::optional<KindRules> network_rules(std::string_view resource) {
  KindRules rules;
  if (resource == "endpoints") {
    rules.create_on_update = true;
    rules.validate_create = check_subsets;
    rules.validate_change = validate_endpoints_change;
    return rules;
  }
  if (resource == "endpointslices.discovery.k8s.io") {
    rules.counts_generations = true;
    rules.validate = validate_slice;
    rules.validate_change = validate_slice_change;
    return rules;
  }
  if (resource == "ingresses.networking.k8s.io") {
    rules.counts_generations = true;
    rules.validate = validate_ingress;
    return rules;
  }
  if (resource == "networkpolicies.networking.k8s.io") {
    rules.counts_generations = true;
    rules.validate = validate_network_policy;
    return rules;
  }
  if (resource == "ingressclasses.networking.k8s.io") {
    rules.counts_generations = true;
    return rules;
  }
  return std::nullopt;
}

}  // namespace klutch::apiserver
