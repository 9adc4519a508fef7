// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

// Private to kube/client: reading fields of JSON that people wrote, with errors that name the place. Null and
// missing are the same, as in Go. Pure functions; errors are kInvalid.

namespace klutch::kube {

/// What a field may hold besides null.
enum class FieldForm { kText, kFlag, kTexts, kObject, kObjects, kTextLists };

struct FieldRule {
  std::string_view name;
  FieldForm form;
};

/// Checks the members of `object` that `rules` name; `where` begins the error. Other members may be anything.
Result<> check_fields(const json::Value& object, std::span<const FieldRule> rules, const std::string& where);

/// The content of a field that was checked; empty when there is none.
std::string text_field(const json::Value& object, std::string_view name);
bool flag_field(const json::Value& object, std::string_view name);
std::vector<std::string> texts_field(const json::Value& object, std::string_view name);

/// The decoded content of a checked Base64 field. White space in it is ignored, as line breaks are in Go.
Result<std::string> base64_field(const json::Value& object, std::string_view name, const std::string& where);

/// Sets the member, or removes it when `value` is empty, false or null.
void set_or_remove(json::Value& object, std::string_view name, json::Value value);

}  // namespace klutch::kube
