// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/merge_types.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

using Scalar = MergeType::Scalar;

Scalar scalar_of(FieldFacts::Type type) {
  switch (type) {
    case FieldFacts::Type::kString:
    case FieldFacts::Type::kBytes: return Scalar::kString;
    case FieldFacts::Type::kBool: return Scalar::kBoolean;
    case FieldFacts::Type::kInt32:
    case FieldFacts::Type::kInt64:
    case FieldFacts::Type::kDouble: return Scalar::kNumeric;
    case FieldFacts::Type::kMessage: break;
  }
  return Scalar::kAny;
}

/// What the field has when it is missing, which matters for keys of list maps: Go knows no missing texts and
/// numbers.
json::Value default_of(const FieldFacts& field) {
  if (!field.default_value.empty()) {
    auto value = json::parse(field.default_value);
    CHECK(value.has_value());
    return *std::move(value);
  }
  if (!field.required || !field.keeps_zero) return {};
  switch (scalar_of(field.type)) {
    case Scalar::kString: return "";
    case Scalar::kNumeric: return 0;
    case Scalar::kBoolean: return false;
    case Scalar::kAny: break;
  }
  return {};
}

/// A special message as what it is in JSON.
void define_special(MergeType& type, const MergeSchema& schema, std::string_view name) {
  const bool is_json = name == "meta.v1.FieldsV1" || name == "runtime.RawExtension";
  if (is_json) {
    type.map = MergeType::Map{.element = schema.any()};
  } else if (name.ends_with(".ExtraValue") || name == "meta.v1.Verbs") {
    type.list = MergeType::List{.element = schema.scalar(Scalar::kString)};
  } else if (name == "meta.v1.Duration") {
    type.scalar = Scalar::kString;
  } else if (name.starts_with("apiextensions.v1.")) {
    type = *schema.any();
  } else {
    type.scalar = Scalar::kAny;
  }
}

}  // namespace

const BuiltinMergeTypes& BuiltinMergeTypes::get() {
  static const BuiltinMergeTypes types;
  return types;
}

BuiltinMergeTypes::BuiltinMergeTypes() {
  std::vector<std::pair<MergeType*, const MessageFacts*>> open;
  for (const auto& message : BuiltinFacts::get().messages())
    open.emplace_back(&declare(*message), message.get());
  for (const auto& [type, message] : open) define(*type, *message);
  const TypeRef text = schema_.scalar(Scalar::kString);
  for (const auto& resource : BuiltinFacts::get().resources()) {
    auto& fields = types_.at(resource.message)->map->fields;
    fields.try_emplace("apiVersion", MergeType::Field{text, {}});
    fields.try_emplace("kind", MergeType::Field{text, {}});
  }
}

MergeType& BuiltinMergeTypes::declare(const MessageFacts& message) {
  auto& type = schema_.add();
  types_.emplace(&message, &type);
  return type;
}

void BuiltinMergeTypes::define(MergeType& type, const MessageFacts& message) {
  if (message.special) {
    define_special(type, schema_, message.name);
    return;
  }
  type.map = MergeType::Map{.atomic = message.atomic_map};
  add_fields(*type.map, message);
}

void BuiltinMergeTypes::add_fields(MergeType::Map& map, const MessageFacts& message) {
  for (const auto& field : message.fields) {
    if (field.inlined) {
      add_fields(map, *field.message);
    } else {
      map.fields.insert_or_assign(std::string(field.name),
                                  MergeType::Field{type_of(field), default_of(field)});
    }
  }
}

TypeRef BuiltinMergeTypes::element_of(const FieldFacts& field) {
  return field.message != nullptr ? types_.at(field.message) : schema_.scalar(scalar_of(field.type));
}

TypeRef BuiltinMergeTypes::type_of(const FieldFacts& field) {
  const TypeRef element = element_of(field);
  if (field.shape == FieldFacts::Shape::kMap) {
    auto& map = schema_.add();
    map.map = MergeType::Map{.atomic = field.atomic_map, .element = element};
    return &map;
  }
  if (field.shape == FieldFacts::Shape::kSingle) {
    if (!field.atomic_map || element->map == std::nullopt) return element;
    auto& whole = schema_.add();
    whole = *element;
    whole.map->atomic = true;
    return &whole;
  }
  auto& list = schema_.add();
  list.list = MergeType::List{.element = element};
  switch (field.list_type) {
    case FieldFacts::ListType::kAtomic: break;
    case FieldFacts::ListType::kSet: list.list->kind = MergeType::List::Kind::kSet; break;
    case FieldFacts::ListType::kMap: {
      list.list->kind = MergeType::List::Kind::kMap;
      for (const auto key : field.list_keys) list.list->keys.emplace_back(key);
      break;
    }
  }
  return &list;
}

TypeRef BuiltinMergeTypes::of(const MessageFacts& message) const {
  const auto found = types_.find(&message);
  CHECK(found != types_.end());
  return found->second;
}

}  // namespace klutch::apiserver
