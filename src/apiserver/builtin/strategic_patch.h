// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/builtin/facts.h"
#include "base/result.h"
#include "json/value.h"

// Strategic merge patch (application/strategic-merge-patch+json): a merge patch for built-in kinds whose
// lists merge by the key of their items, with directives: $patch (replace, delete),
// $deleteFromPrimitiveList/x, $setElementOrder/x, $retainKeys. As k8s.io/apimachinery/pkg/util/strategicpatch
// does it. Pure functions.

namespace klutch::apiserver {

/// `original` with `patch` applied; `message` describes both. kBadRequest for a directive that makes no
/// sense; kInvalid for an item without its merge key and for lists of mixed elements.
Result<json::Value> apply_strategic_patch(json::Value original, const json::Value& patch,
                                          const MessageFacts& message);

}  // namespace klutch::apiserver
