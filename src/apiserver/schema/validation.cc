// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/validation.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "apiserver/schema/correlation.h"
#include "apiserver/schema/findings.h"
#include "apiserver/schema/go_text.h"
#include "apiserver/schema/scalar_checks.h"
#include "apiserver/schema/value_path.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

/// What came of checking a value. `matches` counts checks as Kubernetes' validator counts them; of several
/// alternatives that fail, the one with most is reported.
struct Outcome {
  bool valid = true;
  int matches = 0;

  void merge(const Outcome& other) {
    valid = valid && other.valid;
    matches += other.matches;
  }
};

class ValueValidator {
 public:
  ValueValidator(const FieldPath& root, ValidationPurpose purpose) : root_(root), purpose_(purpose) {}

  FieldErrors run(const json::Value& value, const StructuralSchema& schema, Correlation* correlation) {
    validate(value, schema, {}, correlation);
    return std::move(findings_).take();
  }

 private:
  using Path = ValuePath;

  Outcome validate(const json::Value& value, const StructuralSchema& schema, const Path& path,
                   Correlation* correlation) {
    const std::ptrdiff_t before = findings_.size();
    Outcome outcome = check(value, schema, path, correlation);
    if (!outcome.valid && correlation != nullptr && correlation->is_unchanged()) {
      findings_.truncate(before);
      outcome.valid = true;
    }
    return outcome;
  }

  Outcome check(const json::Value& value, const StructuralSchema& schema, const Path& path,
                Correlation* correlation) {
    Outcome outcome;
    const SchemaDetails* details = schema.details.get();
    const ValueLimits* limits = details == nullptr ? nullptr : details->limits.get();
    if (value.is_null()) {
      if (has_type(schema) && !schema.nullable) {
        outcome.valid = report_type(path, joined_types(schema), "null");
      } else {
        outcome.matches = 1;
      }
      outcome.valid = check_allowed(value, details, path) && outcome.valid;
      return outcome;
    }
    if (has_type(schema) || !format_of(limits).empty()) {
      const bool fits = check_type(value, schema, limits, path);
      outcome.merge({fits, fits ? 2 : 1});
    }
    if (details != nullptr && details->combination != nullptr) {
      outcome.merge(check_combination(value, *details->combination, path));
    }
    outcome.matches += 2;
    if (value.is_string()) outcome.merge(check_string(value, limits, path));
    if (value.is_number()) outcome.merge(check_number(value, limits, path));
    if (value.is_array()) outcome.merge(check_array(value, schema, path, correlation));
    outcome.merge({check_allowed(value, details, path), 1});
    if (value.is_object()) outcome.merge(check_object(value, schema, path, correlation));
    outcome.matches += 1;
    return outcome;
  }

  // ------------------------------------------------------------------------------------------------ errors

  FieldPath field_of(const std::string& name) const {
    if (name.empty() || name == ".") return root_;
    return root_.child(std::string_view(name).substr(name.starts_with('.') ? 1 : 0));
  }

  /// Always false: that it is not valid.
  bool report(FieldError error, std::string message) {
    findings_.add({std::move(error), std::move(message)});
    return false;
  }
  bool report_invalid(const Path& path, const json::Value& bad, const std::string& rest) {
    const std::string name = path.to_string();
    std::string message = name + " in body " + rest;
    FieldError error = FieldError::invalid(field_of(name), bad, message);
    return report(std::move(error), std::move(message));
  }
  bool report_type(const Path& path, std::string_view wanted, std::string_view found) {
    const std::string name = path.to_string();
    std::string message = name + " in body must be of type " + std::string(wanted) + ": " + go_quote(found);
    FieldError error = FieldError::type_invalid(field_of(name), found, message);
    return report(std::move(error), std::move(message));
  }
  bool report_combination(const Path& path, std::string_view rest) {
    std::string message = go_quote(path.to_string()).append(rest);
    FieldError error = FieldError::invalid(root_, "", message);
    return report(std::move(error), std::move(message));
  }

