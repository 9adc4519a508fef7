// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

// What is wrong with JSON text in the words of Go's encoding/json, which API servers pass on to people. Pure;
// does not recurse. Private to src/apiserver/endpoints.

namespace klutch::apiserver {

/// "invalid character 'x' looking for beginning of value"; empty if Go finds nothing wrong with the syntax.
std::string go_json_syntax_error(std::string_view text);

}  // namespace klutch::apiserver
