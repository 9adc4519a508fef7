// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// The order in which Kubernetes' YAML tools print the keys of a mapping, so that our text is the same as
// theirs. Internal to src/json; stateless and thread-safe.

namespace klutch::json::detail {

/// Character by character: everything that is no letter before letters, letters by code point, runs of digits
/// by their value ("a2" before "a10"), a prefix before what continues it.
bool yaml_key_less(std::string_view a, std::string_view b);

}  // namespace klutch::json::detail
