// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "apiserver/schema/structural_schema.h"
#include "json/value.h"

// Which part of an old object a part of the new one stands for: the member of the same name, or in a list of
// type map the element with the same keys. Kept on the stack while a value is validated (KEP-4008, and
// oldSelf of CEL rules). Private to src/apiserver.

namespace klutch::apiserver {

/// Finds the elements of a list of type map by their keys. Refers to list and schema.
class KeyedElements {
 public:
  KeyedElements(const json::Value& list, const StructuralSchema& schema);
  /// The first element with the same keys as `element`, or null pointer.
  [[nodiscard]] const json::Value* find(const json::Value& element) const;

 private:
  [[nodiscard]] std::optional<std::string> key_of(const json::Value& element) const;

  const StructuralSchema& schema_;
  std::unordered_map<std::string, const json::Value*> elements_ = {};
};

class Correlation {
 public:
  Correlation(const json::Value& value, const json::Value& old, const StructuralSchema& schema,
              Correlation* parent = nullptr)
      : value_(value), old_(old), schema_(schema), parent_(parent) {}

  /// The part at a member or element, or nothing if it has no counterpart. It refers to this one.
  [[nodiscard]] std::optional<Correlation> member(std::string_view key);
  [[nodiscard]] std::optional<Correlation> element(std::size_t index);

  /// Whether nothing changed, as far as the schema knows the value. Decided once.
  [[nodiscard]] bool is_unchanged();

  [[nodiscard]] const json::Value& value() const noexcept { return value_; }
  [[nodiscard]] const json::Value& old() const noexcept { return old_; }

 private:
  enum class Known { kNothing, kSame, kDifferent };

  [[nodiscard]] bool compare();
  [[nodiscard]] bool compare_elements();
  [[nodiscard]] bool compare_members();

  const json::Value& value_;
  const json::Value& old_;
  const StructuralSchema& schema_;
  Correlation* parent_;
  Known known_ = Known::kNothing;
  std::unique_ptr<KeyedElements> keyed_ = {};
};

}  // namespace klutch::apiserver
