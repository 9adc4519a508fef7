// SPDX-License-Identifier: Apache-2.0
// Two JSON objects, split at the first record separator (0x1e): one that is there, and one that is applied to
// it, as a Deployment and as an object of an unknown kind; then strategic patch of the first by the second.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "apiserver/builtin/facts.h"
#include "apiserver/builtin/merge_types.h"
#include "apiserver/builtin/strategic_patch.h"
#include "apiserver/ownership/managed_fields.h"
#include "base/check.h"
#include "json/parse.h"
#include "json/print.h"

namespace {

using namespace klutch;
using namespace klutch::apiserver;

const MessageFacts& deployment() {
  return *BuiltinFacts::get().message_of("apps/v1", "Deployment");
}

OwnershipTypes types_of(TypeRef type) {
  return {.type_of = [type](std::string_view) { return type; },
          .reset_fields = [](std::string_view) { return FieldSet(); }};
}

WriteIdentity writer(std::string manager) {
  return {.manager = std::move(manager), .api_version = "apps/v1", .now = Time(std::chrono::hours(1))};
}

/// What was applied is there, and applying it again changes nothing.
void check_apply(json::Value live, const json::Value& config, TypeRef type) {
  const auto types = types_of(type);
  json::Value owned = live;
  track_update(json::Value::empty_object(), owned, writer("first"), types);
  const auto applied = apply_object(owned, config, writer("second"), types, Force::kYes);
  if (!applied) {
    CHECK(applied.error().message().size() < 1024 * 1024);
    return;
  }
  const auto again = apply_object(*applied, config, writer("second"), types, Force::kNo);
  CHECK(again.has_value());
  CHECK(*again == *applied);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = std::min(text.find('\x1e'), text.size());
  const auto live = json::parse(text.substr(0, split), {.max_depth = 64});
  const auto config = json::parse(text.substr(std::min(split + 1, text.size())), {.max_depth = 64});
  if (!live || !config || !live->is_object() || !config->is_object()) return 0;
  static const MergeSchema kUnknown;
  check_apply(*live, *config, BuiltinMergeTypes::get().of(deployment()));
  check_apply(*live, *config, kUnknown.any());
  const auto patched = apply_strategic_patch(*live, *config, deployment());
  if (patched) CHECK(json::parse(json::print(*patched), {.max_bytes = SIZE_MAX}).has_value());
  return 0;
}
