// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/cel/type.h"
#include "apiserver/schema/structural_schema.h"

// Schema is what CEL must know of a structural schema: the type that rules see, how JSON becomes values, and
// how large values can get. Made once per version of a CRD; a rule inside the tree uses the node it stands
// at. Immutable, shared, safe from any thread. Cannot fail.
//
//   auto schema = Schema::from_structural(structural, {.resource_root = true});
//   auto self = Value::from_json(object, *schema);

namespace klutch::apiserver::cel {

/// The largest request the API server takes; what schemas do not bound is bounded by it.
inline constexpr std::int64_t kMaxRequestBytes = 3 * 1024 * 1024;

class Schema {
 public:
  enum class Kind : std::uint8_t {
    kUntyped,  ///< No type: hidden from rules, kept with x-kubernetes-preserve-unknown-fields.
    kBoolean,
    kInteger,
    kNumber,
    kString,
    kBytes,     ///< string, format byte.
    kDate,      ///< string, format date: a timestamp.
    kDateTime,  ///< string, format date-time: a timestamp.
    kDuration,  ///< string, format duration.
    kIntOrString,
    kArray,
    kMap,     ///< object with additionalProperties.
    kObject,  ///< every other object.
  };
  /// x-kubernetes-list-type.
  enum class ListType : std::uint8_t { kAtomic, kSet, kMap };

  struct Field {
    std::string name;     ///< As in JSON.
    std::string escaped;  ///< As in CEL; empty when CEL cannot name it.
    std::unique_ptr<const Schema> schema;
    bool required = false;
  };

  struct Options {
    /// The schema describes a whole resource: apiVersion, kind, metadata.name and metadata.generateName are
    /// visible.
    bool resource_root = false;
    /// The name of the type of the root; the types inside are named after it.
    std::string type_name = "selfType";
  };

  static std::shared_ptr<const Schema> from_structural(const StructuralSchema& schema,
                                                       const Options& options);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  /// Whether rules can see values of this schema; arrays and maps are hidden when their elements are.
  [[nodiscard]] bool is_exposed() const noexcept { return static_cast<bool>(type_); }
  /// Unspecified when it is not exposed.
  [[nodiscard]] const Type& type() const noexcept { return type_; }
  [[nodiscard]] bool is_nullable() const noexcept { return nullable_; }
  [[nodiscard]] bool preserves_unknown_fields() const noexcept { return preserves_unknown_fields_; }
  [[nodiscard]] ListType list_type() const noexcept { return list_type_; }
  /// x-kubernetes-list-map-keys.
  [[nodiscard]] const std::vector<std::string>& map_keys() const noexcept { return map_keys_; }
  /// Of the elements of an array or the values of a map; null for everything else.
  [[nodiscard]] const Schema* elements() const noexcept { return elements_.get(); }
  /// Sorted by name.
  [[nodiscard]] const std::vector<Field>& fields() const noexcept { return fields_; }
  /// Whether it is an object with properties, whose names are escaped in CEL.
  [[nodiscard]] bool has_properties() const noexcept { return has_properties_; }
  /// The field `name` (as in JSON), or null.
  [[nodiscard]] const Schema* find_property(std::string_view name) const noexcept;
  /// The exposed field `name` (escaped), or null.
  [[nodiscard]] const Schema* find_field(std::string_view name) const noexcept;
  /// As find_field(), and for words that are escaped although they may be names after a dot.
  [[nodiscard]] const Schema* find_exposed(std::string_view name) const noexcept;
  /// How many bytes, elements or entries a value may have.
  [[nodiscard]] std::int64_t max_elements() const noexcept { return max_elements_; }
  /// How many bytes of JSON a value takes at least.
  [[nodiscard]] std::int64_t min_serialized_size() const noexcept { return min_serialized_size_; }

 private:
  friend class SchemaBuilder;
  Schema() = default;

  Kind kind_ = Kind::kUntyped;
  ListType list_type_ = ListType::kAtomic;
  bool nullable_ = false;
  bool preserves_unknown_fields_ = false;
  bool has_properties_ = false;
  Type type_;
  std::int64_t max_elements_ = 0;
  std::int64_t min_serialized_size_ = 0;
  std::unique_ptr<const Schema> elements_;
  std::vector<Field> fields_;
  std::vector<std::string> map_keys_;
};

/// The CEL identifier for a property: "a-b" -> "a__dash__b", "namespace" -> "__namespace__". Nothing when
/// there is none.
std::optional<std::string> escape_field_name(std::string_view name);
/// Undoes escape_field_name(); nothing when `name` holds an unknown escape sequence.
std::optional<std::string> unescape_field_name(std::string_view name);

}  // namespace klutch::apiserver::cel
