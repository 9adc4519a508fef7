// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/call_cost.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "apiserver/cel/go_text.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/lib_named_format.h"

namespace klutch::apiserver::cel {
namespace {

std::uint64_t rounded_up(double cost) {
  return static_cast<std::uint64_t>(std::ceil(cost));
}

/// Elements, entries, code points or bytes; 1 for what has no size.
std::uint64_t actual_size(const Value& value) {
  switch (value.kind()) {
    case Kind::kString: return count_code_points(value.as_text());
    case Kind::kBytes: return value.as_text().size();
    case Kind::kList:
    case Kind::kMap: return value.size();
    case Kind::kOpaque: return value.as_opaque().cost_size().value_or(1);
    default: return 1;
  }
}

/// As actual_size(), but of the content of an optional.
std::uint64_t content_size(const Value& value) {
  if (value.kind() != Kind::kOptional) return actual_size(value);
  const Value* content = value.as_optional();
  return content == nullptr ? 1 : content_size(*content);
}

std::uint64_t text_cost(const Value& value) {
  return rounded_up(static_cast<double>(content_size(value)) * kTextCostFactor);
}

std::uint64_t kube_text_cost(const Value& value, double factor = kTextCostFactor) {
  return rounded_up(static_cast<double>(actual_size(value)) * factor);
}

std::uint64_t pattern_cost(std::uint64_t text_size, std::uint64_t pattern_size) {
  return rounded_up((1.0 + static_cast<double>(text_size)) * kTextCostFactor) *
         rounded_up(static_cast<double>(pattern_size) * kPatternCostFactor);
}

std::uint64_t traversal_cost(const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
    case Kind::kBytes:
      return static_cast<std::uint64_t>(static_cast<double>(value.as_text().size()) * kTextCostFactor);
    case Kind::kList: {
      std::uint64_t cost = 0;
      for (std::size_t i = 0; i < value.size(); ++i) cost += traversal_cost(value.element(i));
      return cost;
    }
    case Kind::kMap: {
      std::uint64_t cost = 0;
      for (std::size_t i = 0; i < value.size(); ++i) {
        const auto entry = value.entry(i);
        if (entry) cost += traversal_cost(entry->first) + traversal_cost(entry->second);
      }
      return cost;
    }
    default: return 1;
  }
}

// Functions of Kubernetes.

std::uint64_t one(Arguments, const Value&) {
  return 1;
}

std::uint64_t authorizer_check(Arguments, const Value&) {
  return kAuthorizerCheckCost;
}

std::uint64_t traversal(Arguments a, const Value&) {
  return traversal_cost(a[0]);
}

std::uint64_t kube_text(Arguments a, const Value&) {
  return kube_text_cost(a[0]);
}

std::uint64_t kube_text_twice(Arguments a, const Value&) {
  return kube_text_cost(a[0], 2 * kTextCostFactor);
}

std::uint64_t result_text_twice(Arguments, const Value& result) {
  return kube_text_cost(result, 2 * kTextCostFactor);
}

std::uint64_t find_in_text(Arguments a, const Value&) {
  return pattern_cost(actual_size(a[0]), actual_size(a[1]));
}

std::uint64_t contains_address(Arguments a, const Value&) {
  return rounded_up(static_cast<double>(2 * actual_size(a[0])) * kTextCostFactor);
}

std::uint64_t contains_address_text(Arguments a, const Value& result) {
  return contains_address(a, result) + kube_text_cost(a[1]);
}

std::uint64_t contains_network(Arguments a, const Value& result) {
  return contains_address(a, result) + kube_text_cost(a[0]) + 1;
}

std::uint64_t contains_network_text(Arguments a, const Value& result) {
  return contains_network(a, result) + kube_text_cost(a[1]);
}

std::uint64_t validation(Arguments a, const Value&) {
  const auto pattern_size = named_format_pattern_size(a[0]);
  return pattern_size ? pattern_cost(actual_size(a[1]), *pattern_size) : 1;
}

// Selectors of the authorizer cannot occur where rules are; only their texts count.
std::uint64_t selector(Arguments a, const Value&) {
  const auto size = static_cast<double>(actual_size(a[1]));
  return kListBaseCost + rounded_up(size * kTextCostFactor) +
         rounded_up(std::ceil(size * 0.5) * static_cast<double>(kListBaseCost + kObjectBaseCost));
}

// Functions of cel-go.

std::uint64_t text_of_first(Arguments a, const Value&) {
  return text_cost(a[0]);
}

std::uint64_t list_search(Arguments a, const Value&) {
  return content_size(a[1]);
}

std::uint64_t comparison(Arguments a, const Value&) {
  const std::uint64_t size = std::min(content_size(a[0]), content_size(a[1]));
  return rounded_up(static_cast<double>(size) * kTextCostFactor);
}

std::uint64_t equality(Arguments a, const Value& result) {
  return a[0].kind() == Kind::kOpaque ? 1 : comparison(a, result);
}

std::uint64_t concatenation(Arguments a, const Value&) {
  return rounded_up(static_cast<double>(content_size(a[0]) + content_size(a[1])) * kTextCostFactor);
}

std::uint64_t match(Arguments a, const Value&) {
  return pattern_cost(content_size(a[0]), content_size(a[1]));
}

std::uint64_t text_search(Arguments a, const Value&) {
  return text_cost(a[0]) * text_cost(a[1]);
}

// Functions of cel-go's extensions.

std::uint64_t allocating_call(double factor, std::uint64_t size) {
  return static_cast<std::uint64_t>(static_cast<double>(size) * factor) + 1 + kListBaseCost;
}

std::uint64_t set_operation(Arguments a, const Value&) {
  return 1 + actual_size(a[0]) * actual_size(a[1]);
}

std::uint64_t set_equivalence(Arguments a, const Value&) {
  return 1 + 2 * actual_size(a[0]) * actual_size(a[1]);
}

std::uint64_t list_made(Arguments, const Value& result) {
  return allocating_call(1, actual_size(result));
}

/// Larger ranges than an expression may cost are not made.
std::uint64_t range_made(Arguments a, const Value& result) {
  const std::uint64_t asked =
      a[0].kind() == Kind::kInt && a[0].as_int() > 0 ? static_cast<std::uint64_t>(a[0].as_int()) : 0;
  return allocating_call(1, result.is_error() ? std::max(asked, actual_size(result)) : actual_size(result));
}

/// Go's conversion wraps for negative depths, which are errors anyway.
std::uint64_t flattening(Arguments a, const Value&) {
  const double depth = a.size() == 2 && a[1].kind() == Kind::kInt ? static_cast<double>(a[1].as_int()) : 1;
  const double cost = static_cast<double>(actual_size(a[0])) * depth;
  if (!(std::abs(cost) < 9e18)) return UINT64_MAX / 2;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(cost)) + 1 + kListBaseCost;
}

