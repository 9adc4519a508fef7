// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "apiserver/schema/json_path.h"

// The parts of a parsed JSONPath. Private to src/apiserver/schema.

namespace klutch::apiserver {

struct JsonPath::Node {
  enum class Kind {
    kList,    ///< one list: what stands in braces
    kText,    ///< `value`, a literal of any type
    kField,   ///< `text`
    kArray,   ///< `bounds`
    kUnion,   ///< lists
    kFilter,  ///< a list, and unless it is about existence `text` (the operator) and another list
    kWildcard,
    kRecursive,
    kIdentifier,  ///< `text`
  };
  struct Bound {
    std::int64_t value = 0;
    bool known = false;
    bool derived = false;  ///< the end of a single index
  };

  Kind kind = Kind::kList;
  std::string text = {};
  json::Value value = {};
  std::array<Bound, 3> bounds = {};
  std::vector<NodeList> lists = {};
};

/// Reads a template: text, with paths in braces.
Result<JsonPath::NodeList> parse_json_path_template(std::string_view text, int depth);

}  // namespace klutch::apiserver