  // ------------------------------------------------------------------------------------------------- types

  [[nodiscard]] bool takes_int_or_string(const StructuralSchema& schema) const {
    return schema.int_or_string && purpose_ == ValidationPurpose::kObject;
  }
  [[nodiscard]] bool has_type(const StructuralSchema& schema) const {
    return schema.type != SchemaType::kAny || takes_int_or_string(schema);
  }
  [[nodiscard]] bool takes(const StructuralSchema& schema, SchemaType type) const {
    if (takes_int_or_string(schema)) return type == SchemaType::kInteger || type == SchemaType::kString;
    return schema.type == type;
  }
  [[nodiscard]] std::string_view joined_types(const StructuralSchema& schema) const {
    return takes_int_or_string(schema) ? "integer,string" : schema.type_name();
  }
  /// The format that counts, "" for one that Kubernetes leaves out of account.
  [[nodiscard]] std::string_view format_of(const ValueLimits* limits) const {
    if (limits == nullptr) return {};
    const bool counts = purpose_ == ValidationPurpose::kDefault || is_enforced(limits->known_format);
    return counts ? std::string_view(limits->format) : std::string_view();
  }

  bool check_type(const json::Value& value, const StructuralSchema& schema, const ValueLimits* limits,
                  const Path& path) {
    const ValueType found = type_of(value);
    const std::string_view format = format_of(limits);
    const bool takes_numbers = takes(schema, SchemaType::kNumber) || takes(schema, SchemaType::kInteger);
    const bool fits = takes(schema, found.type) ||
                      (found.type == SchemaType::kInteger && takes(schema, SchemaType::kNumber)) ||
                      (found.type == SchemaType::kNumber && takes(schema, SchemaType::kInteger) &&
                       is_whole(value.to_double()));
    if (!format.empty()) {
      const bool text_or_list = value.is_string() || value.is_array();
      if (!text_or_list && !fits && found.format != format) return report_type(path, format, found.format);
      if (text_or_list && !takes_numbers) return true;
    }
    return fits || report_type(path, joined_types(schema), to_string(found.type));
  }

  bool check_allowed(const json::Value& value, const SchemaDetails* details, const Path& path) {
    if (details == nullptr || details->allowed.empty()) return true;
    for (const json::Value& allowed : details->allowed) {
      if (is_allowed_as(value, allowed)) return true;
    }
    std::vector<std::string> supported;
    for (const json::Value& allowed : details->allowed) {
      supported.push_back(allowed.is_string() ? std::string(allowed.as_string()) : go_json(allowed));
    }
    const std::string name = path.to_string();
    return report(FieldError::not_supported(field_of(name), value, supported),
                  name + " in body should be one of [" + join(supported, " ") + "]");
  }

  // --------------------------------------------------------------------------------------- strings, numbers

  Outcome check_string(const json::Value& value, const ValueLimits* limits, const Path& path) {
    Outcome outcome{true, 1};
    if (limits == nullptr) return outcome;
    outcome.valid = check_text(value, *limits, path);
    if (format_of(limits).empty() || limits->known_format == StringFormat::kNone) return outcome;
    outcome.matches += 1;
    if (matches(limits->known_format, value.as_string())) return outcome;
    outcome.valid = report_type(path, limits->format, value.as_string());
    return outcome;
  }

  /// The first bound that does not hold is reported.
  bool check_text(const json::Value& value, const ValueLimits& limits, const Path& path) {
    const std::string_view text = value.as_string();
    if (limits.max_length && count_code_points(text) > *limits.max_length) {
      const std::string name = path.to_string();
      return report(
          FieldError::too_long(field_of(name), *limits.max_length),
          name + " in body should be at most " + std::to_string(*limits.max_length) + " chars long");
    }
    if (limits.min_length && count_code_points(text) < *limits.min_length) {
      return report_invalid(path, value,
                            "should be at least " + std::to_string(*limits.min_length) + " chars long");
    }
    if (limits.pattern != nullptr && !limits.pattern->matches(text)) {
      const auto error = limits.pattern->error();
      const std::string note = error ? ", but pattern is invalid: " + *error : "";
      return report_invalid(path, value, "should match '" + limits.pattern->text() + note + "'");
    }
    return true;
  }

