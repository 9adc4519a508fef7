// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

// The way from the root of a value to one of its parts, kept on the stack and written out only for an error.
// Private to src/apiserver/schema.

namespace klutch::apiserver {

struct ValuePath {
  enum class Step { kProperty, kMember, kIndex };

  const ValuePath* parent = nullptr;  ///< null: this is the root
  Step step = Step::kProperty;
  std::string_view name = {};
  std::size_t index = 0;

  /// As Kubernetes' validator writes it: "spec.ports[0]"; a member outside `properties` of the root keeps its
  /// dot: ".name".
  [[nodiscard]] std::string to_string() const {
    if (parent == nullptr) return {};
    std::string text = parent->to_string();
    if (step == Step::kIndex) return text + "[" + std::to_string(index) + "]";
    if (step == Step::kMember || !text.empty()) text += '.';
    return text.append(name);
  }
};

}  // namespace klutch::apiserver
