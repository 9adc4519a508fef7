// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/cel/checker.h"
#include "apiserver/cel/value.h"
#include "apiserver/schema/pattern.h"
#include "base/result.h"

// What parts of an expression always are, as far as cel-go finds it out before anything is evaluated.
// Internal.

namespace klutch::apiserver::cel {

struct Constants {
  std::vector<std::optional<Value>> values;  ///< By node.
  /// Calls of matches(), find() and findAll() with a constant pattern.
  std::unordered_map<NodeId, std::shared_ptr<const Pattern>> patterns;
};

/// kInvalid with cel-go's text when something always fails in a way that it finds out, as int("x").
Result<Constants> find_constants(const CheckedAst& checked);

/// a[b], a[?b] and a.?b.
bool is_index_function(std::string_view name) noexcept;

}  // namespace klutch::apiserver::cel
