// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "json/value.h"

// How Kubernetes prints the parts of a definition in error texts: as JSON of its internal structs, with all
// fields in Go's names. Pure functions. Private to this library.

namespace klutch::apiserver {

/// An openAPIV3Schema (null: there is none).
std::string internal_schema_text(const json::Value* schema);
/// What `items` is: a schema, or a list of them.
std::string internal_items_text(const json::Value& items);
/// An entry of x-kubernetes-validations.
std::string internal_rule_text(const json::Value& rule);

/// The name in Go of the first field that `schema` has and `allowed` does not name, in the order of the
/// struct.
std::optional<std::string_view> first_field_but(const json::Value& schema,
                                                std::span<const std::string_view> allowed);

/// Appends `"Name":` of a struct's member, with a comma if it is not the first.
void append_key(std::string& out, std::string_view name);
/// Text in JSON as Go writes it.
std::string go_json_text(std::string_view text);
/// The value below `key` as Go writes it, `absent` if there is none.
std::string go_json_at(const json::Value& object, std::string_view key, std::string_view absent);

}  // namespace klutch::apiserver
