// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

// Sets of fields of an object, as managedFields records them (KEP-555, FieldsV1): which paths a manager owns.
// A path leads through field names, items of list maps found by their keys, and items of sets found by their
// value. Plain values; sorted, so that printing and the set operations are linear.

namespace klutch::apiserver {

/// One step of a path.
class PathElement {
 public:
  enum class Kind : std::uint8_t { kField, kKey, kValue, kIndex };

  static PathElement field(std::string_view name);
  /// `keys`: an object of scalars; its members are put into order.
  static PathElement key(json::Value keys);
  static PathElement value(json::Value scalar);
  static PathElement index(std::int64_t index);
  /// From FieldsV1: "f:name", "k:{...}", "v:...", "i:0". kInvalid for anything else.
  static Result<PathElement> parse(std::string_view text);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// The name of a kField.
  [[nodiscard]] std::string_view name() const noexcept {
    return content_.is_string() ? content_.as_string() : "";
  }
  /// As parse() reads it.
  [[nodiscard]] std::string to_field_key() const;
  /// For messages: ".name", "[name=\"a\",port=80]", "[=\"x\"]", "[0]".
  [[nodiscard]] std::string to_string() const;

  std::strong_ordering operator<=>(const PathElement& other) const;
  bool operator==(const PathElement& other) const { return (*this <=> other) == 0; }

 private:
  PathElement(Kind kind, json::Value content) : kind_(kind), content_(std::move(content)) {}
  Kind kind_;
  json::Value content_;
};

/// From the root of the object.
using OwnedPath = std::vector<PathElement>;
/// ".spec.ports[name=\"a\"].port"
std::string to_string(const OwnedPath& path);

class FieldSet {
 public:
  /// Deeper sets are kInvalid.
  static constexpr int kMaxDepth = 128;
  struct Entry;

  FieldSet();
  FieldSet(const FieldSet&);
  FieldSet(FieldSet&&) noexcept;
  FieldSet& operator=(const FieldSet&);
  FieldSet& operator=(FieldSet&&) noexcept;
  ~FieldSet();

  /// From fieldsV1 ({"f:spec": {".": {}, "f:replicas": {}}}). kInvalid naming the entry that is wrong.
  static Result<FieldSet> from_json(const json::Value& fields);
  [[nodiscard]] json::Value to_json() const;

  void insert(const OwnedPath& path);
  [[nodiscard]] bool has(const OwnedPath& path) const;
  [[nodiscard]] bool has_member(const PathElement& element) const;
  /// What is below `element`, null if nothing is.
  [[nodiscard]] const FieldSet* below(const PathElement& element) const;
  [[nodiscard]] bool empty() const noexcept;
  /// Paths in it.
  [[nodiscard]] std::size_t size() const noexcept;
  /// Every path: those that end at a level before those that lead on, each in order.
  void for_each(const std::function<void(const OwnedPath&)>& visit) const;
  /// Without paths that others in the set go through.
  [[nodiscard]] FieldSet leaves() const;

  [[nodiscard]] FieldSet operator|(const FieldSet& other) const;
  [[nodiscard]] FieldSet operator&(const FieldSet& other) const;
  /// The paths that `other` does not have.
  [[nodiscard]] FieldSet operator-(const FieldSet& other) const;
  /// The same without all that is below the paths of `other`.
  [[nodiscard]] FieldSet without_subtrees(const FieldSet& other) const;
  bool operator==(const FieldSet& other) const;

  /// For walks along a schema; sorted by element.
  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::vector<Entry>& entries() noexcept { return entries_; }

 private:
  [[nodiscard]] const Entry* find(const PathElement& element) const;
  Entry& at(const PathElement& element);
  std::vector<Entry> entries_;
};

/// A path element that is in the set itself (`member`), or leads to paths that are.
struct FieldSet::Entry {
  PathElement element;
  bool member = false;
  FieldSet below = {};
};

}  // namespace klutch::apiserver
