// SPDX-License-Identifier: Apache-2.0
#include "json/value.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"
#include "json/block.h"
#include "json/build.h"
#include "json/frame_stack.h"

namespace klutch::json {

using detail::Block;
using detail::FrameStack;

std::string_view kind_name(Kind kind) noexcept {
  static constexpr std::string_view kNames[] = {"null",   "boolean", "integer", "integer",
                                                "number", "string",  "array",   "object"};
  return kNames[static_cast<std::size_t>(kind)];
}

Value::Value(double number) : tag_(tag_of(Kind::kDouble)) {
  CHECK(std::isfinite(number));
  store(number);
}

Value::Value(std::string_view text) {
  if (text.size() <= kMaxInline) {
    tag_ = static_cast<std::uint8_t>(text.size());
    if (!text.empty()) std::memcpy(bytes_, text.data(), text.size());
    return;
  }
  CHECK(text.size() <= std::numeric_limits<std::uint32_t>::max());
  auto* copy = static_cast<char*>(::operator new(text.size()));
  std::memcpy(copy, text.data(), text.size());
  store(copy);
  const auto length = static_cast<std::uint32_t>(text.size());
  std::memcpy(bytes_ + sizeof copy, &length, sizeof length);
  tag_ = tag_of(Kind::kString);
}

std::string_view Value::text() const noexcept {
  if (tag_ <= kMaxInline) return {bytes_, tag_};
  std::uint32_t length;
  std::memcpy(&length, bytes_ + sizeof(char*), sizeof length);
  return {load<const char*>(), length};
}

namespace detail {

/// Deep copy, one open container per frame. A block is copied slot by slot, the members of an object being
/// pairs of slots; its size grows only behind what is whole, so that running out of memory halfway leaves
/// nothing owned twice.
struct Copier {
  struct Frame {
    Block* from;
    Block* to;
    bool object;
  };
  FrameStack<Frame> open;

  /// Copies all but the children of a container, which are queued. `to` is raw memory or null.
  void copy(const Value& from, Value* to) {
    if (!from.owns_heap()) {
      std::memcpy(static_cast<void*>(to), &from, sizeof from);
    } else if (from.is_string()) {
      new (to) Value(from.text());
    } else {
      new (to) Value(from.kind());
      Block* block = from.block();
      if (block == nullptr || block->size == 0) return;
      const bool object = from.is_object();
      to->store(object ? Block::make_object(block->size) : Block::make_array(block->size));
      open.push({block, to->block(), object});
    }
  }

  /// Copies slots until one begins a container, whose content must come first, or all are done.
  void advance(const Frame& frame) {
    const std::size_t depth = open.size();
    const std::size_t slots = frame.object ? 2 : 1;
    while (frame.to->size < frame.from->size && open.size() == depth) {
      const std::size_t at = frame.to->size * slots;
      for (std::size_t i = at; i < at + slots; ++i) copy(frame.from->values()[i], frame.to->values() + i);
      ++frame.to->size;
    }
  }

