// SPDX-License-Identifier: Apache-2.0
#include "json/frame_stack.h"
#include "json/value.h"

namespace klutch::json {
namespace {

constexpr double kTwo63 = 9223372036854775808.0;

bool equal_int_double(std::int64_t integer, double number) noexcept {
  if (!(number >= -kTwo63 && number < kTwo63)) return false;
  const auto truncated = static_cast<std::int64_t>(number);
  return truncated == integer && static_cast<double>(truncated) == number;
}

bool equal_uint_double(std::uint64_t integer, double number) noexcept {
  if (!(number >= kTwo63 && number < 2 * kTwo63)) return false;  // doubles of this size are whole
  return static_cast<std::uint64_t>(number) == integer;
}

bool equal_numbers(const Value& a, const Value& b) {
  if (a.is_double() && b.is_double()) return a.as_double() == b.as_double();
  if (b.is_double()) return equal_numbers(b, a);
  if (a.is_double()) {
    return b.is_int() ? equal_int_double(b.as_int(), a.as_double())
                      : equal_uint_double(b.as_uint(), a.as_double());
  }
  if (a.is_int() != b.is_int()) return false;
  return a.is_int() ? a.as_int() == b.as_int() : a.as_uint() == b.as_uint();
}

/// Compares all but the children of containers, whose sizes must agree.
bool equal_shallow(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kBool: return a.as_bool() == b.as_bool();
    case Kind::kString: return a.as_string() == b.as_string();
    case Kind::kArray:
    case Kind::kObject: return a.size() == b.size();
    default: return true;
  }
}

/// The counterpart of the member at `index` of `a`; mostly it has the same place.
const Value* counterpart(const Value& a, const Value& b, std::size_t index) {
  const Member& same_place = b.members()[index];
  const std::string_view key = a.members()[index].key();
  return same_place.key() == key ? &same_place.value() : b.find(key);
}

}  // namespace

bool operator==(const Value& a, const Value& b) {
  struct Frame {
    const Value* a;
    const Value* b;
    std::size_t next;
  };
  if (!equal_shallow(a, b)) return false;
  if (a.empty()) return true;
  detail::FrameStack<Frame> open;
  open.push({&a, &b, 0});
  while (!open.empty()) {
    Frame& frame = open.top();
    if (frame.next == frame.a->size()) {
      open.pop();
      continue;
    }
    const std::size_t index = frame.next++;
    const bool object = frame.a->is_object();
    const Value* left = object ? &frame.a->members()[index].value() : &frame.a->at(index);
    const Value* right = object ? counterpart(*frame.a, *frame.b, index) : &frame.b->at(index);
    if (right == nullptr || !equal_shallow(*left, *right)) return false;
    if (!left->empty()) open.push({left, right, 0});
  }
  return true;
}

}  // namespace klutch::json
