// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "json/value.h"

// The heap block of an array or object: this header, then `capacity` slots of which `size` are alive, then,
// for objects with room for more than kLinear members, a hash table of member positions (open addressing, at
// most half full, seeded per process against chosen collisions). Internal to src/json; owned by exactly one
// Value.

namespace klutch::json::detail {

struct Block {
  /// Objects up to this capacity are searched one by one, two words per member.
  static constexpr std::uint32_t kLinear = 16;
  static constexpr std::uint32_t kNotFound = UINT32_MAX;

  std::uint32_t size;
  std::uint32_t capacity;

  Value* values() noexcept { return reinterpret_cast<Value*>(this + 1); }
  Member* members() noexcept { return reinterpret_cast<Member*>(this + 1); }

  static Block* make_array(std::size_t capacity);
  static Block* make_object(std::size_t capacity);
  static std::size_t bytes(Kind kind, std::uint32_t capacity) noexcept;
  /// Frees the memory of a block whose slots are dead already.
  static void release(Block* block) noexcept;
  /// Makes room for `capacity` slots, moving what is there. `block` may be null.
  static Block* grow(Block* block, Kind kind, std::size_t capacity);
  /// The capacity to grow to when one more slot is needed.
  static std::size_t next_capacity(const Block* block) noexcept;

  std::uint32_t find(std::string_view key) noexcept;
  /// Adds a member that is known to be missing; there must be room.
  Value& append(std::string_view key);
  /// Closes the gap of the member at `position`, whose value was moved away.
  void remove(std::uint32_t position) noexcept;
  void rebuild_index() noexcept;
  /// As rebuild_index(), knowing that `same` has the same members.
  void copy_index(Block& same) noexcept;

  /// An array with the content of `elements`, which are left null.
  static Value adopt_array(std::span<Value> elements);
  /// An empty object with room for `count` members.
  static Value object_for(std::size_t count);
  /// Moves a key (a string) and its value, which stand side by side, into an object made by object_for().
  /// False when the key was there already: then only the value is replaced. `seen` is 0 at first and belongs
  /// to the object.
  static bool adopt_member(Value& object, Value* key_and_value, std::uint64_t& seen);

 private:
  [[nodiscard]] std::uint32_t slots() const noexcept;
  std::uint32_t* index() noexcept { return reinterpret_cast<std::uint32_t*>(members() + capacity); }
  void add_to_index(std::uint32_t position) noexcept;
  void remove_from_index(std::uint32_t position) noexcept;
};

static_assert(sizeof(Block) == 8);

}  // namespace klutch::json::detail
