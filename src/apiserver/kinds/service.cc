// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/service.h"

#include <algorithm>
#include <utility>

#include "apiserver/kinds/builtin_behavior.h"
#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

using json::Value;

bool is_external_name(const Value& object) {
  return text_at(object, {"spec", "type"}) == "ExternalName";
}

bool needs_node_ports(const Value& object) {
  const auto type = text_at(object, {"spec", "type"});
  return type == "NodePort" || type == "LoadBalancer";
}

bool is_reachable_from_outside(const Value& object) {
  return needs_node_ports(object) || (text_at(object, {"spec", "type"}) == "ClusterIP" &&
                                      !list_at(object, {"spec", "externalIPs"}).empty());
}

bool has_same(const Value& a, const Value& b, std::string_view field) {
  return value_at(a, {"spec", field}) == value_at(b, {"spec", field});
}

std::vector<std::int64_t> node_ports(const Value& object) {
  std::vector<std::int64_t> ports;
  for (const auto& port : list_at(object, {"spec", "ports"})) ports.push_back(number_at(port, {"nodePort"}));
  return ports;
}

/// What an update leaves out and was given by the server stays.
void keep_allocated(Value& object, const Value& old) {
  if (is_external_name(object) || is_external_name(old)) return;
  auto& spec = object_in(object, "spec");
  if (text_at(spec, {"clusterIP"}).empty() && list_at(spec, {"clusterIPs"}).empty()) {
    copy_field(value_at(old, {"spec"}), spec, "clusterIP");
    copy_field(value_at(old, {"spec"}), spec, "clusterIPs");
  }
  if (!needs_node_ports(object) || !needs_node_ports(old)) return;
  auto* ports = spec.find("ports");
  if (ports == nullptr || !ports->is_array()) return;
  for (auto& port : ports->elements()) {
    if (number_at(port, {"nodePort"}) != 0) continue;
    for (const auto& before : list_at(old, {"spec", "ports"})) {
      const bool same = number_at(before, {"port"}) == number_at(port, {"port"}) &&
                        text_at(before, {"protocol"}) == text_at(port, {"protocol"});
      if (same && number_at(before, {"nodePort"}) != 0) port.set("nodePort", number_at(before, {"nodePort"}));
    }
  }
}

/// What does not go with the new type and was not changed either.
void drop_by_type(Value& object, const Value& old) {
  auto& spec = object_in(object, "spec");
  if (!is_external_name(old) && is_external_name(object)) {
    if (has_same(object, old, "clusterIPs")) {
      spec.erase("clusterIP");
      spec.erase("clusterIPs");
    }
    for (const std::string_view name : {"ipFamilies", "ipFamilyPolicy"}) {
      if (has_same(object, old, name)) spec.erase(name);
    }
    if (has_same(object, old, "internalTrafficPolicy")) spec.erase("internalTrafficPolicy");
  }
  if (needs_node_ports(old) && !needs_node_ports(object) && node_ports(old) == node_ports(object)) {
    for (auto& port : spec["ports"].elements()) port.erase("nodePort");
  }
  const bool was_balancer = text_at(old, {"spec", "type"}) == "LoadBalancer";
  if (was_balancer && text_at(spec, {"type"}) != "LoadBalancer") {
    for (const std::string_view name :
         {"allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"}) {
      if (has_same(object, old, name)) spec.erase(name);
    }
    object_in(object, "status").set("loadBalancer", Value::empty_object());
  }
  if (is_reachable_from_outside(old) && !is_reachable_from_outside(object) &&
      has_same(object, old, "externalTrafficPolicy")) {
    spec.erase("externalTrafficPolicy");
  }
}

/// clusterIP is the first of clusterIPs: clients that know only one of them change only that.
void normalize_addresses(Value& object, const Value* old) {
  auto& spec = object_in(object, "spec");
  const std::string address(text_at(spec, {"clusterIP"}));
  if (old == nullptr) {
    if (!address.empty() && list_at(spec, {"clusterIPs"}).empty()) {
      spec.set("clusterIPs", json::array({address}));
    }
    return;
  }
  const auto before = text_at(*old, {"spec", "clusterIP"});
  if (address == before) {
    if (list_at(spec, {"clusterIPs"}).empty()) copy_field(value_at(*old, {"spec"}), spec, "clusterIPs");
  } else if (has_same(object, *old, "clusterIPs")) {
    if (address.empty()) {
      spec.erase("clusterIPs");
    } else {
      spec.set("clusterIPs", json::array({address}));
    }
  }
}

