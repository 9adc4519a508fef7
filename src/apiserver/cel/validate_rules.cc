// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "apiserver/cel/go_text.h"
#include "apiserver/cel/rule.h"
#include "apiserver/cel/validation_rules.h"
#include "json/build.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

const std::vector<std::string> kReasons = {"FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
                                           "FieldValueRequired"};
constexpr int kNewExpressions = 33;
constexpr int kStoredExpressions = 34;

bool has_line_breaks(std::string_view text) {
  return text.find_first_of("\n\r") != std::string_view::npos;
}

json::Value text_or_null(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

/// A rule as Kubernetes shows it: its internal type as JSON.
std::string rule_text(const ValidationRule& rule) {
  json::Value shown = json::object();
  shown.set("Rule", rule.rule);
  shown.set("Message", rule.message);
  shown.set("MessageExpression", rule.message_expression);
  shown.set("Reason", text_or_null(rule.reason));
  shown.set("FieldPath", rule.field_path);
  shown.set("OptionalOldSelf", rule.optional_old_self ? json::Value(*rule.optional_old_self) : json::Value());
  return json::print(shown);
}

constexpr std::uint64_t kExpressionCostLimit = 10'000'000;
constexpr std::uint64_t kSchemaCostLimit = 100'000'000;
constexpr std::size_t kMostExpensive = 4;

std::string over_budget(std::string_view what, std::uint64_t cost, std::uint64_t limit) {
  const double factor = static_cast<double>(cost) / static_cast<double>(limit);
  std::string shown = "more than 100x";
  if (factor < 1.5) {
    shown = fmt::format("{:f}x", factor);
  } else if (factor <= 100.0) {
    shown = fmt::format("{:.1f}x", factor);
  }
  return std::string(what) + " exceeds budget by factor of " + shown +
         " (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, "
         "and "
         "strings are declared)";
}

/// How often a part of `schema` can occur for each time that `schema` does; nothing when there is no bound.
std::optional<std::uint64_t> occurrences_inside(const StructuralSchema& schema) {
  const ValueLimits* limits = schema.details == nullptr ? nullptr : schema.details->limits.get();
  const bool is_map =
      schema.type == SchemaType::kObject && schema.additional_properties != AdditionalProperties::kNone;
  if (!is_map && schema.type != SchemaType::kArray) return 1;
  if (limits == nullptr) return std::nullopt;
  const auto limit = is_map ? limits->max_properties : limits->max_items;
  if (!limit) return std::nullopt;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(*limit, 0));
}

/// What a rule may do at a place in the schema.
struct Scope {
  /// Null where no values can be seen.
  const cel::Schema* node = nullptr;
  /// The nearest part around it whose parts have no counterpart in an old object.
  const FieldPath* uncorrelatable = nullptr;
  /// Whether expressions are checked at all.
  bool compile = true;
  /// How often values can occur in an object; nothing when the schema has no bound.
  std::optional<std::uint64_t> cardinality = 1;
};

class RuleValidation {
 public:
  RuleValidation(const StructuralSchema& schema, const RuleValidationOptions& options)
      : root_(cel::Schema::from_structural(schema, {.resource_root = true})),
        limits_each_(options.limits_each_cost) {
    for (const SchemaPtr& previous : options.previous) remember(*previous);
  }

  [[nodiscard]] const cel::Schema* root() const { return root_.get(); }

