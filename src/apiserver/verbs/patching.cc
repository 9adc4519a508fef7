// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/patching.h"

#include "apiserver/builtin/strategic_patch.h"
#include "apiserver/verbs/api_errors.h"
#include "json/merge_patch.h"
#include "json/patch.h"

namespace klutch::apiserver {
namespace {

/// Bytes that `copy` operations may add, as kube-apiserver.
constexpr std::size_t kMaxCopiedBytes = std::size_t{3} * 1024 * 1024;

Result<json::Value> json_patched(json::Value object, const json::Value& patch) {
  const auto applied = json::apply_patch(object, patch, {.max_copied_bytes = kMaxCopiedBytes});
  if (applied) return object;
  switch (applied.error().code()) {
    case Code::kBadRequest: return fail(bad_request(applied.error().message()));
    case Code::kTooLarge: return fail(applied.error());
    default: return fail(unprocessable());
  }
}

}  // namespace

Result<json::Value> patched(json::Value object, PatchType type, const json::Value& patch,
                            const MessageFacts* message) {
  if (type == PatchType::kJson) return json_patched(std::move(object), patch);
  if (!patch.is_object()) return fail(bad_request("the patch is no object"));
  if (type == PatchType::kMerge) {
    json::apply_merge_patch(object, patch);
    return object;
  }
  if (message == nullptr) {
    return fail(Code::kUnsupported, "strategic merge patches are for built-in kinds alone");
  }
  return apply_strategic_patch(std::move(object), patch, *message);
}

}  // namespace klutch::apiserver
