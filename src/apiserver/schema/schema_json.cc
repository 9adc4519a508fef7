// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/schema_json.h"

#include <algorithm>
#include <array>

namespace klutch::apiserver {
namespace {

enum class Zero {
  kText,       // ""
  kFlag,       // false
  kList,       // []; made element by element, so that empty is nothing
  kTakenList,  // taken over as it is: even empty it is something
  kPointer,    // only null is nothing
};

struct KnownField {
  std::string_view name;
  Zero zero;
};

// `items`, `properties` and `additionalProperties` have rules of their own. What is not listed, such as
// `example`, is no part of the structural form.
constexpr KnownField kFields[] = {
    {"type", Zero::kText},
    {"description", Zero::kText},
    {"title", Zero::kText},
    {"format", Zero::kText},
    {"pattern", Zero::kText},
    {"nullable", Zero::kFlag},
    {"exclusiveMaximum", Zero::kFlag},
    {"exclusiveMinimum", Zero::kFlag},
    {"uniqueItems", Zero::kFlag},
    {"x-kubernetes-embedded-resource", Zero::kFlag},
    {"x-kubernetes-int-or-string", Zero::kFlag},
    {"x-kubernetes-preserve-unknown-fields", Zero::kFlag},
    {"enum", Zero::kList},
    {"allOf", Zero::kList},
    {"anyOf", Zero::kList},
    {"oneOf", Zero::kList},
    {"required", Zero::kTakenList},
    {"x-kubernetes-list-map-keys", Zero::kTakenList},
    {"x-kubernetes-validations", Zero::kTakenList},
    {"default", Zero::kPointer},
    {"maximum", Zero::kPointer},
    {"minimum", Zero::kPointer},
    {"multipleOf", Zero::kPointer},
    {"maxLength", Zero::kPointer},
    {"minLength", Zero::kPointer},
    {"maxItems", Zero::kPointer},
    {"minItems", Zero::kPointer},
    {"maxProperties", Zero::kPointer},
    {"minProperties", Zero::kPointer},
    {"not", Zero::kPointer},
    {"x-kubernetes-list-type", Zero::kPointer},
    {"x-kubernetes-map-type", Zero::kPointer},
};

bool is_zero(const json::Value& value, Zero zero) {
  switch (zero) {
    case Zero::kText: return !value.is_string() || value.as_string().empty();
    case Zero::kFlag: return !value.is_bool() || !value.as_bool();
    case Zero::kList: return value.empty();
    default: return false;
  }
}

bool is_blank_member(std::string_view key, const json::Value& value, bool nested) {
  if (value.is_null()) return true;
  if (key == "items") return !value.is_object();
  if (key == "properties") return !nested && value.empty();
  if (key == "additionalProperties") return nested && value.is_bool() && !value.as_bool();
  for (const KnownField& field : kFields) {
    if (field.name == key) return is_zero(value, field.zero);
  }
  return true;
}

}  // namespace

std::vector<SchemaJson::Entry> SchemaJson::sorted_members(std::string_view key) const {
  std::vector<Entry> entries;
  const json::Value* object = value_->find_object(key);
  if (object == nullptr) return entries;
  entries.reserve(object->size());
  for (const auto& [name, member] : object->members()) entries.emplace_back(name, &member);
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.first < b.first; });
  return entries;
}

bool is_blank_schema(const json::Value& schema, std::span<const std::string_view> ignored, bool nested) {
  return std::all_of(schema.members().begin(), schema.members().end(), [&](const json::Member& member) {
    return std::find(ignored.begin(), ignored.end(), member.key()) != ignored.end() ||
           is_blank_member(member.key(), member.value(), nested);
  });
}

bool is_int_or_string_any_of(std::span<const json::Value> any_of) {
  static constexpr std::array<std::string_view, 1> kType = {"type"};
  const auto is_only = [](const json::Value& schema, std::string_view type) {
    return schema.find_string("type") == type && is_blank_schema(schema, kType, true);
  };
  return any_of.size() == 2 && is_only(any_of[0], "integer") && is_only(any_of[1], "string");
}

}  // namespace klutch::apiserver