  /// As deep as a schema may be. Whether nothing but expressions is wrong, here and below.
  bool validate(const FieldPath& path, const StructuralSchema& schema, const Scope& scope) {
    bool is_fine = validate_children(path, schema, scope);
    const auto& rules = schema.rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
      is_fine &= validate_form(path.child("x-kubernetes-validations").index(i), rules[i], schema);
    }
    if (!is_fine || !scope.compile || rules.empty()) return is_fine;
    if (scope.node == nullptr || !scope.node->is_exposed()) {
      expressions_.push_back(FieldError::internal(path.child("x-kubernetes-validations"),
                                                  "internal error: failed to construct type information for "
                                                  "x-kubernetes-validations rules: unable to "
                                                  "convert structural schema to CEL declarations"));
      return true;
    }
    for (std::size_t i = 0; i < rules.size(); ++i) {
      validate_expressions(path.child("x-kubernetes-validations").index(i), rules[i], schema, scope);
    }
    return true;
  }

  FieldErrors take_errors(const FieldPath& path) {
    append(errors_, std::move(expressions_));
    if (total_cost_ <= kSchemaCostLimit) return std::move(errors_);
    std::ranges::sort(expensive_, [](const Expensive& a, const Expensive& b) {
      return a.cost != b.cost ? a.cost > b.cost : a.order < b.order;
    });
    if (expensive_.size() > kMostExpensive) expensive_.resize(kMostExpensive);
    for (const Expensive& expression : expensive_) {
      errors_.push_back(FieldError::forbidden(
          expression.place,
          "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"));
    }
    errors_.push_back(FieldError::forbidden(
        path, over_budget("x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema",
                          total_cost_, kSchemaCostLimit)));
    return std::move(errors_);
  }

 private:
  struct Expensive {
    std::uint64_t cost;
    std::size_t order;
    FieldPath place;
  };

  void remember(const StructuralSchema& schema) {
    if (!schema.has_rules) return;
    for (const ValidationRule& rule : schema.rules()) {
      stored_rules_.insert(rule.rule);
      if (!rule.message_expression.empty()) stored_messages_.insert(rule.message_expression);
    }
    for (const SchemaProperty& property : schema.properties) remember(*property.schema);
    if (schema.items != nullptr) remember(*schema.items);
    if (schema.additional() != nullptr) remember(*schema.additional());
  }

  bool validate_children(const FieldPath& path, const StructuralSchema& schema, const Scope& scope) {
    bool is_fine = true;
    Scope inner = scope;
    if (const auto inside = occurrences_inside(schema); !inside || !scope.cardinality) {
      inner.cardinality = std::nullopt;
    } else {
      inner.cardinality = cel::CostRange::multiply(*scope.cardinality, *inside);
    }
    inner.node = nullptr;
    const cel::Schema* elements = scope.node == nullptr ? nullptr : scope.node->elements();
    if (schema.additional() != nullptr) {
      inner.node = elements;
      is_fine &= validate(path.child("additionalProperties"), *schema.additional(), inner);
    }
    for (const SchemaProperty& property : schema.properties) {
      inner.node = scope.node == nullptr ? nullptr : scope.node->find_property(property.key());
      is_fine &= validate(path.child("properties").key(property.key()), *property.schema, inner);
    }
    is_fine &= validate_combination(path, schema);
    if (schema.items != nullptr) {
      inner.node = elements;
      if (schema.list_type != ListType::kMap && inner.uncorrelatable == nullptr) inner.uncorrelatable = &path;
      is_fine &= validate(path.child("items"), *schema.items, inner);
    }
    return is_fine;
  }

  bool validate_combination(const FieldPath& path, const StructuralSchema& schema) {
    if (schema.details == nullptr || schema.details->combination == nullptr) return true;
    const SchemaCombination& combination = *schema.details->combination;
    const Scope form_only = {.compile = false};
    bool is_fine =
        combination.none_of == nullptr || validate(path.child("not"), *combination.none_of, form_only);
    const auto each = [&](std::string_view name, const std::vector<SchemaPtr>& branches) {
      for (std::size_t i = 0; i < branches.size(); ++i) {
        is_fine &= validate(path.child(name).index(i), *branches[i], form_only);
      }
    };
    each("allOf", combination.all_of);
    each("oneOf", combination.one_of);
    each("anyOf", combination.any_of);
    return is_fine;
  }

  bool validate_form(const FieldPath& path, const ValidationRule& rule, const StructuralSchema& schema) {
    const std::size_t before = errors_.size();
    const std::string_view text = cel::go_trim_space(rule.rule);
    const std::string_view message = cel::go_trim_space(rule.message);
    if (text.empty()) {
      errors_.push_back(FieldError::required(path.child("rule"), "rule is not specified"));
    } else if (!rule.message.empty() && message.empty()) {
      invalid(path.child("message"), rule.message, "must be non-empty if specified");
    } else if (has_line_breaks(message)) {
      invalid(path.child("message"), rule.message, "must not contain line breaks");
    } else if (has_line_breaks(text) && message.empty()) {
      errors_.push_back(FieldError::required(path.child("message"),
                                             "message must be specified if rule contains line breaks"));
    }
    if (!rule.message_expression.empty() && cel::go_trim_space(rule.message_expression).empty()) {
      errors_.push_back(FieldError::required(path.child("messageExpression"),
                                             "messageExpression must be non-empty if specified"));
    }
    if (!rule.reason.empty() && std::ranges::find(kReasons, rule.reason) == kReasons.end()) {
      errors_.push_back(FieldError::not_supported(path.child("reason"), rule.reason, kReasons));
    }
    validate_field_path(path.child("fieldPath"), rule.field_path, schema);
    return errors_.size() == before;
  }

  void validate_field_path(const FieldPath& path, const std::string& field_path,
                           const StructuralSchema& schema) {
    if (field_path.empty()) return;
    if (cel::go_trim_space(field_path).empty()) invalid(path, field_path, "must be non-empty if specified");
    if (has_line_breaks(field_path)) invalid(path, field_path, "must not contain line breaks");
    if (!resolve_field_path(field_path, schema)) invalid(path, field_path, "must be a valid path");
  }

  void observe_cost(const FieldPath& path, std::string_view what, std::uint64_t cost) {
    if (limits_each_ && cost > kExpressionCostLimit) {
      expressions_.push_back(FieldError::forbidden(path, over_budget(what, cost, kExpressionCostLimit)));
    }
    total_cost_ = cel::CostRange::add(total_cost_, cost);
    if (cost >= kSchemaCostLimit / 100) expensive_.push_back({cost, expensive_.size(), path});
  }

  void invalid(const FieldPath& path, const std::string& bad, std::string_view detail) {
    errors_.push_back(FieldError::invalid(path, bad, detail));
  }

  void validate_expressions(const FieldPath& path, const ValidationRule& rule, const StructuralSchema& schema,
                            const Scope& scope) {
    const std::shared_ptr<const cel::Schema> node(root_, scope.node);
    const KubeMinors minors = {
        .rule = stored_rules_.contains(rule.rule) ? kStoredExpressions : kNewExpressions,
        .message = stored_messages_.contains(rule.message_expression) ? kStoredExpressions : kNewExpressions};
    const CompiledRule compiled = compile_rule(rule, node, schema, minors);
    if (compiled.rule) {
      const std::uint64_t most =
          static_cast<std::uint64_t>(cel::kMaxRequestBytes / (node->min_serialized_size() + 1));
      observe_cost(
          path.child("rule"), "estimated rule cost",
          cel::CostRange::multiply(compiled.rule->estimated_cost().max, scope.cardinality.value_or(most)));
    }
    if (!compiled.rule_error.empty()) {
      expressions_.push_back(
          FieldError::invalid_text(path.child("rule"), rule_text(rule), compiled.rule_error));
    }
    if (!compiled.message_error.empty()) {
      expressions_.push_back(
          FieldError::invalid_text(path.child("messageExpression"), rule_text(rule), compiled.message_error));
    } else if (compiled.message) {
      observe_cost(path.child("messageExpression"), "estimated messageExpression cost",
                   compiled.message->estimated_cost().max);
    }
    if (compiled.uses_old_self) {
      if (scope.uncorrelatable == nullptr) return;
      expressions_.push_back(
          FieldError::invalid(path.child("rule"), rule.rule,
                              "oldSelf cannot be used on the uncorrelatable portion of the schema within " +
                                  scope.uncorrelatable->to_string()));
    } else if (rule.optional_old_self) {
      expressions_.push_back(FieldError::invalid(path.child("optionalOldSelf"), *rule.optional_old_self,
                                                 "may not be set if oldSelf is not used in rule"));
    }
  }

  std::shared_ptr<const cel::Schema> root_;
  const bool limits_each_;
  std::uint64_t total_cost_ = 0;
  std::vector<Expensive> expensive_;
  std::unordered_set<std::string> stored_rules_;
  std::unordered_set<std::string> stored_messages_;
  FieldErrors errors_;
  FieldErrors expressions_;
};

}  // namespace

FieldErrors validate_rules_of_schema(const FieldPath& path, const StructuralSchema& schema,
                                     const RuleValidationOptions& options) {
  RuleValidation validation(schema, options);
  validation.validate(path, schema, {.node = validation.root(), .compile = options.compile});
  return validation.take_errors(path);
}

}  // namespace klutch::apiserver