std::uint64_t self_comparison(const Value& list) {
  const std::uint64_t size = actual_size(list);
  double factor = 2;
  if (list.kind() == Kind::kList && list.size() > 0) {
    const Kind kind = list.element(0).kind();
    if (kind == Kind::kString || kind == Kind::kBytes) factor += kTextCostFactor;
  }
  return allocating_call(factor, size * size);
}

std::uint64_t compared_with_itself(Arguments a, const Value&) {
  return self_comparison(a[0]);
}

std::uint64_t keys_compared_with_themselves(Arguments a, const Value&) {
  return self_comparison(a[1]);
}

using CostTable = std::unordered_map<std::string_view, CallCost>;

const CostTable& extension_costs() {
  static const CostTable kCosts = {
      {"list_sets_contains_list", set_operation},
      {"list_sets_intersects_list", set_operation},
      {"list_sets_equivalent_list", set_equivalence},
      {"list_slice", list_made},
      {"list_flatten", flattening},
      {"list_flatten_int", flattening},
      {"lists_range", range_made},
      {"list_reverse", list_made},
      {"list_distinct", compared_with_itself},
  };
  return kCosts;
}

const CostTable& kube_costs() {
  static const CostTable kCosts = [] {
    CostTable costs = {
        {"check", authorizer_check},
        {"fieldSelector", selector},
        {"labelSelector", selector},
        {"join", result_text_twice},
        {"find", find_in_text},
        {"findAll", find_in_text},
        {"containsIP", contains_address},
        {"containsCIDR", contains_network},
        {"validate", validation},
        {"_==_", equality},
        {"ip.isCanonical", kube_text_twice},
    };
    for (const std::string_view name : {"isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"}) {
      costs[name] = traversal;
    }
    for (const std::string_view name :
         {"url", "lowerAscii", "upperAscii", "substring", "trim", "cidr", "isIP", "isCIDR", "ip", "quantity",
          "isQuantity", "semver", "isSemver"}) {
      costs[name] = kube_text;
    }
    for (const std::string_view name : {"replace", "split"}) costs[name] = kube_text_twice;
    for (const std::string_view name : {"serviceAccount",
                                        "path",
                                        "group",
                                        "resource",
                                        "subresource",
                                        "namespace",
                                        "name",
                                        "allowed",
                                        "reason",
                                        "error",
                                        "errored",
                                        "format.named",
                                        "masked",
                                        "prefixLength",
                                        "family",
                                        "isUnspecified",
                                        "isLoopback",
                                        "isLinkLocalMulticast",
                                        "isLinkLocalUnicast",
                                        "isGlobalUnicast",
                                        "sign",
                                        "asInteger",
                                        "isInteger",
                                        "asApproximateFloat",
                                        "isGreaterThan",
                                        "isLessThan",
                                        "compareTo",
                                        "add",
                                        "sub",
                                        "major",
                                        "minor",
                                        "patch",
                                        "getScheme",
                                        "getHostname",
                                        "getHost",
                                        "getPort",
                                        "getEscapedPath",
                                        "getQuery"}) {
      costs[name] = one;
    }
    return costs;
  }();
  return kCosts;
}

