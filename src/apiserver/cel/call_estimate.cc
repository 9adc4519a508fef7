// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/call_estimate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "apiserver/cel/call_cost.h"

namespace klutch::apiserver::cel {
namespace {

constexpr CostRange kOne = CostRange::exactly(1);
/// A format whose name is not known may have a pattern this long.
constexpr double kMaxFormatPattern = 128;
constexpr std::uint64_t kMaxFormatSize = 64;
/// IP addresses have 4 or 16 bytes.
constexpr CostRange kAddressSize = {4, 16};

using Operands = std::span<const EstimatedOperand>;
using Estimate = std::optional<CallEstimate>;

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

CostRange text_cost(CostRange size) {
  return size.scaled(kTextCostFactor);
}

CostRange search_cost(const EstimatedOperand& text, const EstimatedOperand& pattern) {
  return text_cost(text.size.plus(kOne)).times(pattern.size.scaled(kPatternCostFactor));
}

// Functions of cel-go's extensions, by overload.

CallEstimate new_list(double factor, CostRange size) {
  return {.cost = size.scaled(factor).plus(kOne).plus(CostRange::exactly(kListBaseCost)),
          .result_size = size,
          .has_size = true};
}

std::uint64_t literal_int(const EstimatedOperand& operand, std::uint64_t otherwise) {
  if (operand.literal == nullptr || operand.literal->kind() != Kind::kInt) return otherwise;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(operand.literal->as_int(), 0));
}

CallEstimate sorting(std::string_view overload, CostRange size) {
  const bool is_text = overload.starts_with("list_string") || overload.starts_with("list_bytes");
  return new_list(is_text ? 2 + kTextCostFactor : 2, size.times(size));
}

Estimate estimate_extension(std::string_view overload, const EstimatedOperand* target, Operands arguments) {
  if (overload.starts_with("list_sets_") && arguments.size() == 2) {
    const double factor = overload == "list_sets_equivalent_list" ? 2 : 1;
    return CallEstimate{arguments[0].size.times(arguments[1].size).scaled(factor).plus(kOne)};
  }
  if (overload == "lists_range") {
    return new_list(1, CostRange::exactly(literal_int(arguments[0], CostRange::kNoEnd)));
  }
  if (target == nullptr) return std::nullopt;
  if (overload == "list_slice") {
    const std::uint64_t start = literal_int(arguments[0], 0);
    return new_list(1, CostRange::exactly(literal_int(arguments[1], target->size.max) - start));
  }
  if (overload == "list_flatten") return new_list(1, target->size);
  if (overload == "list_flatten_int") {
    return new_list(static_cast<double>(literal_int(arguments[0], CostRange::kNoEnd)), target->size);
  }
  if (overload == "list_reverse") return new_list(1, target->size);
  if (overload == "list_distinct") return new_list(2, target->size.times(target->size));
  if (overload.ends_with("_sort")) return sorting(overload, target->size);
  if (overload.ends_with("_sortByAssociatedKeys")) return sorting(overload, arguments[0].size);
  return std::nullopt;
}

// Functions of Kubernetes, by name.

CallEstimate estimate_traversal(const EstimatedOperand& target) {
  if (target.type.parameters().empty()) return {text_cost(target.size)};
  const Type& element = target.type.parameters()[0];
  const bool is_text = element.is(TypeKind::kString) || element.is(TypeKind::kBytes);
  const CostRange each = is_text ? kOne.plus(text_cost(target.element_size)) : kOne;
  return {target.size.times(each)};
}

std::uint64_t divided_up(std::uint64_t a, std::uint64_t b) {
  const double quotient = std::ceil(static_cast<double>(a) / static_cast<double>(b));
  return quotient >= 18446744073709551616.0 ? CostRange::kNoEnd : static_cast<std::uint64_t>(quotient);
}

CallEstimate estimate_replacement(CostRange text, CostRange from, CostRange to) {
  CostRange count;
  CostRange kept;
  if (from.min == 0) {  // an empty text is found between all characters
    count.max = CostRange::add(text.max, 1);
    kept.max = text.max;
  } else if (to.max <= from.min) {
    kept.max = text.max;
  } else {
    count.max = divided_up(text.max, from.min);
  }
  if (from.max == 0) {
    count.min = CostRange::add(text.min, 1);
    kept.min = text.min;
  } else if (from.max <= to.min) {
    kept.min = text.min;
  } else {
    count.min = divided_up(text.min, from.max);
  }
  return {
      .cost = text.scaled(2 * kTextCostFactor), .result_size = count.times(to).plus(kept), .has_size = true};
}

CallEstimate estimate_split(const EstimatedOperand& target, Operands arguments) {
  std::uint64_t parts = target.size.max;
  if (arguments.size() > 1 && arguments[1].literal != nullptr && arguments[1].literal->kind() == Kind::kInt) {
    parts = static_cast<std::uint64_t>(arguments[1].literal->as_int());
  }
  return {
      .cost = target.size.scaled(2 * kTextCostFactor), .result_size = CostRange{0, parts}, .has_size = true};
}

CallEstimate estimate_join(const EstimatedOperand& target, Operands arguments) {
  CostRange size;
  if (!target.type.parameters().empty()) size = target.size.times(target.element_size);
  if (!arguments.empty()) {
    const CostRange separators = {target.size.min > 0 ? target.size.min - 1 : 0,
                                  target.size.max > 0 ? target.size.max - 1 : 0};
    size = size.plus(arguments[0].size.times(separators));
  }
  return {.cost = text_cost(size), .result_size = size, .has_size = true};
}

CallEstimate estimate_containment(std::string_view function, std::string_view overload, Operands arguments) {
  CostRange cost = text_cost(kAddressSize.plus(kAddressSize));
  if (function == "containsCIDR") cost = cost.plus(text_cost(kAddressSize)).plus(kOne);
  if (overload.ends_with("_string")) cost = cost.plus(text_cost(arguments[0].size));
  return {cost};
}

Estimate estimate_equality(Operands arguments) {
  const Type& type = arguments[0].type;
  if (!type.is_exactly(arguments[1].type)) return std::nullopt;
  const std::string_view name = type.name();
  if (type.is(TypeKind::kOpaque) && (name == "net.IP" || name == "net.CIDR")) return CallEstimate{kOne};
  if (!type.is(TypeKind::kStruct) || type.schema() != nullptr) return std::nullopt;
  if (name == "kubernetes.NamedFormat") return CallEstimate{text_cost({1, kMaxFormatSize})};
  if (name != "kubernetes.URL") return CallEstimate{kOne};
  const CostRange size = arguments[1].has_size ? arguments[1].size : kOne;
  return CallEstimate{text_cost({1, size.max})};
}

constexpr std::array<std::string_view, 6> kTraversals = {"isSorted", "sum",     "max",
                                                         "min",      "indexOf", "lastIndexOf"};
constexpr std::array<std::string_view, 4> kTextChanges = {"lowerAscii", "upperAscii", "substring", "trim"};
constexpr std::array<std::string_view, 8> kParsers = {"cidr",       "isIP",   "isCIDR",   "ip",
                                                      "isQuantity", "semver", "quantity", "isSemver"};
constexpr std::array<std::string_view, 38> kConstants = {"serviceAccount",
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
                                                         "masked",
                                                         "prefixLength",
                                                         "family",
                                                         "isUnspecified",
                                                         "isLoopback",
                                                         "isLinkLocalMulticast",
                                                         "isLinkLocalUnicast",
                                                         "isGlobalUnicast",
                                                         "format.named",
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
                                                         "getQuery"};

Estimate estimate_kube_method(std::string_view function, const EstimatedOperand& target, Operands arguments) {
  if (is_one_of(function, kTraversals)) return estimate_traversal(target);
  if (is_one_of(function, kTextChanges)) {
    return CallEstimate{.cost = text_cost(target.size), .result_size = target.size, .has_size = true};
  }
  if (function == "replace" && arguments.size() >= 2) {
    return estimate_replacement(target.size, arguments[0].size, arguments[1].size);
  }
  if (function == "split") return estimate_split(target, arguments);
  if (function == "join") return estimate_join(target, arguments);
  if ((function == "find" || function == "findAll") && !arguments.empty()) {
    return CallEstimate{.cost = search_cost(target, arguments[0]),
                        .result_size = CostRange{0, target.size.max},
                        .has_size = true};
  }
  return std::nullopt;
}

Estimate estimate_kube(std::string_view function, std::string_view overload, const EstimatedOperand* target,
                       Operands arguments) {
  if (function == "check") return CallEstimate{CostRange::exactly(kAuthorizerCheckCost)};
  if (is_one_of(function, kConstants) || overload == "cidr_ip") return CallEstimate{kOne};
  if (target != nullptr) {
    if (auto estimate = estimate_kube_method(function, *target, arguments)) return estimate;
  }
  if (arguments.empty()) return std::nullopt;
  const CostRange size = arguments[0].size;
  if (function == "url") return CallEstimate{.cost = text_cost(size), .result_size = size, .has_size = true};
  if (is_one_of(function, kParsers)) return CallEstimate{text_cost(size)};
  if (function == "ip.isCanonical") return CallEstimate{size.scaled(2 * kTextCostFactor)};
  if (function == "containsIP" || function == "containsCIDR") {
    return estimate_containment(function, overload, arguments);
  }
  if (function == "validate") {
    return CallEstimate{text_cost(size).scaled(kMaxFormatPattern * kPatternCostFactor)};
  }
  if (function == "_==_" && arguments.size() == 2) return estimate_equality(arguments);
  return std::nullopt;
}

// Functions of cel-go, by overload.

CallEstimate estimate_comparison(Operands arguments) {
  const std::uint64_t most = std::min(arguments[0].size.max, arguments[1].size.max);
  return {text_cost({most > 0 ? std::uint64_t{1} : 0, most})};
}

bool is_comparison(std::string_view overload) {
  if (overload == "equals" || overload == "not_equals") return true;
  const bool is_order = overload.starts_with("less_") || overload.starts_with("greater_");
  return is_order && (overload.ends_with("_string") || overload.ends_with("_bytes"));
}

Estimate estimate_language(std::string_view overload, const EstimatedOperand* target, Operands arguments) {
  if (overload == "string_format" && target != nullptr) return CallEstimate{text_cost(target->size)};
  if (arguments.empty()) return std::nullopt;
  const CostRange size = arguments[0].size;
  if (overload == "string_to_bytes") {
    return CallEstimate{
        .cost = text_cost(size), .result_size = CostRange{size.min, size.max * 4}, .has_size = true};
  }
  if (overload == "bytes_to_string") {
    return CallEstimate{
        .cost = text_cost(size), .result_size = CostRange{size.min / 4, size.max}, .has_size = true};
  }
  if (overload == "strings_quote") {
    return CallEstimate{
        .cost = text_cost(size), .result_size = CostRange{size.min + 2, size.max * 2 + 2}, .has_size = true};
  }
  if (overload == "starts_with_string" || overload == "ends_with_string")
    return CallEstimate{text_cost(size)};
  if (overload == "matches_string" && target != nullptr)
    return CallEstimate{search_cost(*target, arguments[0])};
  if (overload == "contains_string" && target != nullptr) {
    return CallEstimate{text_cost(target->size).times(text_cost(size))};
  }
  if (arguments.size() != 2) return std::nullopt;
  if (overload == "in_list") return CallEstimate{arguments[1].size};
  if (is_comparison(overload)) return estimate_comparison(arguments);
  return std::nullopt;
}

}  // namespace

CallEstimate estimate_call(std::string_view function, std::string_view overload,
                           const EstimatedOperand* target, Operands arguments) {
  if (auto estimate = estimate_extension(overload, target, arguments)) return *estimate;
  if (auto estimate = estimate_kube(function, overload, target, arguments)) return *estimate;
  if (auto estimate = estimate_language(overload, target, arguments)) return *estimate;
  return {kOne};
}

}  // namespace klutch::apiserver::cel
