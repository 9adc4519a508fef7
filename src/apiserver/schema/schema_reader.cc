// SPDX-License-Identifier: Apache-2.0
// From the JSON of an openAPIV3Schema to a StructuralSchema.
#include <algorithm>
#include <array>
#include <initializer_list>

#include "apiserver/schema/structural_schema.h"
#include "base/strings.h"

namespace klutch::apiserver {

class SchemaReader {
 public:
  explicit SchemaReader(SchemaPool& pool) : pool_(pool) {}

  // The functions on the way down keep their frames small, for the depth of a schema is theirs: what they
  // fill in stands on the heap, and what does not recurse is not inlined.
  Result<SchemaPtr> read(const json::Value& json, std::size_t depth) {
    const auto draft = std::make_unique<Draft>();
    if (auto done = check_start(json, depth); !done) return fail(std::move(done).error());
    if (auto done = read_combination(json, *draft, depth); !done) return fail(std::move(done).error());
    if (auto done = read_values(json, *draft); !done) return fail(std::move(done).error());
    if (auto done = read_children(json, *draft, depth); !done) return fail(std::move(done).error());
    return finish(*draft);
  }

 private:
  struct Draft {
    StructuralSchema schema = {};
    SchemaDetails details = {};
    SchemaCombination combination = {};
  };

  [[gnu::noinline]] static Result<> check_start(const json::Value& json, std::size_t depth) {
    if (!json.is_object()) return fail(Code::kInvalid, "a schema must be an object");
    if (depth > kMaxSchemaDepth) {
      return fail(Code::kInvalid,
                  "schemas may be nested at most " + std::to_string(kMaxSchemaDepth) + " levels deep");
    }
    return check_supported(json);
  }

  [[gnu::noinline]] Result<> read_values(const json::Value& json, Draft& draft) {
    TRY(read_words(json, draft.schema, draft.details));
    TRY(read_limits(json, draft.details));
    return read_rules(json, draft.details);
  }

  [[gnu::noinline]] SchemaPtr finish(Draft& draft) {
    SchemaDetails& details = draft.details;
    if (!(draft.combination == SchemaCombination())) {
      details.combination = std::make_unique<const SchemaCombination>(std::move(draft.combination));
    }
    add_summary(draft.schema, details);
    if (has_content(details))
      draft.schema.details = std::make_unique<const SchemaDetails>(std::move(details));
    return pool_.intern(std::move(draft.schema));
  }

  static Result<> check_supported(const json::Value& json) {
    static constexpr std::string_view kUnsupported[] = {
        "id", "$schema", "$ref", "patternProperties", "dependencies", "additionalItems", "definitions"};
    for (const std::string_view key : kUnsupported) {
      const json::Value* value = json.find(key);
      if (value == nullptr || value->is_null()) continue;
      const bool empty = key == "additionalItems" ? false
                         : value->is_string()     ? value->as_string().empty()
                                                  : value->empty();
      const std::string_view name = key == "$schema" ? std::string_view("schema") : key;
      if (!empty) return fail(Code::kInvalid, "OpenAPIV3Schema '" + std::string(name) + "' is not supported");
    }
    return {};
  }

  static tl::unexpected<Error> wrong_type(std::string_view key, std::string_view wanted) {
    return fail(Code::kInvalid,
                "field \"" + std::string(key) + "\" of a schema must be of type " + std::string(wanted));
  }

  /// Null and absent are the same.
  static const json::Value* find(const json::Value& json, std::string_view key) {
    const json::Value* found = json.find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
  }
  static Result<std::string_view> text(const json::Value& json, std::string_view key) {
    const json::Value* found = find(json, key);
    if (found == nullptr) return std::string_view();
    if (!found->is_string()) return wrong_type(key, "string");
    return found->as_string();
  }
  static Result<bool> flag(const json::Value& json, std::string_view key) {
    const json::Value* found = find(json, key);
    if (found == nullptr) return false;
    if (!found->is_bool()) return wrong_type(key, "boolean");
    return found->as_bool();
  }
  static Result<std::optional<double>> number(const json::Value& json, std::string_view key) {
    const json::Value* found = find(json, key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_number()) return wrong_type(key, "number");
    return found->to_double();
  }
  static Result<std::optional<std::int64_t>> integer(const json::Value& json, std::string_view key) {
    const json::Value* found = find(json, key);
    if (found == nullptr) return std::nullopt;
    if (!found->is_int()) return wrong_type(key, "integer");
    return found->as_int();
  }
  static Result<std::span<const json::Value>> elements(const json::Value& json, std::string_view key) {
    const json::Value* found = find(json, key);
    if (found == nullptr) return std::span<const json::Value>();
    if (!found->is_array()) return wrong_type(key, "array");
    return found->elements();
  }
  static Result<std::vector<std::string>> texts(const json::Value& json, std::string_view key) {
    std::vector<std::string> out;
    for (const json::Value& element : TRY(elements(json, key))) {
      if (!element.is_string()) return wrong_type(key, "array of strings");
      out.emplace_back(element.as_string());
    }
    return out;
  }