  Outcome check_number(const json::Value& value, const ValueLimits* limits, const Path& path) {
    Outcome outcome{true, 2};
    if (limits == nullptr) return outcome;
    const bool multiple = !limits->multiple_of || check_multiple(value, *limits->multiple_of, path);
    const bool minimum =
        !limits->minimum || check_bound(value, *limits->minimum, limits->exclusive_minimum, false, path);
    const bool maximum =
        !limits->maximum || check_bound(value, *limits->maximum, limits->exclusive_maximum, true, path);
    outcome.valid = multiple && minimum && maximum;
    return outcome;
  }

  /// An integer is compared with the bound's integer part, as Kubernetes does.
  bool check_bound(const json::Value& value, double bound, bool exclusive, bool upper, const Path& path) {
    bool beyond = false;
    bool equal = false;
    std::string shown;
    if (value.is_int()) {
      const std::int64_t limit = go_int64(bound);
      beyond = upper ? value.as_int() > limit : value.as_int() < limit;
      equal = value.as_int() == limit;
      shown = std::to_string(limit);
    } else {
      const double number = value.to_double();
      beyond = upper ? number > bound : number < bound;
      equal = number == bound;
      shown = go_number(bound);
    }
    if (!beyond && !(exclusive && equal)) return true;
    const std::string words = upper ? "less than " : "greater than ";
    return report_invalid(path, value, "should be " + words + (exclusive ? "" : "or equal to ") + shown);
  }

  bool check_multiple(const json::Value& value, double factor, const Path& path) {
    const json::Value used = value.is_int() ? json::Value(go_int64(factor)) : json::Value(factor);
    if (used.to_double() <= 0) {
      const std::string name = path.to_string();
      std::string message = "factor MultipleOf declared for " + name + " must be positive: " + go_value(used);
      FieldError error = FieldError::invalid(field_of(name), used, message);
      return report(std::move(error), std::move(message));
    }
    const double number = value.to_double();
    const bool holds = value.is_int() ? value.as_int() % used.as_int() == 0
                                      : is_whole(factor < 1 ? 1 / factor * number : number / factor);
    return holds || report_invalid(path, value, "should be a multiple of " + go_value(used));
  }

  // -------------------------------------------------------------------------------------- arrays, objects

  Outcome check_array(const json::Value& value, const StructuralSchema& schema, const Path& path,
                      Correlation* correlation) {
    Outcome outcome{true, 2};
    for (std::size_t i = 0; schema.items != nullptr && i < value.size(); ++i) {
      auto part = correlation == nullptr ? std::nullopt : correlation->element(i);
      const Path below{&path, Path::Step::kIndex, {}, i};
      outcome.merge(validate(value.at(i), *schema.items, below, part ? &*part : nullptr));
    }
    const ValueLimits* limits = schema.details == nullptr ? nullptr : schema.details->limits.get();
    if (limits != nullptr) outcome.valid = check_length(value, *limits, path) && outcome.valid;
    return outcome;
  }

  bool check_length(const json::Value& value, const ValueLimits& limits, const Path& path) {
    const auto size = static_cast<std::int64_t>(value.size());
    bool valid = true;
    if (limits.min_items && size < *limits.min_items) {
      valid =
          report_invalid(path, size, "should have at least " + std::to_string(*limits.min_items) + " items");
    }
    if (limits.max_items && size > *limits.max_items) {
      valid = report_too_many(path, size, *limits.max_items, " items");
    }
    if (limits.unique_items && has_duplicates(value))
      valid = report_invalid(path, "", "shouldn't contain duplicates");
    return valid;
  }