void set_families(Value& spec) {
  const bool headless = text_at(spec, {"clusterIP"}) == "None";
  const bool both = headless && map_at(spec, {"selector"}).empty();
  if (list_at(spec, {"ipFamilies"}).empty()) {
    const auto first = ip_family(text_at(spec, {"clusterIP"}));
    Value families = json::array({first == IpFamily::kIpv6 ? "IPv6" : "IPv4"});
    if (both) families.push_back("IPv6");
    spec.set("ipFamilies", std::move(families));
  }
  set_missing(spec, "ipFamilyPolicy", both ? "RequireDualStack" : "SingleStack");
}

class ServiceBehavior final : public BuiltinBehavior {
 public:
  ServiceBehavior(const ResourceFacts& resource, std::shared_ptr<const ServiceAddresses> addresses)
      : BuiltinBehavior(resource, service_rules()), addresses_(std::move(addresses)) {}

  void prepare_create(Value& object, Time now) const override {
    BuiltinBehavior::prepare_create(object, now);
    normalize_addresses(object, nullptr);
    allocate(object);
  }

  void prepare_update(Value& object, const Value& old, std::string_view subresource,
                      Time /*now*/) const override {
    if (!subresource.empty()) return;
    keep_allocated(object, old);
    drop_by_type(object, old);
    normalize_addresses(object, &old);
    allocate(object);
  }

  [[nodiscard]] FieldErrors validate_create(const Value& object) const override {
    auto errors = BuiltinBehavior::validate_create(object);
    append(errors, validate_service(object, nullptr));
    if (errors.empty()) check_allocation(errors, object, nullptr);
    return errors;
  }

  [[nodiscard]] FieldErrors validate_update(const Value& object, const Value& old,
                                            std::string_view subresource) const override {
    auto errors = BuiltinBehavior::validate_update(object, old, subresource);
    if (!subresource.empty()) return errors;
    append(errors, validate_service(object, &old));
    if (errors.empty()) check_allocation(errors, object, &old);
    return errors;
  }

 private:
  static KindRules service_rules() {
    KindRules rules;
    rules.name = NameRule::kDns1035Label;
    rules.create_on_update = true;
    rules.selectable = {{"spec.clusterIP", {"spec", "clusterIP"}}, {"spec.type", {"spec", "type"}}};
    return rules;
  }

  void allocate(Value& object) const {
    if (is_external_name(object)) return;
    auto& spec = object_in(object, "spec");
    if (addresses_ != nullptr && text_at(spec, {"clusterIP"}).empty() &&
        list_at(spec, {"clusterIPs"}).empty()) {
      if (const auto address = addresses_->allocate(); !address.empty()) {
        spec.set("clusterIP", address);
        spec.set("clusterIPs", json::array({address}));
      }
    }
    set_families(spec);
  }

  void check_allocation(FieldErrors& errors, const Value& object, const Value* old) const {
    const auto address = text_at(object, {"spec", "clusterIP"});
    if (addresses_ == nullptr || is_external_name(object) || address == "None") return;
    if (old != nullptr && address == text_at(*old, {"spec", "clusterIP"})) return;
    const auto problem = address.empty() ? "no IPs left" : addresses_->problem(address, kube::key(object));
    if (problem.empty()) return;
    errors.push_back(FieldError::invalid(FieldPath("spec").child("clusterIPs"), json::array({address}),
                                         "failed to allocate IP " + std::string(address) + ": " + problem));
  }

  std::shared_ptr<const ServiceAddresses> addresses_;
};

}  // namespace

std::shared_ptr<const ResourceBehavior> make_service_behavior(
    const ResourceFacts& facts, std::shared_ptr<const ServiceAddresses> addresses) {
  return std::make_shared<ServiceBehavior>(facts, std::move(addresses));
}

}  // namespace klutch::apiserver
