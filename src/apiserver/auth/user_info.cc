// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/user_info.h"

#include <string>
#include <vector>

namespace klutch::apiserver {
namespace {

using json::Value;

Value texts_to_json(const std::vector<std::string>& texts) {
  auto list = Value::empty_array();
  for (const auto& text : texts) list.push_back(text);
  return list;
}

std::vector<std::string> texts_from_json(const Value* list) {
  std::vector<std::string> texts;
  if (list == nullptr || !list->is_array()) return texts;
  for (const auto& item : list->elements()) {
    if (item.is_string()) texts.emplace_back(item.as_string());
  }
  return texts;
}

}  // namespace

Value user_info(const User& user) {
  auto info = Value::empty_object();
  if (!user.name.empty()) info.set("username", user.name);
  if (!user.uid.empty()) info.set("uid", user.uid);
  if (!user.groups.empty()) info.set("groups", texts_to_json(user.groups));
  for (const auto& [key, values] : user.extra) info["extra"].set(key, texts_to_json(values));
  return info;
}

User user_of_review(const Value& spec) {
  User user{.name = std::string(spec.find_string("user").value_or("")),
            .uid = std::string(spec.find_string("uid").value_or("")),
            .groups = texts_from_json(spec.find("groups"))};
  if (const auto* extra = spec.find_object("extra"); extra != nullptr) {
    for (const auto& [key, values] : extra->members()) {
      user.extra[std::string(key)] = texts_from_json(&values);
    }
  }
  return user;
}

}  // namespace klutch::apiserver