  bool report_too_many(const Path& path, std::int64_t count, std::int64_t limit, std::string_view what) {
    const std::string name = path.to_string();
    return report(FieldError::too_many(field_of(name), count, limit),
                  name + " in body should have at most " + std::to_string(limit) + std::string(what));
  }

  static bool has_duplicates(const json::Value& array) {
    std::unordered_set<std::string> seen;
    return std::any_of(array.elements().begin(), array.elements().end(), [&](const json::Value& element) {
      return !seen.insert(go_json(element) + (is_go_float(element) ? "f" : "")).second;
    });
  }

  Outcome check_object(const json::Value& value, const StructuralSchema& schema, const Path& path,
                       Correlation* correlation) {
    Outcome outcome{true, 1};
    const SchemaDetails* details = schema.details.get();
    if (details != nullptr && details->limits != nullptr) {
      outcome.valid = check_size(value, *details->limits, path);
    }
    if (schema.additional_properties == AdditionalProperties::kFalse) {
      outcome.valid = check_no_others(value, schema, path) && outcome.valid;
    } else if (schema.additional() != nullptr) {
      outcome.merge(check_others(value, schema, path, correlation));
    }
    for (const SchemaProperty& property : schema.properties) {
      const json::Value* member = value.find(property.key());
      if (member == nullptr) continue;
      const Path below{&path, Path::Step::kProperty, property.key(), 0};
      outcome.merge(validate_member(*member, *property.schema, below, correlation));
    }
    if (details == nullptr) return outcome;
    for (const std::string& name : details->required) {
      if (value.contains(name)) continue;
      const std::string missing = path.to_string() + "." + name;
      outcome.valid = report(FieldError::required(field_of(missing)), missing + " in body is required");
    }
    return outcome;
  }

  Outcome validate_member(const json::Value& value, const StructuralSchema& schema, const Path& path,
                          Correlation* correlation) {
    // Of the root, apiVersion and kind are never the same: both objects were converted to one version.
    const bool type_meta =
        path.parent->parent == nullptr && (path.name == "apiVersion" || path.name == "kind");
    auto part = correlation == nullptr || type_meta ? std::nullopt : correlation->member(path.name);
    return validate(value, schema, path, part ? &*part : nullptr);
  }

  bool check_size(const json::Value& value, const ValueLimits& limits, const Path& path) {
    const auto size = static_cast<std::int64_t>(value.size());
    bool valid = true;
    if (limits.min_properties && size < *limits.min_properties) {
      valid = report_invalid(
          path, size, "should have at least " + std::to_string(*limits.min_properties) + " properties");
    }
    if (limits.max_properties && size > *limits.max_properties) {
      valid = report_too_many(path, size, *limits.max_properties, " properties");
    }
    return valid;
  }

