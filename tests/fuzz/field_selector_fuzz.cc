// SPDX-License-Identifier: Apache-2.0
// Any text as a field selector: refused, or read to a selector whose text gives it back and that matches
// alike.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/build.h"
#include "kube/api/selector.h"

namespace {

using klutch::kube::FieldSelector;

const klutch::json::Value& sample() {
  static const auto kObject = klutch::json::object(
      {{"a", "b"}, {"metadata", klutch::json::object({{"name", "x,y=z\\"}, {"generation", 3}})}});
  return kObject;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto selector = FieldSelector::parse(text);
  if (!selector) return 0;
  const auto again = FieldSelector::parse(selector->to_string());
  CHECK(again.has_value());
  CHECK(*again == *selector);
  CHECK(again->to_string() == selector->to_string());
  CHECK(again->matches(sample()) == selector->matches(sample()));
  for (const auto& requirement : selector->requirements()) {
    CHECK(!requirement.equal || selector->required_value(requirement.field).has_value());
  }
  return 0;
}
