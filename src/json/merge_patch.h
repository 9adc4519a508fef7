// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"
#include "json/value.h"

// JSON Merge Patch (RFC 7386): a patch looks like the document, null removes a member, arrays are replaced
// whole. Stateless and thread-safe; does not recurse; linear in the size of both sides.

namespace klutch::json {

/// Changes `target` as `patch` says (RFC 7386 §2). Every value is a valid patch. The result is never deeper
/// than both.
void apply_merge_patch(Value& target, const Value& patch);

/// The smallest patch that turns `from` into `to`; an empty object when they are equal objects. kUnsupported,
/// naming the path, when it would have to set a member to null, which a merge patch cannot say.
Result<Value> make_merge_patch(const Value& from, const Value& to);

}  // namespace klutch::json
