// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "json/value.h"

// Reading JSON as Go reads it into structs: what is absent or of another type is empty. Results refer to the
// value. Private to this library.

namespace klutch::apiserver {

inline std::string text_at(const json::Value& object, std::string_view key) {
  return std::string(object.find_string(key).value_or(""));
}
inline bool flag_at(const json::Value& object, std::string_view key) {
  return object.find_bool(key).value_or(false);
}
inline std::span<const json::Value> list_at(const json::Value& object, std::string_view key) {
  const json::Value* found = object.find_array(key);
  return found == nullptr ? std::span<const json::Value>() : found->elements();
}
inline const json::Value& object_at(const json::Value& object, std::string_view key) {
  static const json::Value kNone = json::Value::empty_object();
  const json::Value* found = object.find_object(key);
  return found == nullptr ? kNone : *found;
}

/// The condition of that type in status.conditions; null: there is none.
inline const json::Value* find_condition(const json::Value& object, std::string_view type) {
  for (const json::Value& condition : list_at(object_at(object, "status"), "conditions")) {
    if (condition.find_string("type") == type) return &condition;
  }
  return nullptr;
}
inline bool is_condition_true(const json::Value& object, std::string_view type) {
  const json::Value* condition = find_condition(object, type);
  return condition != nullptr && condition->find_string("status") == "True";
}

}  // namespace klutch::apiserver
