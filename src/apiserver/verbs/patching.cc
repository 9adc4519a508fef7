// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/patching.h"

#include <fmt/format.h>

#include "apiserver/builtin/strategic_patch.h"
#include "apiserver/verbs/api_errors.h"
#include "json/merge_patch.h"
#include "json/patch.h"

namespace klutch::apiserver {
namespace {

/// Bytes that `copy` operations may add, as kube-apiserver.
constexpr std::size_t kMaxCopiedBytes = std::size_t{3} * 1024 * 1024;

/// As Go's decoder says it.
Error unfit_patch(const json::Value& patch, std::string_view go_type, std::string_view prefix = {}) {
  const std::string_view kind = patch.is_object() ? "object"
                                : patch.is_bool() ? "bool"
                                                  : kind_name(patch.kind());
  return bad_request(
      fmt::format("{}json: cannot unmarshal {} into Go value of type {}", prefix, kind, go_type));
}

Result<json::Value> json_patched(json::Value object, const json::Value& patch) {
  if (!patch.is_array()) return fail(unfit_patch(patch, "[]handlers.jsonPatchOp", "error decoding patch: "));
  const auto applied = json::apply_patch(object, patch, {.max_copied_bytes = kMaxCopiedBytes});
  if (applied) return object;
  switch (applied.error().code()) {
    case Code::kTooLarge: return fail(applied.error());
    default: return fail(unprocessable());
  }
}

}  // namespace

Result<json::Value> patched(json::Value object, PatchType type, const json::Value& patch,
                            const MessageFacts* message) {
  if (type == PatchType::kJson) return json_patched(std::move(object), patch);
  if (!patch.is_object()) return fail(unfit_patch(patch, "map[string]interface {}"));
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
