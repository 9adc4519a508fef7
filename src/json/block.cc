// SPDX-License-Identifier: Apache-2.0
#include "json/block.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>
#include <random>
#include <utility>

#include "base/check.h"

namespace klutch::json::detail {
namespace {

struct Seed {
  std::uint64_t start;
  std::uint64_t factor;
};

std::uint64_t random_word() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

const Seed& seed() {
  static const Seed value{random_word(), random_word() | 1};
  return value;
}

/// The two halves of the 128-bit product, folded together.
std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t hash_of(std::string_view key) noexcept {
  const Seed& secret = seed();
  std::uint64_t hash = secret.start ^ key.size();
  while (!key.empty()) {
    std::uint64_t word = 0;
    const std::size_t taken = std::min(key.size(), sizeof word);
    std::memcpy(&word, key.data(), taken);
    hash = fold(hash ^ word, secret.factor);
    key.remove_prefix(taken);
  }
  return fold(hash, secret.factor ^ secret.start);
}

std::uint32_t slots_for(std::size_t capacity) noexcept {
  if (capacity <= Block::kLinear) return 0;
  return static_cast<std::uint32_t>(std::bit_ceil(capacity * 2));
}

Block* allocate(Kind kind, std::size_t capacity) {
  CHECK(capacity < std::numeric_limits<std::uint32_t>::max() / 4);
  const auto count = static_cast<std::uint32_t>(capacity);
  auto* block = static_cast<Block*>(::operator new(Block::bytes(kind, count)));
  block->size = 0;
  block->capacity = count;
  return block;
}

}  // namespace

std::size_t Block::bytes(Kind kind, std::uint32_t capacity) noexcept {
  if (kind == Kind::kArray) return sizeof(Block) + std::size_t{capacity} * sizeof(Value);
  return sizeof(Block) + std::size_t{capacity} * sizeof(Member) +
         std::size_t{slots_for(capacity)} * sizeof(std::uint32_t);
}

Block* Block::make_array(std::size_t capacity) {
  return allocate(Kind::kArray, capacity);
}

Block* Block::make_object(std::size_t capacity) {
  Block* block = allocate(Kind::kObject, capacity);
  block->rebuild_index();
  return block;
}

void Block::release(Block* block) noexcept {
  ::operator delete(block);
}

Block* Block::grow(Block* block, Kind kind, std::size_t capacity) {
  Block* bigger = allocate(kind, capacity);
  if (block != nullptr) {
    const std::size_t slot = kind == Kind::kArray ? sizeof(Value) : sizeof(Member);
    std::memcpy(static_cast<void*>(bigger->values()), block->values(), block->size * slot);
    bigger->size = block->size;
    release(block);
  }
  if (kind == Kind::kObject) bigger->rebuild_index();
  return bigger;
}

std::size_t Block::next_capacity(const Block* block) noexcept {
  if (block == nullptr) return 4;
  return std::max<std::size_t>(4, std::size_t{block->capacity} + block->capacity / 2);
}

std::uint32_t Block::slots() const noexcept {
  return slots_for(capacity);
}

std::uint32_t Block::find(std::string_view key) noexcept {
  if (const std::uint32_t count = slots(); count != 0) {
    const std::uint32_t mask = count - 1;
    const std::uint32_t* table = index();
    for (auto at = static_cast<std::uint32_t>(hash_of(key)) & mask; table[at] != 0; at = (at + 1) & mask) {
      if (members()[table[at] - 1].key() == key) return table[at] - 1;
    }
    return kNotFound;
  }
  const Member* all = members();
  if (key.size() <= Value::kMaxInline) {
    // Short keys are held in place and padded with zeros, so equal keys are equal as two words.
    std::uint64_t wanted[2] = {0, 0};
    std::memcpy(wanted, key.data(), key.size());
    reinterpret_cast<unsigned char*>(wanted)[Value::kMaxInline] = static_cast<unsigned char>(key.size());
    for (std::uint32_t i = 0; i < size; ++i) {
      std::uint64_t have[2];
      std::memcpy(have, &all[i].key_, sizeof have);
      if (((have[0] ^ wanted[0]) | (have[1] ^ wanted[1])) == 0) return i;
    }
    return kNotFound;
  }
  for (std::uint32_t i = 0; i < size; ++i) {
    if (all[i].key() == key) return i;
  }
  return kNotFound;
}

Value& Block::append(std::string_view key) {
  Member* slot = new (members() + size) Member;
  slot->key_ = Value(key);
  add_to_index(size);
  ++size;
  return slot->value_;
}

void Block::remove(std::uint32_t position) noexcept {
  remove_from_index(position);
  Member* gap = members() + position;
  gap->~Member();
  std::memmove(static_cast<void*>(gap), gap + 1, (size - position - 1) * sizeof(Member));
  --size;
}

void Block::rebuild_index() noexcept {
  const std::uint32_t count = slots();
  if (count == 0) return;
  std::memset(index(), 0, count * sizeof(std::uint32_t));
  for (std::uint32_t i = 0; i < size; ++i) add_to_index(i);
}

void Block::add_to_index(std::uint32_t position) noexcept {
  const std::uint32_t count = slots();
  if (count == 0) return;
  const std::uint32_t mask = count - 1;
  std::uint32_t* table = index();
  auto at = static_cast<std::uint32_t>(hash_of(members()[position].key())) & mask;
  while (table[at] != 0) at = (at + 1) & mask;
  table[at] = position + 1;
}

void Block::remove_from_index(std::uint32_t position) noexcept {
  const std::uint32_t count = slots();
  if (count == 0) return;
  const std::uint32_t mask = count - 1;
  std::uint32_t* table = index();
  auto hole = static_cast<std::uint32_t>(hash_of(members()[position].key())) & mask;
  while (table[hole] != position + 1) hole = (hole + 1) & mask;
  // Pull later entries of the same run forward, so that no lookup stops at the hole before it reaches them.
  for (std::uint32_t at = (hole + 1) & mask; table[at] != 0; at = (at + 1) & mask) {
    const auto home = static_cast<std::uint32_t>(hash_of(members()[table[at] - 1].key())) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    table[hole] = table[at];
    hole = at;
  }
  table[hole] = 0;
  if (position + 1 == size) return;  // nobody moves up
  for (std::uint32_t at = 0; at < count; ++at) table[at] -= table[at] > position + 1 ? 1 : 0;
}

Value Block::adopt_array(std::span<Value> elements) {
  Value array(Kind::kArray);
  if (elements.empty()) return array;
  Block* block = make_array(elements.size());
  for (Value& element : elements) new (block->values() + block->size++) Value(std::move(element));
  array.store(block);
  return array;
}

Value Block::object_for(std::size_t count) {
  Value object(Kind::kObject);
  if (count != 0) object.store(make_object(count));
  return object;
}

bool Block::adopt_member(Value& object, Value* key_and_value, std::uint64_t& seen) {
  Block& block = *object.block();
  const std::string_view key = key_and_value[0].text();
  // Most keys of a small object differ already in length and ends, and need not be searched for.
  const std::size_t ends =
      key.empty() ? 0 : static_cast<unsigned char>(key.front()) * 3U + static_cast<unsigned char>(key.back());
  const std::uint64_t mark = std::uint64_t{1} << ((key.size() * 7 + ends) % 64);
  if ((seen & mark) != 0 || block.slots() != 0) {
    if (const std::uint32_t same = block.find(key); same != kNotFound) {
      block.members()[same].value_ = std::move(key_and_value[1]);
      return false;
    }
  }
  seen |= mark;
  std::memcpy(static_cast<void*>(block.members() + block.size), key_and_value, sizeof(Member));
  key_and_value[0].tag_ = key_and_value[1].tag_ = Value::tag_of(Kind::kNull);
  block.add_to_index(block.size);
  ++block.size;
  return true;
}

void Block::copy_index(Block& same) noexcept {
  if (capacity != same.capacity) return rebuild_index();
  std::memcpy(index(), same.index(), slots() * sizeof(std::uint32_t));
}

}  // namespace klutch::json::detail
