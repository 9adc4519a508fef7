// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "json/value.h"

// Value is one value of the Common Expression Language: a scalar, a time, a list, a map, a type, an optional,
// a value of a Kubernetes library (quantity, URL, IP ...) or an error, which travels as a value because &&
// and || absorb errors. Values made from JSON are views: they copy nothing and stay valid as long as the
// json::Value and the Schema they were made from. Everything else is owned and shared by reference counts, so
// copying costs three words. Immutable; const access from many threads is safe. Nothing here suspends;
// recursion is as deep as the data, which the JSON parser caps.

namespace klutch::apiserver::cel {

class Schema;
class Value;

namespace detail {
class HeapObject;
class ListObject;
class MapObject;
class OpaqueObject;
}  // namespace detail

/// What a Value is.
enum class Kind : std::uint8_t {
  kError,
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kType,
  kList,
  kMap,
  kOptional,
  kOpaque,   ///< Quantity, URL, IP, CIDR, Format, Semver.
  kUnknown,  ///< A field kept by x-kubernetes-preserve-unknown-fields: can be compared, nothing else.
};

/// A point in time as CEL knows it: years 1 to 9999, with the offset it was written with.
struct Timestamp {
  std::int64_t seconds = 0;  ///< Since 1970-01-01T00:00:00Z.
  std::uint32_t nanos = 0;
  std::int32_t offset = 0;  ///< Seconds east of UTC, for printing.
};

class Value {
 public:
  /// Null.
  Value() noexcept = default;
  Value(const Value& other) noexcept;
  Value(Value&& other) noexcept;
  Value& operator=(const Value& other) noexcept;
  Value& operator=(Value&& other) noexcept;
  ~Value();

  static Value null() noexcept { return {}; }
  static Value boolean(bool truth) noexcept;
  static Value integer(std::int64_t number) noexcept;
  static Value uinteger(std::uint64_t number) noexcept;
  static Value real(double number) noexcept;
  static Value string(std::string_view text);
  static Value bytes(std::string_view content);
  /// As string() and bytes(), without a copy: `text` must outlive the value and its copies.
  static Value string_view(std::string_view text) noexcept;
  static Value timestamp(Timestamp time) noexcept;
  static Value duration(std::int64_t nanos) noexcept;
  /// `name` as type() gives it: "int", "list", "google.protobuf.Timestamp". Copied.
  static Value type(std::string_view name);
  static Value optional_none() noexcept;
  static Value optional_of(Value content);
  static Value error(std::string_view message);
  /// The error most operators give for operands they do not know: "no such overload".
  static Value no_such_overload();
  static Value list(std::span<const Value> elements);
  /// A view of JSON without a schema: numbers are int or double, objects are maps, null is null.
  static Value from_json(const json::Value& content);
  /// A view of JSON that `schema` describes, as Kubernetes reads custom resources; an error value when the
  /// two do not fit. Both must outlive the result.
  static Value from_json(const json::Value& content, const Schema& schema);

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_error() const noexcept { return kind_ == Kind::kError; }
  [[nodiscard]] bool is_bool(bool truth) const noexcept {
    return kind_ == Kind::kBool && payload_.truth == truth;
  }

  /// The content; CHECKs that the value is of that kind.
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_int() const;
  [[nodiscard]] std::uint64_t as_uint() const;
  [[nodiscard]] double as_double() const;
  /// Of a string, bytes, type or error. Views die with the value unless they come from JSON.
  [[nodiscard]] std::string_view as_text() const;
  [[nodiscard]] Timestamp as_timestamp() const;
  [[nodiscard]] std::int64_t as_duration() const;
  /// Of an optional; null when it is empty.
  [[nodiscard]] const Value* as_optional() const;
  [[nodiscard]] const detail::OpaqueObject& as_opaque() const;

  /// Elements of a list, entries of a map (0 for every other kind).
  [[nodiscard]] std::size_t size() const noexcept;
  /// The element at `index` < size() of a list (CHECK); may be an error when the JSON does not fit its
  /// schema.
  [[nodiscard]] Value element(std::size_t index) const;
  /// The entry at `index` < size() of a map (CHECK), in order of insertion. A key that the schema does not
  /// know gives nothing.
  [[nodiscard]] std::optional<std::pair<Value, Value>> entry(std::size_t index) const;
  /// The value of `key` in a map: nothing when it is missing; an error when the key is of a wrong kind.
  [[nodiscard]] std::optional<Value> find(const Value& key) const;

  /// The name that type() shows: "int", "map", "optional_type", "kubernetes.Quantity".
  [[nodiscard]] std::string_view type_name() const noexcept;
  /// As Go prints it with %v, for error messages: abc, 1.5, [1, 2].
  [[nodiscard]] std::string text() const;
  /// For tests and logs: one text per value that tells kinds apart: "abc", 1u, double(1.5), {"a": 1}.
  [[nodiscard]] std::string debug() const;

  /// Equality as CEL's == decides it: true, false, or an error. Not symmetric where Kubernetes is not.
  [[nodiscard]] Value equals(const Value& other) const;

  // For the implementation of this library.
  static Value adopt(Kind kind, detail::HeapObject* object) noexcept;
  [[nodiscard]] detail::ListObject* heap_list() const noexcept;
  [[nodiscard]] detail::MapObject* heap_map() const noexcept;
  /// The JSON behind a view, else null; the schema of a view or of a list made from one, else null.
  [[nodiscard]] const json::Value* json_content() const noexcept;
  [[nodiscard]] const Schema* schema() const noexcept;
  /// Whether no other Value shares the list, map or text, so that it may be changed in place.
  [[nodiscard]] bool is_sole_owner() const noexcept;
  /// How deep containers made by expressions are nested; views of JSON count as 0.
  [[nodiscard]] std::uint32_t depth() const noexcept;

 private:
  /// Where the content is.
  enum class Storage : std::uint8_t { kInline, kJson, kHeap };

  static Value view_of(Kind kind, const json::Value& content, const Schema* schema) noexcept;
  static Value owned_text(Kind kind, std::string_view text);
  void retain() const noexcept;
  void release() noexcept;

  union Payload {
    bool truth;
    std::int64_t integer = 0;
    std::uint64_t uinteger;
    double real;
    const char* chars;
    const json::Value* json;
    detail::HeapObject* object;
  };
  union Extra {
    detail::HeapObject* owner = nullptr;  // of chars; null for a borrowed text
    const Schema* schema;                 // of a JSON view
    std::int64_t offset;                  // of a timestamp
  };

  Kind kind_ = Kind::kNull;
  Storage storage_ = Storage::kInline;
  std::uint32_t size_ = 0;  // bytes of a text, nanoseconds of a timestamp
  Payload payload_;
  Extra extra_;
};

static_assert(sizeof(Value) == 24);

}  // namespace klutch::apiserver::cel
