// SPDX-License-Identifier: Apache-2.0
#include "apiserver/ownership/merge_type.h"

namespace klutch::apiserver {

MergeSchema::MergeSchema() {
  auto& any = types_.emplace_back();
  // What is inside a list of unknown type has no owner of its own.
  auto& whole = types_.emplace_back();
  whole.scalar = MergeType::Scalar::kAny;
  whole.map = MergeType::Map{.atomic = true, .element = &whole};
  whole.list = MergeType::List{.element = &whole};
  any.scalar = MergeType::Scalar::kAny;
  any.map = MergeType::Map{.element = &any};
  any.list = MergeType::List{.element = &whole};
  for (const auto kind : {MergeType::Scalar::kString, MergeType::Scalar::kNumeric,
                          MergeType::Scalar::kBoolean, MergeType::Scalar::kAny}) {
    types_.emplace_back().scalar = kind;
  }
}

MergeType& MergeSchema::add() {
  return types_.emplace_back();
}

TypeRef MergeSchema::scalar(MergeType::Scalar kind) const noexcept {
  return &types_[2 + static_cast<std::size_t>(kind)];
}

}  // namespace klutch::apiserver
