// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "apiserver/cel/value.h"
#include "json/value.h"

// What the library needs of JSON behind values, besides Value::from_json(). Internal.

namespace klutch::apiserver::cel {

/// The type Go's decoder gives to `content`, for messages: "int64", "map[string]interface {}".
std::string_view go_type_of(const json::Value& content) noexcept;

/// The member `name` (as in JSON) of an object as its schema sees it; nothing when it is missing, hidden, or
/// null in an object with properties.
std::optional<Value> find_member(const json::Value& object, const Schema* schema, std::string_view name);

}  // namespace klutch::apiserver::cel
