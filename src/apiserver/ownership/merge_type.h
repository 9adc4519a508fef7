// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

// What merging and ownership have to know about a type: which parts of it have owners of their own (KEP-555).
// Made from the schema of a CRD or from the tables of a built-in type. Immutable after construction; types
// may be recursive.

namespace klutch::apiserver {

struct MergeType;
/// Points into a MergeSchema, which must outlive it.
using TypeRef = const MergeType*;

/// A type may be several of these at once: then the value decides.
struct MergeType {
  enum class Scalar { kString, kNumeric, kBoolean, kAny };

  struct Field {
    TypeRef type = nullptr;
    json::Value default_value = {};  ///< null: none
  };
  struct Map {
    bool atomic = false;
    std::map<std::string, Field, std::less<>> fields = {};
    TypeRef element = nullptr;  ///< of fields that are not declared; null: they are errors

    [[nodiscard]] TypeRef type_of(std::string_view field) const {
      const auto found = fields.find(field);
      return found != fields.end() ? found->second.type : element;
    }
    [[nodiscard]] bool declares(std::string_view field) const { return fields.contains(field); }
  };
  struct List {
    enum class Kind { kAtomic, kSet, kMap };
    Kind kind = Kind::kAtomic;
    TypeRef element = nullptr;
    std::vector<std::string> keys = {};  ///< of a kMap
  };

  std::optional<Scalar> scalar = {};
  std::optional<Map> map = {};
  std::optional<List> list = {};
};

class MergeSchema {
 public:
  MergeSchema();
  MergeSchema(const MergeSchema&) = delete;
  MergeSchema& operator=(const MergeSchema&) = delete;

  /// A new type, to be filled in before use. Its address stays.
  MergeType& add();
  /// Anything: objects by their fields, lists as a whole. For parts whose schema is unknown.
  [[nodiscard]] TypeRef any() const noexcept { return &types_.front(); }
  [[nodiscard]] TypeRef scalar(MergeType::Scalar kind) const noexcept;

 private:
  std::deque<MergeType> types_;
};

}  // namespace klutch::apiserver
