// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "apiserver/cel/ast.h"

// Macros: has(), all(), exists(), map() and their kin, which the parser replaces by comprehensions and tests.
// Internal.

namespace klutch::apiserver::cel {

struct MacroExpansion {
  enum class Outcome : std::uint8_t { kNoMacro, kExpanded, kFailed } outcome = Outcome::kNoMacro;
  NodeId node = kNoNode;
  std::string message = {};             ///< kFailed.
  std::int32_t position = kNoPosition;  ///< kFailed: what the message is about.
};

/// Which macros there are depends on the version of Kubernetes.
struct MacroOptions {
  bool sort_by = true;  ///< sortBy(), since 1.34.
};

/// Expands the call of `function` if it is a macro. `children` are the target, for a method, and the
/// arguments; `position` is that of the call.
MacroExpansion expand_macro(Ast& ast, const MacroOptions& options, std::int32_t position,
                            std::string_view function, bool is_method, std::span<const NodeId> children);

}  // namespace klutch::apiserver::cel
