// SPDX-License-Identifier: Apache-2.0
// Two JSON texts, split at the first record separator (0x1e, which JSON cannot hold): a document and a patch
// for it. Patches apply whole or not at all; merge patches and differences lead where they should.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/diff.h"
#include "json/merge_patch.h"
#include "json/parse.h"
#include "json/patch.h"
#include "json/print.h"

namespace {

using namespace klutch;

json::PatchLimits fuzz_limits() {
  json::PatchLimits limits;
  limits.max_copied_bytes = std::size_t{1} << 20;
  return limits;
}

void check_patch(const json::Value& document, const json::Value& patch) {
  json::Value changed = document;
  const auto done = json::apply_patch(changed, patch, fuzz_limits());
  if (done) {
    CHECK(json::parse(json::print(changed), {.max_bytes = SIZE_MAX}).has_value());
  } else {
    CHECK(json::print(changed) == json::print(document));
    CHECK(done.error().message().size() < 4096);
  }
}

void check_merge_patch(const json::Value& document, const json::Value& patch) {
  json::Value changed = document;
  json::apply_merge_patch(changed, patch);
  json::Value twice = changed;
  json::apply_merge_patch(twice, patch);
  CHECK(twice == changed);

  const auto made = json::make_merge_patch(document, patch);
  if (!made) {
    CHECK(is(made.error(), Code::kUnsupported));
    return;
  }
  json::Value again = document;
  json::apply_merge_patch(again, *made);
  CHECK(again == patch);
}

void check_diff(const json::Value& from, const json::Value& to, std::size_t max_matching) {
  const json::Value patch = json::diff(from, to, {.max_operations = 1000, .max_matching = max_matching});
  CHECK(patch.empty() == (from == to));
  json::Value changed = from;
  CHECK(json::apply_patch(changed, patch).has_value());
  CHECK(changed == to);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = std::min(text.find('\x1e'), text.size());
  const auto document = json::parse(text.substr(0, split));
  const auto patch = json::parse(text.substr(std::min(split + 1, text.size())));
  if (!document || !patch) return 0;
  check_patch(*document, *patch);
  check_merge_patch(*document, *patch);
  check_diff(*document, *patch, 1 << 12);
  check_diff(*patch, *document, 0);
  return 0;
}
