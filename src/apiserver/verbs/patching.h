// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/builtin/facts.h"
#include "apiserver/verbs/verbs.h"
#include "base/result.h"
#include "json/value.h"

namespace klutch::apiserver {

/// `object` with `patch` applied; not for kApply. `message` is null for custom kinds, which have no strategic
/// patch. kBadRequest for what is no patch of that type; carries Kubernetes' 422 for a JSON
/// patch that cannot be applied.
Result<json::Value> patched(json::Value object, PatchType type, const json::Value& patch,
                            const MessageFacts* message);

}  // namespace klutch::apiserver
