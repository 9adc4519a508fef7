// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/fields.h"

namespace klutch::apiserver {

const json::Value& value_at(const json::Value& object, Path path) {
  static const json::Value null;
  const json::Value* at = &object;
  for (const auto name : path) {
    at = at->find(name);
    if (at == nullptr) return null;
  }
  return *at;
}

std::string_view text_at(const json::Value& object, Path path) {
  const auto& value = value_at(object, path);
  return value.is_string() ? value.as_string() : std::string_view();
}

std::int64_t number_at(const json::Value& object, Path path) {
  const auto& value = value_at(object, path);
  return value.is_int() ? value.as_int() : 0;
}

bool truth_at(const json::Value& object, Path path) {
  const auto& value = value_at(object, path);
  return value.is_bool() && value.as_bool();
}

bool has_at(const json::Value& object, Path path) {
  return !value_at(object, path).is_null();
}

std::span<const json::Value> list_at(const json::Value& object, Path path) {
  const auto& value = value_at(object, path);
  return value.is_array() ? value.elements() : std::span<const json::Value>();
}

std::span<const json::Member> map_at(const json::Value& object, Path path) {
  const auto& value = value_at(object, path);
  return value.is_object() ? value.members() : std::span<const json::Member>();
}

void set_missing(json::Value& object, std::string_view name, json::Value value) {
  auto& member = object[name];
  if (member.is_null()) member = std::move(value);
}

void set_empty(json::Value& object, std::string_view name, std::string_view text) {
  auto& member = object[name];
  if (member.is_null() || (member.is_string() && member.as_string().empty())) member = text;
}

json::Value& object_in(json::Value& object, std::string_view name) {
  auto& member = object[name];
  if (!member.is_object()) member = json::Value::empty_object();
  return member;
}

void copy_field(const json::Value& from, json::Value& object, std::string_view name) {
  if (const auto* value = from.find(name)) {
    object.set(name, *value);
  } else if (object.is_object()) {
    object.erase(name);
  }
}

}  // namespace klutch::apiserver
