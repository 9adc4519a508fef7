// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

// Value is one JSON value: null, bool, integer, double, string, array or object. It is 16 bytes; strings of
// up to 15 bytes live inside it, anything bigger in one exact heap block that it owns. Members of an object
// keep the order in which they were added, keys are unique, and lookup is O(1) for large objects. Moving
// costs two words and leaves null behind; copying is deep. Nothing here recurses, so depth is no danger to a
// fiber's stack. Thread safety: as an int. Const access from many threads is safe; references and views die
// with the next mutation. `is_` asks, `as_` CHECKs the kind, `find_` gives nothing when absent or of another
// kind, `get_` gives an Error.
//
//   auto pod = json::object({{"kind", "Pod"}, {"ports", json::array({80, 443})}});  // build.h
//   pod["metadata"]["name"] = "web";
//   for (const auto& [key, value] : pod.members()) ...

namespace klutch::json {

class Member;

/// What a Value is. kUint holds only integers above INT64_MAX, so every integer has exactly one kind.
enum class Kind : std::uint8_t { kNull, kBool, kInt, kUint, kDouble, kString, kArray, kObject };

/// "null", "boolean", "integer", "integer", "number", "string", "array", "object": the words of JSON Schema.
std::string_view kind_name(Kind kind) noexcept;

namespace detail {
struct Block;
struct Copier;
struct Packer;
template <class T>
concept Integer =
    std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
    !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;
}  // namespace detail

class Value {
 public:
  /// Null.
  Value() noexcept : tag_(tag_of(Kind::kNull)) {}
  Value(std::nullptr_t) noexcept : Value() {}
  Value(std::same_as<bool> auto truth) noexcept : tag_(tag_of(Kind::kBool)) { store(truth); }
  template <detail::Integer T>
  Value(T number) noexcept : tag_(tag_of(Kind::kInt)) {
    store(static_cast<std::uint64_t>(number));
    if (std::in_range<std::int64_t>(number)) return;
    tag_ = tag_of(Kind::kUint);
  }
  /// Must be finite (CHECK): JSON knows neither infinity nor NaN.
  Value(double number);
  /// The bytes should be UTF-8, at most 4 GiB (CHECK). What is not UTF-8 is printed as U+FFFD.
  Value(std::string_view text);
  Value(const char* text) : Value(std::string_view(text)) {}
  Value(const std::string& text) : Value(std::string_view(text)) {}

  /// An array or object without children; needs no heap.
  static Value empty_array() noexcept { return Value(Kind::kArray); }
  static Value empty_object() noexcept { return Value(Kind::kObject); }

  Value(Value&& other) noexcept { steal(other); }
  Value& operator=(Value&& other) noexcept {
    Value old(std::move(*this));  // destroyed last: `other` may be a part of this value
    steal(other);
    return *this;
  }
  Value(const Value& other);
  Value& operator=(const Value& other) { return *this = Value(other); }
  ~Value() {
    if (owns_heap()) destroy();
  }

  [[nodiscard]] Kind kind() const noexcept {
    return tag_ <= kMaxInline ? Kind::kString : static_cast<Kind>(tag_ - kFirstTag);
  }
  [[nodiscard]] bool is_null() const noexcept { return tag_ == tag_of(Kind::kNull); }
  [[nodiscard]] bool is_bool() const noexcept { return tag_ == tag_of(Kind::kBool); }
  /// An integer that fits int64.
  [[nodiscard]] bool is_int() const noexcept { return tag_ == tag_of(Kind::kInt); }
  /// An integer above INT64_MAX.
  [[nodiscard]] bool is_uint() const noexcept { return tag_ == tag_of(Kind::kUint); }
  [[nodiscard]] bool is_double() const noexcept { return tag_ == tag_of(Kind::kDouble); }
  [[nodiscard]] bool is_number() const noexcept { return is_int() || is_uint() || is_double(); }
  [[nodiscard]] bool is_string() const noexcept { return kind() == Kind::kString; }
  [[nodiscard]] bool is_array() const noexcept { return tag_ == tag_of(Kind::kArray); }
  [[nodiscard]] bool is_object() const noexcept { return tag_ == tag_of(Kind::kObject); }

