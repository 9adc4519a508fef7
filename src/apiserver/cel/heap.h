// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "apiserver/cel/value.h"

// What a Value owns on the heap. Objects are shared by reference counts and immutable, except that the
// evaluator grows a list or map that it alone holds. Internal to the library.

namespace klutch::apiserver::cel::detail {

/// Evaluation stops at values that are nested deeper, so that what recurses with them fits any stack.
inline constexpr std::uint32_t kMaxValueDepth = 128;

class HeapObject {
 public:
  HeapObject() = default;
  HeapObject(const HeapObject&) = delete;
  HeapObject& operator=(const HeapObject&) = delete;
  virtual ~HeapObject() = default;

  void retain() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() noexcept {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  [[nodiscard]] bool is_shared() const noexcept { return references_.load(std::memory_order_acquire) > 1; }
  /// How many containers stand in each other, this one included; 0 for what contains nothing.
  [[nodiscard]] std::uint32_t depth() const noexcept { return depth_; }

 protected:
  void holds(const Value& value) noexcept { depth_ = std::max(depth_, value.depth() + 1); }

 private:
  std::atomic<std::uint32_t> references_ = 1;
  std::uint32_t depth_ = 0;
};

class TextObject : public HeapObject {
 public:
  explicit TextObject(std::string_view content) : text(content) {}
  const std::string text;
};

class ListObject : public HeapObject {
 public:
  [[nodiscard]] const std::vector<Value>& elements() const noexcept { return elements_; }
  void reserve(std::size_t size) { elements_.reserve(size); }
  void add(Value element) {
    holds(element);
    elements_.push_back(std::move(element));
  }
  void replace(std::size_t index, Value element) {
    holds(element);
    elements_[index] = std::move(element);
  }

  /// The array schema whose rules for == and + it follows (x-kubernetes-list-type); null for lists made by
  /// CEL.
  const Schema* schema = nullptr;

 private:
  std::vector<Value> elements_;
};

class OptionalObject : public HeapObject {
 public:
  explicit OptionalObject(Value value) : content(std::move(value)) { holds(content); }
  const Value content;
};

/// A map made by an expression. Keys are equal when kind and content are, as in a Go map.
class MapObject : public HeapObject {
 public:
  [[nodiscard]] const std::vector<std::pair<Value, Value>>& entries() const noexcept { return entries_; }
  /// The value of exactly this key, or null.
  [[nodiscard]] const Value* find_same(const Value& key) const noexcept;
  /// As find_same(), but numbers also match equal numbers of other kinds.
  [[nodiscard]] const Value* find(const Value& key) const noexcept;
  /// Adds or replaces.
  void set(const Value& key, Value value);
  void erase(const Value& key);

 private:
  static constexpr std::size_t kIndexedFrom = 9;
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  [[nodiscard]] std::size_t position(const Value& key) const noexcept;
  void rebuild_index();

  std::vector<std::pair<Value, Value>> entries_;
  std::unordered_multimap<std::size_t, std::size_t>
      index_;  // hash of a key -> position, from kIndexedFrom on
};

/// A value of a Kubernetes library.
class OpaqueObject : public HeapObject {
 public:
  /// As type() names it, such as "kubernetes.Quantity".
  [[nodiscard]] virtual std::string_view type_name() const noexcept = 0;
  [[nodiscard]] virtual bool equals(const OpaqueObject& other) const = 0;
  /// Whether it may stand right of ==, which not all results of Kubernetes' functions can.
  [[nodiscard]] virtual bool is_operand() const noexcept { return true; }
  /// For debug(): "quantity(1Gi)".
  [[nodiscard]] virtual std::string debug() const = 0;
  /// The size that counts as cost; nothing for most.
  [[nodiscard]] virtual std::optional<std::uint64_t> cost_size() const noexcept { return std::nullopt; }
  /// What becomes of it inside an optional that a variable holds: an error for most.
  [[nodiscard]] virtual Value native() const = 0;
};

/// The opaque content as a T, or null.
template <class T>
const T* find_opaque(const Value& value) {
  return value.kind() == Kind::kOpaque ? dynamic_cast<const T*>(&value.as_opaque()) : nullptr;
}

/// Whether two keys are the same to a Go map: of one kind and equal.
bool is_same_key(const Value& a, const Value& b) noexcept;

}  // namespace klutch::apiserver::cel::detail