  void run() {
    while (!open.empty()) {
      const Frame frame = open.top();
      if (frame.to->size < frame.from->size) {
        advance(frame);
      } else {
        if (frame.object) frame.to->copy_index(*frame.from);
        open.pop();
      }
    }
  }
};

}  // namespace detail

Value::Value(const Value& other) : Value() {
  Value copy;
  detail::Copier copier;
  copier.copy(other, &copy);
  copier.run();
  steal(copy);
}

void Value::destroy() noexcept {
  struct Frame {
    Block* block;
    Value* next;
    Value* end;
  };
  FrameStack<Frame> open;
  const auto close = [&open](Value& value) {
    if (value.is_string()) {
      ::operator delete(value.load<char*>());
    } else if (Block* block = value.block(); block != nullptr) {
      const std::size_t count = std::size_t{block->size} * (value.is_object() ? 2 : 1);
      open.push({block, block->values(), block->values() + count});
    }
  };
  close(*this);
  while (!open.empty()) {
    Frame& frame = open.top();
    while (frame.next != frame.end && !frame.next->owns_heap()) ++frame.next;
    if (frame.next == frame.end) {
      Block::release(frame.block);
      open.pop();
    } else {
      close(*frame.next++);  // may push, so `frame` is not used after this
    }
  }
}

bool Value::as_bool() const {
  CHECK(is_bool());
  return load<bool>();
}

std::int64_t Value::as_int() const {
  CHECK(is_int());
  return load<std::int64_t>();
}

std::uint64_t Value::as_uint() const {
  CHECK(is_uint());
  return load<std::uint64_t>();
}

double Value::as_double() const {
  CHECK(is_double());
  return load<double>();
}

double Value::to_double() const {
  if (is_int()) return static_cast<double>(as_int());
  return is_uint() ? static_cast<double>(as_uint()) : as_double();
}

std::string_view Value::as_string() const {
  CHECK(is_string());
  return text();
}

std::span<Value> Value::elements() {
  CHECK(is_array());
  if (block() == nullptr) return {};
  return {block()->values(), block()->size};
}

std::span<const Value> Value::elements() const {
  return const_cast<Value*>(this)->elements();
}

std::span<Member> Value::members() {
  CHECK(is_object());
  if (block() == nullptr) return {};
  return {block()->members(), block()->size};
}

std::span<const Member> Value::members() const {
  return const_cast<Value*>(this)->members();
}

std::size_t Value::size() const noexcept {
  if (!(is_array() || is_object()) || block() == nullptr) return 0;
  return block()->size;
}

Value& Value::at(std::size_t index) {
  CHECK(index < size() && is_array());
  return block()->values()[index];
}

Value& Value::push_back(Value element) {
  if (is_null()) *this = empty_array();
  return insert_at(size(), std::move(element));
}

Value& Value::insert_at(std::size_t index, Value element) {
  CHECK(is_array() && index <= size());
  if (block() == nullptr || block()->size == block()->capacity) {
    store(Block::grow(block(), Kind::kArray, Block::next_capacity(block())));
  }
  Block& items = *block();
  Value* slot = items.values() + index;
  std::memmove(static_cast<void*>(slot + 1), slot, (items.size - index) * sizeof(Value));
  new (slot) Value(std::move(element));
  ++items.size;
  return *slot;
}

Value Value::take_at(std::size_t index) {
  Value taken = std::move(at(index));
  Block& items = *block();
  Value* slot = items.values() + index;
  std::memmove(static_cast<void*>(slot), slot + 1, (items.size - index - 1) * sizeof(Value));
  --items.size;
  return taken;
}

const Value* Value::find(std::string_view key) const noexcept {
  if (!is_object() || block() == nullptr) return nullptr;
  const std::uint32_t position = block()->find(key);
  return position == Block::kNotFound ? nullptr : &block()->members()[position].value();
}

Value& Value::operator[](std::string_view key) {
  if (is_null()) *this = empty_object();
  CHECK(is_object());
  if (Value* found = find(key)) return *found;
  if (block() == nullptr || block()->size == block()->capacity) {
    store(Block::grow(block(), Kind::kObject, Block::next_capacity(block())));
  }
  return block()->append(key);
}

Value& Value::set(std::string_view key, Value value) {
  return (*this)[key] = std::move(value);
}

std::optional<Value> Value::take(std::string_view key) {
  CHECK(is_object());
  if (block() == nullptr) return std::nullopt;
  const std::uint32_t position = block()->find(key);
  if (position == Block::kNotFound) return std::nullopt;
  std::optional<Value> taken = std::move(block()->members()[position].value());
  block()->remove(position);
  return taken;
}

void Value::truncate_members(std::size_t count) noexcept {
  Block& own = *block();
  for (std::size_t i = count; i < own.size; ++i) own.members()[i].~Member();
  own.size = static_cast<std::uint32_t>(count);
  own.rebuild_index();
}

void Value::reserve(std::size_t count) {
  CHECK(is_array() || is_object());
  if (count == 0 || (block() != nullptr && block()->capacity >= count)) return;
  store(Block::grow(block(), kind(), count));
}

std::size_t Value::heap_bytes() const {
  std::size_t total = 0;
  FrameStack<std::span<const Value>> open;
  open.push({this, 1});
  while (!open.empty()) {
    std::span<const Value>& rest = open.top();
    if (rest.empty()) {
      open.pop();
      continue;
    }
    const Value& value = rest.front();
    rest = rest.subspan(1);
    if (!value.owns_heap()) continue;
    if (value.is_string()) {
      total += value.text().size();
    } else if (Block* block = value.block(); block != nullptr) {
      total += Block::bytes(value.kind(), block->capacity);
      open.push({block->values(), std::size_t{block->size} * (value.is_object() ? 2 : 1)});
    }
  }
  return total;
}

Value object(std::initializer_list<Field> fields) {
  Value result = Value::empty_object();
  result.reserve(fields.size());
  for (const Field& field : fields) result.set(field.key, std::move(field.value));
  return result;
}

Value array(std::initializer_list<Item> items) {
  Value result = Value::empty_array();
  result.reserve(items.size());
  for (const Item& item : items) result.push_back(std::move(item.value));
  return result;
}

}  // namespace klutch::json