  /// The names of the members that are no properties, sorted.
  static std::vector<std::string_view> other_members(const json::Value& value,
                                                     const StructuralSchema& schema) {
    std::vector<std::string_view> names;
    for (const auto& [key, member] : value.members()) {
      if (schema.find_property(key) == nullptr) names.push_back(key);
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  bool check_no_others(const json::Value& value, const StructuralSchema& schema, const Path& path) {
    bool valid = true;
    for (const std::string_view key : other_members(value, schema)) {
      const std::string name = path.to_string();
      std::string message = name + "." + std::string(key) + " in body is a forbidden property";
      FieldError error = FieldError::invalid(field_of(name), key, message);
      valid = report(std::move(error), std::move(message));
    }
    return valid;
  }

  Outcome check_others(const json::Value& value, const StructuralSchema& schema, const Path& path,
                       Correlation* correlation) {
    Outcome outcome;
    for (const std::string_view key : other_members(value, schema)) {
      const Path below{&path, Path::Step::kMember, key, 0};
      outcome.merge(validate_member(*value.find(key), *schema.additional(), below, correlation));
    }
    return outcome;
  }

  // ---------------------------------------------------------------------------------------- combinations

  struct Alternative {
    Outcome outcome = {};
    std::vector<Finding> findings = {};
  };

  Alternative try_alternative(const json::Value& value, const StructuralSchema& schema, const Path& path) {
    const std::ptrdiff_t outer = findings_.begin_apart();
    Alternative tried;
    tried.outcome = validate(value, schema, path, nullptr);
    tried.findings = findings_.end_apart(outer);
    return tried;
  }

  /// Takes over the counts and errors of an alternative.
  void adopt(Outcome& outcome, Alternative chosen) {
    outcome.merge(chosen.outcome);
    findings_.add_all(std::move(chosen.findings));
  }

  Outcome check_combination(const json::Value& value, const SchemaCombination& combination,
                            const Path& path) {
    Outcome outcome;
    if (!combination.any_of.empty()) check_any_of(outcome, value, combination.any_of, path);
    if (!combination.one_of.empty()) check_one_of(outcome, value, combination.one_of, path);
    std::size_t fits = 0;
    for (const SchemaPtr& schema : combination.all_of) {
      Alternative tried = try_alternative(value, *schema, path);
      fits += tried.outcome.valid ? 1 : 0;
      adopt(outcome, std::move(tried));
    }
    if (fits != combination.all_of.size()) {
      outcome.valid = report_combination(path, std::string(" must validate all the schemas (allOf)") +
                                                   (fits == 0 ? ". None validated" : ""));
    }
    if (combination.none_of != nullptr && try_alternative(value, *combination.none_of, path).outcome.valid) {
      outcome.valid = report_combination(path, " must not validate the schema (not)");
    }
    return outcome;
  }

  void check_any_of(Outcome& outcome, const json::Value& value, const std::vector<SchemaPtr>& schemas,
                    const Path& path) {
    std::optional<Alternative> best;
    for (const SchemaPtr& schema : schemas) {
      Alternative tried = try_alternative(value, *schema, path);
      if (tried.outcome.valid) {
        adopt(outcome, std::move(tried));
        return;
      }
      if (!best || tried.outcome.matches > best->outcome.matches) best = std::move(tried);
    }
    outcome.valid = report_combination(path, " must validate at least one schema (anyOf)");
    adopt(outcome, *std::move(best));
  }

  void check_one_of(Outcome& outcome, const json::Value& value, const std::vector<SchemaPtr>& schemas,
                    const Path& path) {
    std::optional<Alternative> best;
    std::optional<Alternative> first;
    int fits = 0;
    for (const SchemaPtr& schema : schemas) {
      Alternative tried = try_alternative(value, *schema, path);
      if (tried.outcome.valid) {
        ++fits;
        best.reset();
        if (!first) first = std::move(tried);
      } else if (fits == 0 && (!best || tried.outcome.matches > best->outcome.matches)) {
        best = std::move(tried);
      }
    }
    if (fits == 1) {
      adopt(outcome, *std::move(first));
      return;
    }
    const std::string found =
        fits == 0 ? "Found none valid" : "Found " + std::to_string(fits) + " valid alternatives";
    outcome.valid = report_combination(path, " must validate one and only one schema (oneOf). " + found);
    if (best) adopt(outcome, *std::move(best));
  }

  FieldPath root_;
  ValidationPurpose purpose_;
  Findings findings_ = {};
};

}  // namespace

FieldErrors validate_value(const FieldPath& root, const json::Value& value, const StructuralSchema& schema,
                           ValidationPurpose purpose) {
  return ValueValidator(root, purpose).run(value, schema, nullptr);
}

FieldErrors validate_value_update(const FieldPath& root, const json::Value& value, const json::Value& old,
                                  const StructuralSchema& schema) {
  Correlation correlation(value, old, schema);
  return ValueValidator(root, ValidationPurpose::kObject).run(value, schema, &correlation);
}

}  // namespace klutch::apiserver
