// SPDX-License-Identifier: Apache-2.0
#include "apiserver/ownership/type_walk.h"

#include <fmt/format.h>

#include <map>
#include <utility>

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

namespace {

enum class GoVerb { kPlain, kSyntax };  // %v and %#v

void append_go(std::string& out, const json::Value& value, GoVerb verb) {
  const bool plain = verb == GoVerb::kPlain;
  const auto separate = [&](bool& first) {
    if (!std::exchange(first, false)) out += plain ? " " : ", ";
  };
  bool first = true;
  switch (value.kind()) {
    case json::Kind::kNull: out += plain ? "<nil>" : "interface {}(nil)"; return;
    case json::Kind::kString:
      plain ? void(out += value.as_string()) : json::print_string_to(out, value.as_string());
      return;
    case json::Kind::kArray:
      out += plain ? "[" : "[]interface {}{";
      for (const json::Value& element : value.elements()) {
        separate(first);
        append_go(out, element, verb);
      }
      out += plain ? ']' : '}';
      return;
    case json::Kind::kObject: {
      std::map<std::string_view, const json::Value*> sorted;
      for (const auto& [key, member] : value.members()) sorted.emplace(key, &member);
      out += plain ? "map[" : "map[string]interface {}{";
      for (const auto& [key, member] : sorted) {
        separate(first);
        plain ? void(out += key) : json::print_string_to(out, key);
        out += ':';
        append_go(out, *member, verb);
      }
      out += plain ? ']' : '}';
      return;
    }
    default: json::print_to(out, value); return;
  }
}

std::string_view go_type(const json::Value& value) {
  if (value.is_string()) return "string";
  if (value.is_bool()) return "bool";
  return value.is_object() ? "map[string]interface {}" : "[]interface {}";
}

}  // namespace

std::string unexpected_value(std::string_view wanted, const json::Value& value) {
  std::string text = fmt::format("expected {}, got &{{", wanted);
  append_go(text, value, GoVerb::kPlain);
  return text + '}';
}

std::optional<std::string> scalar_error(MergeType::Scalar scalar, const json::Value* value) {
  if (value == nullptr || value->is_null()) return std::nullopt;
  switch (scalar) {
    case MergeType::Scalar::kNumeric:
      if (!value->is_number()) return fmt::format("expected numeric (int or float), got {}", go_type(*value));
      break;
    case MergeType::Scalar::kString:
      if (!value->is_string()) {
        std::string text = "expected string, got &value.valueUnstructured{Value:";
        append_go(text, *value, GoVerb::kSyntax);
        return text + '}';
      }
      break;
    case MergeType::Scalar::kBoolean:
      if (!value->is_bool()) return unexpected_value("boolean", *value);
      break;
    case MergeType::Scalar::kAny:
      if (value->is_object() || value->is_array()) return unexpected_value("any scalar", *value);
      break;
  }
  return std::nullopt;
}

}  // namespace klutch::apiserver