  /// The content; CHECKs that the value is of exactly that kind.
  [[nodiscard]] bool as_bool() const;
  [[nodiscard]] std::int64_t as_int() const;
  [[nodiscard]] std::uint64_t as_uint() const;
  [[nodiscard]] double as_double() const;
  [[nodiscard]] std::string_view as_string() const;
  /// Any number as the nearest double; CHECKs is_number().
  [[nodiscard]] double to_double() const;

  /// Elements of an array, or members of an object, in order; CHECK the kind.
  [[nodiscard]] std::span<const Value> elements() const;
  [[nodiscard]] std::span<Value> elements();
  [[nodiscard]] std::span<const Member> members() const;
  [[nodiscard]] std::span<Member> members();

  /// Number of elements or members; 0 for every other kind.
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  // --- Arrays (CHECK is_array; push_back turns null into an array first) ---

  /// The element at `index`, which must be < size() (CHECK).
  [[nodiscard]] const Value& at(std::size_t index) const { return const_cast<Value*>(this)->at(index); }
  [[nodiscard]] Value& at(std::size_t index);
  Value& push_back(Value element);
  /// Inserts before `index`, which must be <= size() (CHECK). O(size).
  Value& insert_at(std::size_t index, Value element);
  /// Removes and returns the element at `index` < size() (CHECK). O(size).
  Value take_at(std::size_t index);

  // --- Objects ---

  /// The member's value, or null pointer when there is none or this is not an object.
  [[nodiscard]] const Value* find(std::string_view key) const noexcept;
  [[nodiscard]] Value* find(std::string_view key) noexcept {
    return const_cast<Value*>(std::as_const(*this).find(key));
  }
  [[nodiscard]] bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }
  /// The member's value, added as null when missing. CHECKs is_object; null becomes an object first.
  Value& operator[](std::string_view key);
  Value& operator[](int) = delete;  // arrays: at()
  /// Adds or replaces a member; a replaced one keeps its place. CHECKs as operator[].
  Value& set(std::string_view key, Value value);
  /// Removes the member, keeping the order of the others; false when there is none. CHECKs is_object.
  /// O(size).
  bool erase(std::string_view key) { return take(key).has_value(); }
  /// As erase(), and returns what was removed.
  std::optional<Value> take(std::string_view key);
  /// Removes all members for which `unwanted(const Member&)`, in one pass; returns how many. CHECKs
  /// is_object.
  template <class Predicate>
  std::size_t erase_if(Predicate unwanted);

  /// The content of a member that exists and is of that kind; find_double takes any number.
  [[nodiscard]] std::optional<std::string_view> find_string(std::string_view key) const noexcept;
  [[nodiscard]] std::optional<std::int64_t> find_int(std::string_view key) const noexcept;
  [[nodiscard]] std::optional<double> find_double(std::string_view key) const noexcept;
  [[nodiscard]] std::optional<bool> find_bool(std::string_view key) const noexcept;
  [[nodiscard]] const Value* find_object(std::string_view key) const noexcept;
  [[nodiscard]] const Value* find_array(std::string_view key) const noexcept;

  /// As find_, but a missing member or one of another kind is kInvalid, naming the key and both kinds.
  [[nodiscard]] Result<std::string_view> get_string(std::string_view key) const;
  [[nodiscard]] Result<std::int64_t> get_int(std::string_view key) const;
  [[nodiscard]] Result<double> get_double(std::string_view key) const;
  [[nodiscard]] Result<bool> get_bool(std::string_view key) const;
  /// As find_object and find_array; the pointer is never null.
  [[nodiscard]] Result<const Value*> get_object(std::string_view key) const;
  [[nodiscard]] Result<const Value*> get_array(std::string_view key) const;

