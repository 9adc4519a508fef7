// SPDX-License-Identifier: Apache-2.0
#include "apiserver/ownership/type_walk.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

template <class T>
const T* pointer_to(const std::optional<T>& value) {
  return value ? &*value : nullptr;
}

Result<PathElement> keyed_element(const MergeType::List& list, const json::Value& item) {
  if (item.is_null()) return fail(Code::kInvalid, "associative list with keys may not have a null element");
  if (!item.is_object())
    return fail(Code::kInvalid, "associative list with keys may not have non-map elements");
  auto keys = json::Value::empty_object();
  for (const auto& name : list.keys) {
    if (const auto* value = item.find(name); value != nullptr) {
      keys.set(name, *value);
    } else if (list.element->map) {
      const auto field = list.element->map->fields.find(name);
      if (field != list.element->map->fields.end() && !field->second.default_value.is_null()) {
        keys.set(name, field->second.default_value);
      }
    }
  }
  if (keys.empty()) {
    std::string names;
    for (const auto& name : list.keys) names += (names.empty() ? "" : " ") + quote(name);
    return fail(Code::kInvalid,
                fmt::format("associative list with keys has an element that omits all key fields [{}] "
                            "(and doesn't have default values for any key fields)",
                            names));
  }
  return PathElement::key(std::move(keys));
}

}  // namespace

Forms forms_of(TypeRef type, const json::Value* value) {
  const Forms all{pointer_to(type->map), pointer_to(type->scalar), pointer_to(type->list)};
  if (value == nullptr || value->is_null()) return all;
  if (value->is_object()) return all.map != nullptr ? Forms{.map = all.map} : all;
  if (value->is_array()) return all.list != nullptr ? Forms{.list = all.list} : all;
  return all.scalar != nullptr ? Forms{.scalar = all.scalar} : all;
}

Result<PathElement> element_of(const MergeType::List& list, const json::Value& item) {
  if (list.kind == MergeType::List::Kind::kMap) return keyed_element(list, item);
  if (item.is_object())
    return fail(Code::kInvalid, "associative list without keys has an element that's a map type");
  if (item.is_array()) return fail(Code::kInvalid, "not supported: associative list with lists as elements");
  if (item.is_null()) {
    return fail(Code::kInvalid, "associative list without keys has an element that's an explicit null");
  }
  return PathElement::value(item);
}

void WalkErrors::add(std::string path, std::string text) {
  errors_.push_back({std::move(path), std::move(text)});
}

void WalkErrors::append(WalkErrors other, const std::string& prefix) {
  for (auto& entry : other.errors_) errors_.push_back({prefix + entry.path, std::move(entry.text)});
}

Error WalkErrors::to_error() const {
  const auto line = [](const Entry& entry) {
    return entry.path.empty() ? entry.text : entry.path + ": " + entry.text;
  };
  if (errors_.size() == 1) return {Code::kInvalid, line(errors_.front())};
  std::string text = "errors:";
  for (const auto& entry : errors_) text += "\n  " + line(entry);
  return {Code::kInvalid, std::move(text)};
}

std::optional<std::string> scalar_error(MergeType::Scalar scalar, const json::Value* value) {
  if (value == nullptr || value->is_null()) return std::nullopt;
  const auto unexpected = [&](std::string_view wanted) {
    return fmt::format("expected {}, got {}", wanted, json::kind_name(value->kind()));
  };
  switch (scalar) {
    case MergeType::Scalar::kNumeric:
      if (!value->is_number()) return unexpected("numeric (int or float)");
      break;
    case MergeType::Scalar::kString:
      if (!value->is_string()) return unexpected("string");
      break;
    case MergeType::Scalar::kBoolean:
      if (!value->is_bool()) return unexpected("boolean");
      break;
    case MergeType::Scalar::kAny:
      if (value->is_object() || value->is_array()) return unexpected("any scalar");
      break;
  }
  return std::nullopt;
}

}  // namespace klutch::apiserver
