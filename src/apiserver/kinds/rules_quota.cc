// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "apiserver/builtin/quantity.h"
#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"

// ResourceQuotas and LimitRanges.

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kQuotaNames[] = {
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "persistentvolumeclaims",
    "configmaps",
    "services.nodeports",
    "services.loadbalancers",
};
constexpr std::string_view kCounted[] = {
    "pods",           "persistentvolumeclaims", "configmaps", "replicationcontrollers", "services",
    "resourcequotas", "services.nodeports",     "secrets",    "services.loadbalancers"};

template <std::size_t N>
bool is_one_of(const std::string_view (&names)[N], std::string_view name) {
  return std::ranges::find(names, name) != std::end(names);
}

void check_quota_entry(FieldErrors& errors, const json::Member& entry, const FieldPath& path) {
  const auto name = entry.key();
  add_problems(errors, path, name, check_qualified_name(name));
  if (name.find('/') == std::string_view::npos && !is_one_of(kQuotaNames, name)) {
    errors.push_back(FieldError::invalid(path, name, "must be a standard resource for quota"));
  }
  const auto text = entry.value().is_string() ? entry.value().as_string() : std::string_view();
  const auto quantity = Quantity::parse(text);
  if (!quantity) return;
  if (quantity->sign() < 0) {
    errors.push_back(FieldError::invalid(path, text, "must be greater than or equal to 0"));
  }
  if (is_one_of(kCounted, name) && quantity->has_fraction()) {
    errors.push_back(FieldError::invalid(path, text, "must be an integer"));
  }
}

FieldErrors validate_quota(const Value& object) {
  FieldErrors errors;
  const FieldPath path = FieldPath("spec").child("hard");
  for (const auto& entry : map_at(object, {"spec", "hard"})) {
    check_quota_entry(errors, entry, path.key(entry.key()));
  }
  constexpr std::string_view kScopes[] = {"Terminating",          "NotTerminating",
                                          "BestEffort",           "NotBestEffort",
                                          "PriorityClass",        "CrossNamespacePodAffinity",
                                          "VolumeAttributesClass"};
  const auto scopes = list_at(object, {"spec", "scopes"});
  const bool known = std::ranges::all_of(
      scopes, [&](const Value& scope) { return scope.is_string() && is_one_of(kScopes, scope.as_string()); });
  if (!known) {
    errors.push_back(FieldError::invalid(FieldPath("spec").child("scopes"),
                                         value_at(object, {"spec", "scopes"}), "unsupported scope"));
  }
  return errors;
}

std::optional<Quantity> quantity_at(const Value& item, std::string_view field, std::string_view name) {
  const auto text = text_at(item, {field, name});
  auto quantity = Quantity::parse(text);
  if (text.empty() || !quantity) return std::nullopt;
  return *quantity;
}

/// One comparison of two fields of a limit: `low` must not be greater than `high`.
struct LimitOrder {
  std::string_view low = {};
  std::string_view high = {};
  std::string_view blamed = {};  ///< whose path the error has
  std::string_view shown = {};   ///< whose value the error has
};

constexpr LimitOrder kLimitOrders[] = {
    {"min", "max", "min", "min"},
    {"min", "defaultRequest", "defaultRequest", "defaultRequest"},
    {"defaultRequest", "max", "defaultRequest", "defaultRequest"},
    {"defaultRequest", "default", "defaultRequest", "defaultRequest"},
    {"min", "default", "default", "min"},
    {"default", "max", "default", "max"},
};

std::string_view limit_word(const LimitOrder& order, std::string_view field) {
  if (field == "defaultRequest") return "default request";
  if (field != "default") return field;
  return order.low == "defaultRequest" ? "default limit" : "default";
}

void check_limit_order(FieldErrors& errors, const Value& item, std::string_view name, const LimitOrder& order,
                       const FieldPath& path) {
  const auto low = quantity_at(item, order.low, name);
  const auto high = quantity_at(item, order.high, name);
  if (!low || !high || low->compare(*high) <= 0) return;
  errors.push_back(FieldError::invalid(
      path.child(order.blamed).key(name), order.shown == order.low ? low->to_string() : high->to_string(),
      std::string(limit_word(order, order.low)) + " value " + low->to_string() + " is greater than " +
          std::string(limit_word(order, order.high)) + " value " + high->to_string()));
}

FieldErrors validate_limit_range(const Value& object) {
  FieldErrors errors;
  std::set<std::string_view> types;
  const auto limits = list_at(object, {"spec", "limits"});
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const auto path = FieldPath("spec").child("limits").index(i);
    const auto type = text_at(limits[i], {"type"});
    if (!types.insert(type).second) errors.push_back(FieldError::duplicate(path.child("type"), type));
    std::set<std::string_view> names;
    for (const std::string_view field : {"max", "min", "default", "defaultRequest"}) {
      for (const auto& [name, value] : map_at(limits[i], {field})) names.insert(name);
      if (type != "Pod" || !field.starts_with("default") || !has_at(limits[i], {field})) continue;
      errors.push_back(FieldError::forbidden(path.child(field), "may not be specified when `type` is 'Pod'"));
    }
    for (const auto name : names) {
      for (const auto& order : kLimitOrders) check_limit_order(errors, limits[i], name, order, path);
    }
  }
  return errors;
}

}  // namespace

std::optional<KindRules> quota_rules(std::string_view resource) {
  if (resource == "resourcequotas") return KindRules{.validate = validate_quota};
  if (resource == "limitranges") return KindRules{.create_on_update = true, .validate = validate_limit_range};
  return std::nullopt;
}

}  // namespace klutch::apiserver
