// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/defaulting.h"

namespace klutch::apiserver {
namespace {

bool is_replaceable(const json::Value& value, const StructuralSchema* schema) {
  return value.is_null() && schema != nullptr && !schema->nullable && schema->default_value() != nullptr;
}

void add_missing(json::Value& object, const StructuralSchema& schema) {
  for (const SchemaProperty& property : schema.properties) {
    const json::Value* value = property.schema->default_value();
    if (value != nullptr && !object.contains(property.key())) object.set(property.key(), *value);
  }
}

}  // namespace

void apply_defaults(json::Value& value, const StructuralSchema* schema) {
  if (schema == nullptr || !schema->has_defaults) return;
  const auto descend = [](json::Value& child, const StructuralSchema* specified) {
    if (is_replaceable(child, specified)) child = *specified->default_value();
    apply_defaults(child, specified);
  };
  if (value.is_array()) {
    for (json::Value& element : value.elements()) descend(element, schema->items.get());
  }
  if (!value.is_object()) return;
  add_missing(value, *schema);
  for (auto& [key, member] : value.members()) descend(member, schema->find_member(key));
}

}  // namespace klutch::apiserver
