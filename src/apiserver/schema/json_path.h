// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

// JSONPath as kubectl and printer columns know it (k8s.io/client-go/util/jsonpath): fields, indexes and
// slices, unions, filters, wildcards and recursive descent, without `range`. Parsing and finding are bounded
// in depth and in what they find. Immutable after parsing; any thread.
//
//   const JsonPath path = TRY(JsonPath::parse(".status.conditions[?(@.type==\"Ready\")].status"));
//   const JsonPath::Found found = TRY(path.find(object));
//   if (const json::Value* first = found.first()) ...

namespace klutch::apiserver {

class JsonPath {
 public:
  static constexpr std::size_t kMaxLength = 4096;
  /// Values looked at or found on the way; more is kTooLarge.
  static constexpr std::size_t kMaxValues = 100000;

  /// What was found. Refers to the value that was searched, which must outlive it unchanged.
  struct Found {
    /// One group for each part of the path in braces or between them; usually there is one.
    std::vector<std::vector<const json::Value*>> groups = {};
    /// Literals of the path and characters of strings; some of `groups` point here.
    std::deque<json::Value> made = {};

    /// The first value of the first group, or null pointer.
    [[nodiscard]] const json::Value* first() const {
      return groups.empty() || groups.front().empty() ? nullptr : groups.front().front();
    }
  };

  struct Node;
  using NodeList = std::vector<Node>;

  /// `path` as it stands in a CRD, without braces around it. kInvalid says what is wrong with it, in
  /// Kubernetes' words.
  static Result<JsonPath> parse(std::string_view path);

  /// All that the path leads to. A member that is missing is no error; kInvalid for an index out of bounds,
  /// and for values that cannot be indexed or compared.
  [[nodiscard]] Result<Found> find(const json::Value& value) const;

 private:
  explicit JsonPath(std::shared_ptr<const NodeList> nodes) : nodes_(std::move(nodes)) {}
  std::shared_ptr<const NodeList> nodes_;
};

}  // namespace klutch::apiserver
