// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "apiserver/tables/cell_values.h"
#include "base/strings.h"

// Services, endpoints, ingresses.

namespace klutch::apiserver {
namespace {

using Cells = std::vector<json::Value>;

/// So many endpoints, hosts and ports are named.
constexpr std::size_t kMost = 3;

/// Addresses of a load balancer, each once.
std::string load_balancer(const json::Value& status) {
  std::set<std::string> addresses;
  for (const json::Value& ingress : list_at(status, "ingress")) {
    auto address = text_or(ingress, "ip", text_at(ingress, "hostname"));
    if (!address.empty()) addresses.insert(std::move(address));
  }
  return join(addresses, ",");
}

std::string external_ip(const json::Value& service) {
  const auto type = text_at(service, "spec.type");
  std::vector<std::string> addresses;
  for (const json::Value& address : list_at(service, "spec.externalIPs")) {
    if (address.is_string()) addresses.emplace_back(address.as_string());
  }
  if (type == "ClusterIP" || type == "NodePort") return none_if_empty(join(addresses, ","));
  if (type == "ExternalName") return text_at(service, "spec.externalName");
  if (type != "LoadBalancer") return "<unknown>";
  if (auto given = load_balancer(value_at(service, "status.loadBalancer")); !given.empty()) {
    addresses.insert(addresses.begin(), std::move(given));
  }
  return addresses.empty() ? "<pending>" : join(addresses, ",");
}

std::string service_ports(const json::Value& service) {
  std::vector<std::string> ports;
  for (const json::Value& port : list_at(service, "spec.ports")) {
    std::string text = std::to_string(number_at(port, "port"));
    if (const auto node_port = number_at(port, "nodePort"); node_port > 0) {
      text += ":" + std::to_string(node_port);
    }
    ports.push_back(text + "/" + text_at(port, "protocol"));
  }
  return none_if_empty(join(ports, ","));
}

Cells service_cells(const json::Value& object, Time now) {
  const auto ips = list_at(object, "spec.clusterIPs");
  return cells_of(name_of(object), text_at(object, "spec.type"),
                  ips.empty() || !ips.front().is_string() ? "<none>" : ips.front().as_string(),
                  external_ip(object), service_ports(object), age_of(object, now),
                  labels_text(value_at(object, "spec.selector")));
}

/// With brackets around IPv6 addresses.
std::string host_and_port(const std::string& host, std::int64_t port) {
  const bool ipv6 = host.find(':') != std::string::npos;
  return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string endpoints_text(const json::Value& object) {
  const auto subsets = list_at(object, "subsets");
  if (subsets.empty()) return "<none>";
  std::vector<std::string> texts;
  for (const json::Value& subset : subsets) {
    const auto ports = list_at(subset, "ports");
    const auto addresses = list_at(subset, "addresses");
    for (const json::Value& port : ports) {
      for (const json::Value& address : addresses) {
        texts.push_back(host_and_port(text_at(address, "ip"), number_at(port, "port")));
      }
    }
    if (!ports.empty()) continue;
    for (const json::Value& address : addresses) texts.push_back(text_at(address, "ip"));
  }
  return list_text(texts, kMost);
}

Cells endpoints_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), endpoints_text(object), age_of(object, now));
}

Cells endpoint_slice_cells(const json::Value& object, Time now) {
  std::vector<std::string> ports;
  for (const json::Value& port : list_at(object, "ports")) {
    const json::Value& number = value_at(port, "port");
    ports.push_back(number.is_int() ? std::to_string(number.as_int()) : text_or(port, "name", "*"));
  }
  std::vector<std::string> addresses;
  for (const json::Value& endpoint : list_at(object, "endpoints")) {
    for (const json::Value& address : list_at(endpoint, "addresses")) {
      if (address.is_string()) addresses.emplace_back(address.as_string());
    }
  }
  const auto shown = [](const std::vector<std::string>& texts) {
    return texts.empty() ? std::string("<unset>") : list_text(texts, kMost);
  };
  return cells_of(name_of(object), text_at(object, "addressType"), shown(ports), shown(addresses),
                  age_of(object, now));
}

std::string ingress_hosts(const json::Value& ingress) {
  std::vector<std::string> hosts;
  const auto rules = list_at(ingress, "spec.rules");
  bool more = false;
  for (const json::Value& rule : rules) {
    more = more || hosts.size() == kMost;
    const auto host = text_at(rule, "host");
    if (!more && !host.empty()) hosts.push_back(host);
  }
  if (hosts.empty()) return "*";
  return join(hosts, ",") + (more ? " + " + std::to_string(rules.size() - kMost) + " more..." : "");
}

Cells ingress_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), text_or(object, "spec.ingressClassName", "<none>"), ingress_hosts(object),
                  load_balancer(value_at(object, "status.loadBalancer")),
                  list_at(object, "spec.tls").empty() ? "80" : "80, 443", age_of(object, now));
}

Cells ingress_class_cells(const json::Value& object, Time now) {
  std::string parameters = "<none>";
  if (const json::Value& given = value_at(object, "spec.parameters"); given.is_object()) {
    parameters = text_at(given, "kind");
    if (const auto group = given.find_string("apiGroup")) parameters.append(".").append(*group);
    parameters += "/" + text_at(given, "name");
  }
  return cells_of(name_of(object), text_at(object, "spec.controller"), parameters, age_of(object, now));
}

Cells network_policy_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), selector_text(value_at(object, "spec.podSelector"), "<none>"),
                  age_of(object, now));
}

Cells service_cidr_cells(const json::Value& object, Time now) {
  std::vector<std::string> ranges;
  for (const json::Value& range : list_at(object, "spec.cidrs")) {
    if (range.is_string()) ranges.emplace_back(range.as_string());
  }
  return cells_of(name_of(object), join(ranges, ","), age_of(object, now));
}

/// "services/namespace/name"
Cells ip_address_cells(const json::Value& object, Time /*now*/) {
  const json::Value& parent = value_at(object, "spec.parentRef");
  std::string text = "<none>";
  if (parent.is_object()) {
    text = text_at(parent, "resource");
    for (const auto& [path, separator] : {std::pair("group", "."), std::pair("namespace", "/")}) {
      if (const auto part = text_at(parent, path); !part.empty()) text += separator + part;
    }
    text += "/" + text_at(parent, "name");
  }
  return cells_of(name_of(object), text);
}

constexpr KindTable kNetworkTables[] = {
    {"", "endpoints", "Name!|Endpoints|Age", endpoints_cells},
    {"", "services", "Name!|Type|Cluster-IP|External-IP|Port(s)|Age|Selector*", service_cells},
    {"discovery.k8s.io", "endpointslices", "Name!|AddressType|Ports|Endpoints|Age", endpoint_slice_cells},
    {"networking.k8s.io", "ingressclasses", "Name!|Controller|Parameters|Age", ingress_class_cells},
    {"networking.k8s.io", "ingresses", "Name!|Class|Hosts|Address|Ports|Age", ingress_cells},
    {"networking.k8s.io", "ipaddresses", "Name!|ParentRef", ip_address_cells},
    {"networking.k8s.io", "networkpolicies", "Name!|Pod-Selector|Age", network_policy_cells},
    {"networking.k8s.io", "servicecidrs", "Name!|CIDRs|Age", service_cidr_cells},
};

}  // namespace

std::span<const KindTable> network_tables() {
  return kNetworkTables;
}

}  // namespace klutch::apiserver
