// SPDX-License-Identifier: Apache-2.0
// A JSONPath and a JSON text, split at the first record separator (0x1e). What is found lies inside the value
// or is a literal, and there is a bound to it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apiserver/schema/json_path.h"
#include "base/check.h"
#include "json/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace klutch;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\x1e');
  if (split == std::string_view::npos) return 0;
  const auto path = apiserver::JsonPath::parse(text.substr(0, split));
  const auto value = json::parse(text.substr(split + 1));
  if (!path || !value) return 0;
  const auto found = path->find(*value);
  if (!found) return 0;
  for (const auto& group : found->groups) {
    for (const json::Value* each : group)
      CHECK(each != nullptr && each->heap_bytes() <= value->heap_bytes() + size);
  }
  return 0;
}
