// SPDX-License-Identifier: Apache-2.0
// Any text as a label selector: refused, or read to a selector whose text gives it back and that matches
// alike. What begins with '{' is read as a LabelSelector object as well.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/api/selector.h"

namespace {

using klutch::kube::LabelSelector;
namespace json = klutch::json;

const std::array<json::Value, 5>& label_sets() {
  static const std::array<json::Value, 5> kSets = {
      json::Value(), json::object({{"a", "b"}}), json::object({{"a", "5"}, {"b", ""}}),
      json::object({{"in", "in"}, {"ex.io/a", "b"}}), json::object({{"a", 7}, {"notin", "-6"}})};
  return kSets;
}

void check_selector(const LabelSelector& selector) {
  const auto text = selector.to_string();
  const auto again = LabelSelector::parse(text);
  CHECK(again.has_value());
  CHECK(*again == selector);
  CHECK(again->to_string() == text);
  CHECK(selector.selects_everything() == text.empty());
  for (const auto& labels : label_sets()) {
    const bool matches = selector.matches_labels(&labels);
    CHECK(matches == again->matches_labels(&labels));
    CHECK(matches || !selector.selects_everything());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto selector = LabelSelector::parse(text)) check_selector(*selector);
  if (!text.starts_with('{')) return 0;
  const auto value = json::parse(text);
  if (!value) return 0;
  const auto selector = LabelSelector::from_json(*value);
  // Its text may be longer than what parse() takes only if the object was.
  if (selector && size < LabelSelector::kMaxBytes / 2) check_selector(*selector);
  return 0;
}