  [[gnu::noinline]] Result<> read_into(SchemaPtr& place, const json::Value& json, std::size_t depth) {
    auto schema = read(json, depth);
    if (!schema) return fail(std::move(schema).error());
    place = *std::move(schema);
    return {};
  }

  [[gnu::noinline]] Result<> read_list(std::vector<SchemaPtr>& list, const json::Value& json,
                                       std::string_view key, std::size_t depth) {
    const auto schemas = elements(json, key);
    if (!schemas) return fail(schemas.error());
    list.resize(schemas->size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (auto done = read_into(list[i], (*schemas)[i], depth + 1); !done) return done;
    }
    return {};
  }

  [[gnu::noinline]] Result<> read_combination(const json::Value& json, Draft& draft, std::size_t depth) {
    if (const json::Value* none_of = find(json, "not")) {
      if (auto done = read_into(draft.combination.none_of, *none_of, depth + 1); !done) return done;
    }
    if (auto done = read_list(draft.combination.all_of, json, "allOf", depth); !done) return done;
    if (auto done = read_list(draft.combination.any_of, json, "anyOf", depth); !done) return done;
    return read_list(draft.combination.one_of, json, "oneOf", depth);
  }

  static Result<> read_words(const json::Value& json, StructuralSchema& schema, SchemaDetails& details) {
    const std::string_view type = TRY(text(json, "type"));
    schema.type = type.empty() ? SchemaType::kAny : SchemaType::kOther;
    for (int i = static_cast<int>(SchemaType::kObject); i <= static_cast<int>(SchemaType::kBoolean); ++i) {
      if (type == to_string(static_cast<SchemaType>(i))) schema.type = static_cast<SchemaType>(i);
    }
    if (schema.type == SchemaType::kOther) details.other_type = type;
    schema.nullable = TRY(flag(json, "nullable"));
    if (find(json, "x-kubernetes-preserve-unknown-fields") != nullptr) {
      schema.preserve_unknown_fields = TRY(flag(json, "x-kubernetes-preserve-unknown-fields"));
      if (!schema.preserve_unknown_fields) {
        return fail(Code::kInvalid,
                    "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined");
      }
    }
    schema.embedded_resource = TRY(flag(json, "x-kubernetes-embedded-resource"));
    schema.int_or_string = TRY(flag(json, "x-kubernetes-int-or-string"));
    schema.list_type = TRY(word<ListType>(json, "x-kubernetes-list-type", {"atomic", "set", "map"}));
    schema.map_type = TRY(word<MapType>(json, "x-kubernetes-map-type", {"granular", "atomic"}));
    details.list_map_keys = TRY(texts(json, "x-kubernetes-list-map-keys"));
    details.required = TRY(texts(json, "required"));
    if (const json::Value* value = find(json, "default")) details.default_value = *value;
    const auto allowed = TRY(elements(json, "enum"));
    details.allowed.assign(allowed.begin(), allowed.end());
    return {};
  }

  /// The enumerator after kUnset whose word it is, else kOther.
  template <class Enum>
  static Result<Enum> word(const json::Value& json, std::string_view key,
                           std::initializer_list<std::string_view> words) {
    if (find(json, key) == nullptr) return Enum::kUnset;
    const std::string_view value = TRY(text(json, key));
    const auto found = std::find(words.begin(), words.end(), value);
    if (found == words.end()) return Enum::kOther;
    return static_cast<Enum>(found - words.begin() + 1);
  }

  Result<> read_limits(const json::Value& json, SchemaDetails& details) {
    ValueLimits limits;
    limits.maximum = TRY(number(json, "maximum"));
    limits.minimum = TRY(number(json, "minimum"));
    limits.multiple_of = TRY(number(json, "multipleOf"));
    limits.max_length = TRY(integer(json, "maxLength"));
    limits.min_length = TRY(integer(json, "minLength"));
    limits.max_items = TRY(integer(json, "maxItems"));
    limits.min_items = TRY(integer(json, "minItems"));
    limits.max_properties = TRY(integer(json, "maxProperties"));
    limits.min_properties = TRY(integer(json, "minProperties"));
    limits.exclusive_maximum = TRY(flag(json, "exclusiveMaximum"));
    limits.exclusive_minimum = TRY(flag(json, "exclusiveMinimum"));
    limits.unique_items = TRY(flag(json, "uniqueItems"));
    limits.format = TRY(text(json, "format"));
    limits.known_format = find_string_format(limits.format);
    const std::string_view pattern = TRY(text(json, "pattern"));
    if (!pattern.empty()) limits.pattern = pool_.intern_pattern(pattern);
    if (!(limits == ValueLimits())) details.limits = std::make_unique<const ValueLimits>(std::move(limits));
    return {};
  }

