// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/merge_types.h"

#include <string>

#include "apiserver/builtin/facts.h"
#include "apiserver/builtin/merge_types.h"

namespace klutch::apiserver {
namespace {

using Scalar = MergeType::Scalar;

Scalar scalar_of_schema(const StructuralSchema& schema) {
  switch (schema.type) {
    case SchemaType::kInteger:
    case SchemaType::kNumber: return Scalar::kNumeric;
    case SchemaType::kBoolean: return Scalar::kBoolean;
    case SchemaType::kString: break;
    default: return Scalar::kAny;
  }
  const auto* limits = schema.details == nullptr ? nullptr : schema.details->limits.get();
  const bool plain = limits == nullptr || limits->format.empty() || limits->format == "byte";
  return plain ? Scalar::kString : Scalar::kAny;
}

}  // namespace

TypeRef CustomMergeTypes::add_root(const StructuralSchema* schema, bool preserve_unknown_fields) {
  if (schema == nullptr) return schema_.any();
  MergeType& type = schema_.add();
  type.map = map_of(*schema, preserve_unknown_fields || schema->preserve_unknown_fields);
  add_object_fields(*type.map);
  return &type;
}

void CustomMergeTypes::add_object_fields(MergeType::Map& map) {
  const TypeRef text = schema_.scalar(Scalar::kString);
  const TypeRef metadata =
      BuiltinMergeTypes::get().of(*BuiltinFacts::get().find_message("meta.v1.ObjectMeta"));
  map.fields.insert_or_assign("apiVersion", MergeType::Field{text, {}});
  map.fields.insert_or_assign("kind", MergeType::Field{text, {}});
  map.fields.insert_or_assign("metadata", MergeType::Field{metadata, {}});
}

TypeRef CustomMergeTypes::type_of(const StructuralSchema& schema, bool preserve) {
  preserve = preserve || schema.preserve_unknown_fields;
  const auto key = std::pair(&schema, preserve);
  if (const auto found = known_.find(key); found != known_.end()) return found->second;
  MergeType type;
  switch (schema.type) {
    case SchemaType::kObject: type.map = map_of(schema, preserve); break;
    case SchemaType::kArray: type.list = list_of(schema, preserve); break;
    case SchemaType::kAny:
      type.map = map_of(schema, preserve);
      type.list = list_of(schema, preserve);
      type.scalar = Scalar::kAny;
      break;
    default: type.scalar = scalar_of_schema(schema); break;
  }
  if (schema.embedded_resource && type.map) add_object_fields(*type.map);
  MergeType& added = schema_.add();
  added = std::move(type);
  known_.emplace(key, &added);
  return &added;
}

MergeType::Map CustomMergeTypes::map_of(const StructuralSchema& schema, bool preserve) {
  MergeType::Map map{.atomic = schema.map_type == MapType::kAtomic};
  for (const SchemaProperty& property : schema.properties) {
    MergeType::Field field{type_of(*property.schema, preserve), {}};
    if (const auto* value = property.schema->default_value()) field.default_value = *value;
    map.fields.insert_or_assign(std::string(property.key()), std::move(field));
  }
  switch (schema.additional_properties) {
    case AdditionalProperties::kNone:
      if (preserve || schema.properties.empty()) map.element = schema_.any();
      break;
    case AdditionalProperties::kFalse: break;
    case AdditionalProperties::kTrue: map.element = schema_.any(); break;
    case AdditionalProperties::kSchema: map.element = type_of(*schema.additional(), preserve); break;
  }
  return map;
}

MergeType::List CustomMergeTypes::list_of(const StructuralSchema& schema, bool preserve) {
  MergeType::List list;
  list.element = schema.items == nullptr ? schema_.any() : type_of(*schema.items, preserve);
  if (schema.list_type == ListType::kSet) list.kind = MergeType::List::Kind::kSet;
  if (schema.list_type == ListType::kMap) {
    list.kind = MergeType::List::Kind::kMap;
    list.keys = schema.list_map_keys();
  }
  return list;
}

}  // namespace klutch::apiserver
