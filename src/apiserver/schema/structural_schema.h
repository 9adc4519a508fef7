// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/schema/pattern.h"
#include "apiserver/schema/string_format.h"
#include "base/result.h"
#include "json/value.h"

// The schema of a custom resource, in the form in which it is applied to objects: what an `openAPIV3Schema`
// of apiextensions.k8s.io/v1 says about values, without its prose. Immutable and shared: equal parts of all
// schemas that come from one pool exist once, since generated CRDs repeat themselves. Safe from any thread.
// At most kMaxSchemaDepth levels deep, so that walks along a schema may recurse on a fiber's stack.
//
//   SchemaPool pool;
//   const SchemaPtr schema = TRY(parse_schema(version["schema"]["openAPIV3Schema"], pool));

namespace klutch::apiserver {

struct StructuralSchema;
using SchemaPtr = std::shared_ptr<const StructuralSchema>;

/// Schemas inside schemas, from the root on. Real ones have fewer than 50.
inline constexpr std::size_t kMaxSchemaDepth = 80;

/// `type`. kAny: none is given; kOther: a word that JSON Schema does not know, kept in details.
enum class SchemaType : std::uint8_t { kAny, kObject, kArray, kString, kInteger, kNumber, kBoolean, kOther };
/// "object", "array", ...; "" for kAny and kOther.
std::string_view to_string(SchemaType type) noexcept;

/// `x-kubernetes-list-type`; kUnset means the same as kAtomic.
enum class ListType : std::uint8_t { kUnset, kAtomic, kSet, kMap, kOther };
/// `x-kubernetes-map-type`; kUnset means the same as kGranular.
enum class MapType : std::uint8_t { kUnset, kGranular, kAtomic, kOther };
/// `additionalProperties`: absent, false, true, or a schema (details->additional).
enum class AdditionalProperties : std::uint8_t { kNone, kFalse, kTrue, kSchema };

struct SchemaProperty {
  json::Value name = {};  ///< a string
  SchemaPtr schema = {};

  [[nodiscard]] std::string_view key() const { return name.as_string(); }
};

/// An entry of `x-kubernetes-validations`; absent texts are empty.
struct ValidationRule {
  std::string rule = {};
  std::string message = {};
  std::string message_expression = {};
  std::string reason = {};
  std::string field_path = {};
  std::optional<bool> optional_old_self = {};
  bool operator==(const ValidationRule&) const = default;
};

/// Bounds of numbers, strings, arrays and objects.
struct ValueLimits {
  std::optional<double> maximum = {};
  std::optional<double> minimum = {};
  std::optional<double> multiple_of = {};
  std::optional<std::int64_t> max_length = {};
  std::optional<std::int64_t> min_length = {};
  std::optional<std::int64_t> max_items = {};
  std::optional<std::int64_t> min_items = {};
  std::optional<std::int64_t> max_properties = {};
  std::optional<std::int64_t> min_properties = {};
  std::shared_ptr<const Pattern> pattern = {};
  std::string format = {};                          ///< as written
  StringFormat known_format = StringFormat::kNone;  ///< what CRDs check; kNone if `format` is none of these
  bool exclusive_maximum = false;
  bool exclusive_minimum = false;
  bool unique_items = false;
  bool operator==(const ValueLimits&) const = default;
};

/// Schemas that the same value has to fit besides.
struct SchemaCombination {
  std::vector<SchemaPtr> all_of = {};
  std::vector<SchemaPtr> any_of = {};
  std::vector<SchemaPtr> one_of = {};
  SchemaPtr none_of = {};  ///< `not`
  bool operator==(const SchemaCombination&) const = default;
};

/// What most schemas lack.
struct SchemaDetails {
  json::Value default_value = {};  ///< null: there is none
  SchemaPtr additional = {};
  std::vector<std::string> required = {};
  std::vector<std::string> list_map_keys = {};
  std::vector<json::Value> allowed = {};  ///< `enum`
  std::unique_ptr<const ValueLimits> limits = {};
  std::unique_ptr<const SchemaCombination> combination = {};
  std::vector<ValidationRule> rules = {};
  std::string other_type = {};
};

struct StructuralSchema {
  SchemaType type = SchemaType::kAny;
  ListType list_type = ListType::kUnset;
  MapType map_type = MapType::kUnset;
  AdditionalProperties additional_properties = AdditionalProperties::kNone;
  bool nullable = false;
  bool preserve_unknown_fields = false;
  bool embedded_resource = false;
  bool int_or_string = false;
  // What there is here or below, apart from `combination`: walks skip the rest.
  bool has_defaults = false;
  bool has_unique_lists = false;  ///< lists of type set or map
  bool has_embedded_resources = false;
  bool has_rules = false;
  std::vector<SchemaProperty> properties = {};  ///< sorted by name
  SchemaPtr items = {};
  std::unique_ptr<const SchemaDetails> details = {};

  /// The schema of a property, or null pointer.
  [[nodiscard]] const StructuralSchema* find_property(std::string_view name) const noexcept;
  /// The schema of the values of all other members, or null pointer.
  [[nodiscard]] const StructuralSchema* additional() const noexcept;
  /// What an object member of that name has to fit: its property, else additional(), else null pointer.
  [[nodiscard]] const StructuralSchema* find_member(std::string_view name) const noexcept;
  /// Null pointer when there is no default.
  [[nodiscard]] const json::Value* default_value() const noexcept;
  [[nodiscard]] const std::vector<std::string>& list_map_keys() const noexcept;
  [[nodiscard]] const std::vector<ValidationRule>& rules() const noexcept;
  /// `type` as written.
  [[nodiscard]] std::string_view type_name() const noexcept;
};

/// Keeps one of each equal part of schemas. May be used from any thread. Schemas outlive their pool.
class SchemaPool {
 public:
  /// How many parts are in use.
  [[nodiscard]] std::size_t size() const;
  /// Forgets what only the pool holds. Happens by itself now and then while schemas are added.
  void sweep();

 private:
  friend class SchemaReader;
  SchemaPtr intern(StructuralSchema schema);
  std::shared_ptr<const Pattern> intern_pattern(std::string_view text);
  void sweep_locked();

  mutable std::mutex mutex_ = {};
  std::unordered_multimap<std::uint64_t, SchemaPtr> schemas_ = {};
  std::unordered_map<std::string, std::shared_ptr<const Pattern>> patterns_ = {};
  std::size_t sweep_at_ = 1024;
};

/// Reads an openAPIV3Schema. It need not be valid in the sense of validate_structural() (structural_check.h).
/// kInvalid for what no structural schema can be made of: $ref, patternProperties and others, in
/// Kubernetes' words; values of a wrong JSON type, by the field's path; too many levels.
Result<SchemaPtr> parse_schema(const json::Value& openapi_v3_schema, SchemaPool& pool);

}  // namespace klutch::apiserver