const CostTable& language_costs() {
  static const CostTable kCosts = [] {
    CostTable costs = {
        {"in_list", list_search},         {"equals", comparison},       {"not_equals", comparison},
        {"add_string", concatenation},    {"add_bytes", concatenation}, {"matches_string", match},
        {"contains_string", text_search},
    };
    for (const std::string_view id : {"starts_with_string", "ends_with_string", "string_to_bytes",
                                      "bytes_to_string", "strings_quote", "string_format"}) {
      costs[id] = text_of_first;
    }
    for (const std::string_view id :
         {"less_string", "greater_string", "less_equals_string", "greater_equals_string", "less_bytes",
          "greater_bytes", "less_equals_bytes", "greater_equals_bytes"}) {
      costs[id] = comparison;
    }
    return costs;
  }();
  return kCosts;
}

}  // namespace

CallCost call_cost(std::string_view function, std::string_view overload) {
  if (const auto found = extension_costs().find(overload); found != extension_costs().end()) {
    return found->second;
  }
  if (overload.ends_with("_sort")) return compared_with_itself;
  if (overload.ends_with("_sortByAssociatedKeys")) return keys_compared_with_themselves;
  if (overload == "cidr_ip") return one;
  if (overload == "cidr_contains_ip_string") return contains_address_text;
  if (overload == "cidr_contains_cidr_string") return contains_network_text;
  if (const auto found = kube_costs().find(function); found != kube_costs().end()) return found->second;
  const auto found = language_costs().find(overload);
  return found == language_costs().end() ? one : found->second;
}

}  // namespace klutch::apiserver::cel