  static Result<> read_rules(const json::Value& json, SchemaDetails& details) {
    for (const json::Value& element : TRY(elements(json, "x-kubernetes-validations"))) {
      if (!element.is_object()) return wrong_type("x-kubernetes-validations", "array of objects");
      ValidationRule rule;
      rule.rule = TRY(text(element, "rule"));
      rule.message = TRY(text(element, "message"));
      rule.message_expression = TRY(text(element, "messageExpression"));
      rule.reason = TRY(text(element, "reason"));
      rule.field_path = TRY(text(element, "fieldPath"));
      if (find(element, "optionalOldSelf") != nullptr)
        rule.optional_old_self = TRY(flag(element, "optionalOldSelf"));
      details.rules.push_back(std::move(rule));
    }
    return {};
  }

  [[gnu::noinline]] Result<> read_children(const json::Value& json, Draft& draft, std::size_t depth) {
    if (const json::Value* items = find(json, "items")) {
      if (items->is_array() && !items->empty()) {
        return fail(Code::kInvalid, "OpenAPIV3Schema 'items' must be a schema, but is an array");
      }
      if (items->is_object()) {
        if (auto done = read_into(draft.schema.items, *items, depth + 1); !done) return done;
      }
    }
    if (auto done = add_names(json, draft.schema); !done) return done;
    for (SchemaProperty& property : draft.schema.properties) {
      const json::Value* value = json.find("properties")->find(property.key());
      if (auto done = read_into(property.schema, *value, depth + 1); !done) return done;
    }
    const json::Value* additional = find(json, "additionalProperties");
    if (additional == nullptr) return {};
    if (additional->is_bool()) {
      draft.schema.additional_properties =
          additional->as_bool() ? AdditionalProperties::kTrue : AdditionalProperties::kFalse;
      return {};
    }
    if (!additional->is_object()) return wrong_type("additionalProperties", "boolean or schema");
    draft.schema.additional_properties = AdditionalProperties::kSchema;
    return read_into(draft.details.additional, *additional, depth + 1);
  }

  /// The properties by name, still without their schemas.
  [[gnu::noinline]] static Result<> add_names(const json::Value& json, StructuralSchema& schema) {
    const json::Value* properties = find(json, "properties");
    if (properties == nullptr) return {};
    if (!properties->is_object()) return wrong_type("properties", "object");
    schema.properties.reserve(properties->size());
    for (const auto& [name, value] : properties->members()) schema.properties.push_back({name, nullptr});
    std::sort(schema.properties.begin(), schema.properties.end(),
              [](const SchemaProperty& a, const SchemaProperty& b) { return a.key() < b.key(); });
    return {};
  }

  static void add_summary(StructuralSchema& schema, const SchemaDetails& details) {
    schema.has_defaults = !details.default_value.is_null();
    schema.has_unique_lists = schema.list_type == ListType::kSet || schema.list_type == ListType::kMap;
    schema.has_embedded_resources = schema.embedded_resource;
    schema.has_rules = !details.rules.empty();
    const auto add = [&](const StructuralSchema* child) {
      if (child == nullptr) return;
      schema.has_defaults |= child->has_defaults;
      schema.has_unique_lists |= child->has_unique_lists;
      schema.has_embedded_resources |= child->has_embedded_resources;
      schema.has_rules |= child->has_rules;
    };
    for (const SchemaProperty& property : schema.properties) add(property.schema.get());
    add(schema.items.get());
    add(details.additional.get());
  }

  static bool has_content(const SchemaDetails& details) {
    return !details.default_value.is_null() || details.additional != nullptr || !details.required.empty() ||
           !details.list_map_keys.empty() || !details.allowed.empty() || details.limits != nullptr ||
           details.combination != nullptr || !details.rules.empty() || !details.other_type.empty();
  }

  SchemaPool& pool_;
};

Result<SchemaPtr> parse_schema(const json::Value& openapi_v3_schema, SchemaPool& pool) {
  return SchemaReader(pool).read(openapi_v3_schema, 1);
}

}  // namespace klutch::apiserver
