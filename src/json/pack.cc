// SPDX-License-Identifier: Apache-2.0
#include "json/pack.h"

#include <cstring>
#include <new>

#include "json/block.h"
#include "json/frame_stack.h"

namespace klutch::json {
namespace detail {
namespace {

/// What std::allocate_shared puts behind its reference count. The value at `root` is never destroyed: it owns
/// nothing, because all it refers to lies in the same block, right behind this.
struct Packed {
  alignas(Value) std::byte root[sizeof(Value)];
};

/// Allocates `tail` bytes more than asked for.
template <class T>
struct TailAllocator {
  using value_type = T;
  explicit TailAllocator(std::size_t bytes) noexcept : tail(bytes) {}
  template <class U>
  TailAllocator(const TailAllocator<U>& other) noexcept : tail(other.tail) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T) + tail)); }
  void deallocate(T* block, std::size_t) noexcept { ::operator delete(block); }
  template <class U>
  bool operator==(const TailAllocator<U>& other) const noexcept {
    return tail == other.tail;
  }
  std::size_t tail;
};

/// vtable, two counts and the allocator of a control block of libstdc++, then Packed.
constexpr std::size_t kControlBytes = 24;

}  // namespace

/// Lays a value out: first all containers, a parent before its children, then the text of all long strings.
struct Packer {
  struct Sizes {
    std::size_t containers = 0;
    std::size_t text = 0;
  };
  struct Frame {
    Block* from;
    Block* to;
    bool object;
  };

  std::byte* next_container;
  std::byte* next_text;
  FrameStack<Frame> open = {};

  static Sizes measure(const Value& value) {
    Sizes sizes;
    FrameStack<std::span<const Value>> left;
    left.push({&value, 1});
    while (!left.empty()) {
      std::span<const Value>& rest = left.top();
      if (rest.empty()) {
        left.pop();
        continue;
      }
      const Value& next = rest.front();
      rest = rest.subspan(1);
      if (!next.owns_heap()) continue;
      if (next.is_string()) {
        sizes.text += next.text().size();
      } else if (Block* block = next.block(); block != nullptr && block->size != 0) {
        sizes.containers += Block::bytes(next.kind(), block->size);
        left.push({block->values(), std::size_t{block->size} * (next.is_object() ? 2 : 1)});
      }
    }
    return sizes;
  }

  /// Copies all but the children of a container, which are queued. `to` is raw memory.
  void copy(const Value& from, Value* to) {
    if (!from.owns_heap()) {
      std::memcpy(static_cast<void*>(to), &from, sizeof from);
    } else if (from.is_string()) {
      std::memcpy(static_cast<void*>(to), &from, sizeof from);
      const std::string_view text = from.text();
      std::memcpy(next_text, text.data(), text.size());
      to->store(reinterpret_cast<char*>(next_text));
      next_text += text.size();
    } else {
      new (to) Value(from.kind());
      Block* block = from.block();
      if (block == nullptr || block->size == 0) return;
      auto* copy = reinterpret_cast<Block*>(next_container);
      copy->size = 0;
      copy->capacity = block->size;
      next_container += Block::bytes(from.kind(), block->size);
      to->store(copy);
      open.push({block, copy, from.is_object()});
    }
  }

  /// Copies slots until one begins a container, whose content comes first, or all are done.
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

std::shared_ptr<const Value> pack(const Value& value) {
  using detail::Packed;
  const auto sizes = detail::Packer::measure(value);
  const auto block =
      std::allocate_shared<Packed>(detail::TailAllocator<Packed>(sizes.containers + sizes.text));
  auto* tail = reinterpret_cast<std::byte*>(block.get() + 1);
  auto* root = reinterpret_cast<Value*>(block->root);
  detail::Packer packer{.next_container = tail, .next_text = tail + sizes.containers};
  packer.copy(value, root);
  packer.run();
  return {block, std::launder(root)};
}

std::size_t packed_bytes(const Value& value) {
  const auto sizes = detail::Packer::measure(value);
  return detail::kControlBytes + sizeof(detail::Packed) + sizes.containers + sizes.text;
}

}  // namespace klutch::json
