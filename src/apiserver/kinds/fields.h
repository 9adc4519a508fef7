// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "json/value.h"

// Looks into objects whose types have been checked. What is missing reads as empty. Private to this library.

namespace klutch::apiserver {

using Path = std::initializer_list<std::string_view>;

/// Null if anything on the way is missing.
const json::Value& value_at(const json::Value& object, Path path);
std::string_view text_at(const json::Value& object, Path path);
std::int64_t number_at(const json::Value& object, Path path);
bool truth_at(const json::Value& object, Path path);
/// Whether there is something other than null.
bool has_at(const json::Value& object, Path path);
/// Elements of a list, none if it is missing.
std::span<const json::Value> list_at(const json::Value& object, Path path);
/// Members of a map, none if it is missing.
std::span<const json::Member> map_at(const json::Value& object, Path path);

/// Sets a member that is missing or null.
void set_missing(json::Value& object, std::string_view name, json::Value value);
/// Sets a text that is missing or empty.
void set_empty(json::Value& object, std::string_view name, std::string_view text);
/// The member, made an empty object when missing.
json::Value& object_in(json::Value& object, std::string_view name);
/// Removes the member from `object` or copies it from `from`.
void copy_field(const json::Value& from, json::Value& object, std::string_view name);

}  // namespace klutch::apiserver