  /// Room for `count` elements or members without further allocation. CHECKs array or object.
  void reserve(std::size_t count);
  /// Bytes on the heap owned by this value and all below it, without the allocator's own overhead.
  [[nodiscard]] std::size_t heap_bytes() const;

  /// Same content: member order does not count; numbers compare by exact mathematical value, so 1 == 1.0 and
  /// 0 == -0.0 as in RFC 6902 §4.6 and JSON Schema. a == b exactly when canonical(a) == canonical(b)
  /// (print.h).
  friend bool operator==(const Value& a, const Value& b);

 private:
  friend class Member;
  friend struct detail::Block;
  friend struct detail::Copier;
  friend struct detail::Packer;
  static constexpr std::uint8_t kMaxInline = 15;  // tags 0..15: a string of that length held in bytes_
  static constexpr std::uint8_t kFirstTag = 16;   // higher tags: kFirstTag + Kind

  static constexpr std::uint8_t tag_of(Kind kind) noexcept {
    return static_cast<std::uint8_t>(kFirstTag + static_cast<std::uint8_t>(kind));
  }
  explicit Value(Kind kind) noexcept : tag_(tag_of(kind)) {}
  [[nodiscard]] bool owns_heap() const noexcept { return tag_ >= tag_of(Kind::kString); }
  template <class T>
  void store(T content) noexcept {
    std::memcpy(bytes_, &content, sizeof content);
  }
  template <class T>
  [[nodiscard]] T load() const noexcept {
    T content;
    std::memcpy(&content, bytes_, sizeof content);
    return content;
  }
  void steal(Value& other) noexcept {
    std::memcpy(static_cast<void*>(this), &other, sizeof *this);
    other.tag_ = tag_of(Kind::kNull);
  }
  [[nodiscard]] std::string_view text() const noexcept;
  [[nodiscard]] detail::Block* block() const noexcept { return load<detail::Block*>(); }
  void destroy() noexcept;
  void truncate_members(std::size_t count) noexcept;

  alignas(8) char bytes_[15] = {};
  std::uint8_t tag_;
};

static_assert(sizeof(Value) == 16);

/// A key and its value, 32 bytes. Keys cannot be changed in place.
class Member {
 public:
  [[nodiscard]] std::string_view key() const noexcept { return key_.text(); }
  [[nodiscard]] const Value& value() const noexcept { return value_; }
  [[nodiscard]] Value& value() noexcept { return value_; }

  /// For structured bindings: `for (auto& [key, value] : object.members())`.
  template <std::size_t I>
  [[nodiscard]] decltype(auto) get() const noexcept {
    if constexpr (I == 0) {
      return key();
    } else {
      return (value_);
    }
  }
  template <std::size_t I>
  [[nodiscard]] decltype(auto) get() noexcept {
    if constexpr (I == 0) {
      return key();
    } else {
      return (value_);
    }
  }

 private:
  friend class Value;
  friend struct detail::Block;
  Value key_;
  Value value_;
};

/// Prints compact JSON, for test failures and logs.
std::ostream& operator<<(std::ostream& out, const Value& value);

template <class Predicate>
std::size_t Value::erase_if(Predicate unwanted) {
  const std::span<Member> all = members();
  std::size_t kept = 0;
  for (Member& member : all) {
    if (unwanted(std::as_const(member))) continue;
    if (&all[kept] != &member) all[kept] = std::move(member);
    ++kept;
  }
  if (kept != all.size()) truncate_members(kept);
  return all.size() - kept;
}

}  // namespace klutch::json

template <>
struct std::tuple_size<klutch::json::Member> : std::integral_constant<std::size_t, 2> {};
template <>
struct std::tuple_element<0, klutch::json::Member> {
  using type = std::string_view;
};
template <>
struct std::tuple_element<1, klutch::json::Member> {
  using type = klutch::json::Value;
};
template <>
struct std::tuple_element<1, const klutch::json::Member> {
  using type = const klutch::json::Value;
};
