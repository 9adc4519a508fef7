// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

// Label and field selectors as kubectl and the API server read them. Immutable values; an empty selector
// selects everything. Errors are kInvalid and say where in the text parsing stopped.

namespace klutch::kube {

/// "a=b,c in (d,e),!f,g>5" (apimachinery, pkg/labels).
class LabelSelector {
 public:
  enum class Operator { kEquals, kNotEquals, kIn, kNotIn, kExists, kDoesNotExist, kGreaterThan, kLessThan };
  struct Requirement {
    std::string key = {};
    Operator op = Operator::kExists;
    std::vector<std::string> values = {};  ///< sorted, without duplicates
    auto operator<=>(const Requirement&) const = default;
  };

  /// Texts beyond this are kTooLarge.
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  LabelSelector() = default;
  static Result<LabelSelector> parse(std::string_view text);
  /// From a LabelSelector object (meta/v1): matchLabels and matchExpressions. Null and {} select everything.
  /// kInvalid naming the field.
  static Result<LabelSelector> from_json(const json::Value& selector);
  /// All of `labels`, an object of strings; values that are no strings are left out.
  static LabelSelector from_labels(const json::Value& labels);
  static LabelSelector exactly(std::string_view key, std::string_view value);
  /// Selects no object at all, here and on a server that is sent its text.
  static LabelSelector nothing();

  /// Whether an object with these labels (an object of strings; null or missing: none) is selected. A missing
  /// label satisfies `!=`, `notin` and `!key`.
  [[nodiscard]] bool matches_labels(const json::Value* labels) const noexcept;
  /// matches_labels() of metadata.labels.
  [[nodiscard]] bool matches(const json::Value& object) const noexcept;

  [[nodiscard]] bool selects_everything() const noexcept { return requirements_.empty(); }
  /// Sorted by key.
  [[nodiscard]] const std::vector<Requirement>& requirements() const noexcept { return requirements_; }
  /// Canonical: equal selectors give equal texts, and parse() reads it back.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const LabelSelector&) const = default;

 private:
  std::vector<Requirement> requirements_;
};

/// "metadata.name=a,status.phase!=Running" (apimachinery, pkg/fields). '\\' escapes ',', '=' and itself.
class FieldSelector {
 public:
  struct Requirement {
    std::string field = {};
    bool equal = true;
    std::string value = {};
    auto operator<=>(const Requirement&) const = default;
  };

  static constexpr std::size_t kMaxBytes = 64 * 1024;

  FieldSelector() = default;
  static Result<FieldSelector> parse(std::string_view text);
  static FieldSelector exactly(std::string_view field, std::string_view value);

  /// `value_of` gives a field's value, empty if there is none.
  [[nodiscard]] bool matches(const std::function<std::string(std::string_view field)>& value_of) const;
  /// Reads the fields as paths into `object`: "metadata.name"; scalars count as their text, all else as
  /// empty.
  [[nodiscard]] bool matches(const json::Value& object) const;

  [[nodiscard]] bool selects_everything() const noexcept { return requirements_.empty(); }
  [[nodiscard]] const std::vector<Requirement>& requirements() const noexcept { return requirements_; }
  /// The value that `field` must have, if there is such a requirement.
  [[nodiscard]] std::optional<std::string_view> required_value(std::string_view field) const noexcept;
  /// Canonical, as for labels.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const FieldSelector&) const = default;

 private:
  std::vector<Requirement> requirements_;
};

}  // namespace klutch::kube
