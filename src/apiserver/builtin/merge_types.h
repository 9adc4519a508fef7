// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <unordered_map>

#include "apiserver/builtin/facts.h"
#include "apiserver/ownership/merge_type.h"

// The built-in types as server-side apply sees them: which fields, items and values have owners of their own.
// Made from the facts once. Immutable; any thread.

namespace klutch::apiserver {

class BuiltinMergeTypes {
 public:
  /// Made when first called.
  static const BuiltinMergeTypes& get();

  /// `message` must come from BuiltinFacts (CHECK).
  [[nodiscard]] TypeRef of(const MessageFacts& message) const;

 private:
  BuiltinMergeTypes();
  /// Makes the type, empty at first, since types may be recursive.
  MergeType& declare(const MessageFacts& message);
  void define(MergeType& type, const MessageFacts& message);
  void add_fields(MergeType::Map& map, const MessageFacts& message);
  TypeRef type_of(const FieldFacts& field);
  TypeRef element_of(const FieldFacts& field);

  MergeSchema schema_;
  std::unordered_map<const MessageFacts*, MergeType*> types_;
};

}  // namespace klutch::apiserver
