// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What OpenAPI documents say of the parts of built-in kinds: the texts of descriptions.txt, which is part of
// the program. Immutable; any thread. Private to this library.

namespace klutch::apiserver {

/// Of a message ("core.v1.Secret"); empty if there is no text.
std::string_view describe_message(std::string_view message);
/// Of a field; empty if there is no text.
std::string_view describe_field(std::string_view message, std::string_view field);

/// All, sorted by name, for tests.
const std::vector<std::pair<std::string_view, std::string_view>>& all_descriptions();

}  // namespace klutch::apiserver
