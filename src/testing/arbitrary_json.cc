// SPDX-License-Identifier: Apache-2.0
#include "testing/arbitrary_json.h"

#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace klutch::testing {
namespace {

using json::Value;
using rc::Gen;
using Members = std::vector<std::pair<std::string, Value>>;

constexpr int kMaxDepth = 5;

std::string encode(const std::vector<std::uint32_t>& characters) {
  std::string out;
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  for (const std::uint32_t c : characters) {
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xc0 | c >> 6), put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      put(0xe0 | c >> 12), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
    } else {
      put(0xf0 | c >> 18), put(0x80 | (c >> 12 & 0x3f)), put(0x80 | (c >> 6 & 0x3f)), put(0x80 | (c & 0x3f));
    }
  }
  return out;
}

Gen<std::string> text() {
  const auto character = rc::gen::weightedOneOf<std::uint32_t>({
      {10, rc::gen::inRange<std::uint32_t>(0x20, 0x7f)},
      {2, rc::gen::inRange<std::uint32_t>(0, 0x20)},
      {1, rc::gen::inRange<std::uint32_t>(0x7f, 0xd800)},
      {1, rc::gen::inRange<std::uint32_t>(0x2026, 0x202b)},
      {1, rc::gen::inRange<std::uint32_t>(0xe000, 0x110000)},
      {1, rc::gen::element<std::uint32_t>('"', '\\', '/', '~', '<', '>', '&')},
  });
  return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(character), encode);
}

Gen<std::string> key() {
  return rc::gen::weightedOneOf<std::string>({
      {6, rc::gen::element<std::string>("a", "b", "c", "d", "", "a/b", "m~n", "0", "1", "-",
                                        "resourceVersion", "creationTimestamp")},
      {1, text()},
  });
}

bool reads_back(double number) {
  if (!std::isfinite(number)) return false;
  const double size = std::abs(number);
  return size < 0x1p53 || size > 0x1p64;
}

Gen<Value> number() {
  const auto any_double =
      rc::gen::suchThat(rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                                     [](std::uint64_t bits) { return std::bit_cast<double>(bits); }),
                        reads_back);
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::inRange(-3, 4), [](int n) { return Value(n); }),
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t n) { return Value(n); }),
      rc::gen::map(rc::gen::arbitrary<std::uint64_t>(),
                   [](std::uint64_t n) { return Value(n | 1ULL << 63); }),
      rc::gen::map(rc::gen::inRange(-300, 300), [](int n) { return Value(n / 100.0); }),
      rc::gen::map(any_double, [](double n) { return Value(n); }));
}

Gen<Value> scalar() {
  return rc::gen::weightedOneOf<Value>({
      {1, rc::gen::construct<Value>()},
      {1, rc::gen::map(rc::gen::arbitrary<bool>(), [](bool truth) { return Value(truth); })},
      {3, number()},
      {3, rc::gen::map(text(), [](const std::string& s) { return Value(s); })},
  });
}

Value object_of(const Members& members) {
  Value object = Value::empty_object();
  for (const auto& [name, value] : members) object.set(name, value);
  return object;
}

Value array_of(const std::vector<Value>& elements) {
  Value array = Value::empty_array();
  for (const Value& element : elements) array.push_back(element);
  return array;
}

Gen<Value> any(int depth);

Gen<Value> array(int depth) {
  const auto elements = rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 6), [depth](std::size_t count) {
    return rc::gen::container<std::vector<Value>>(count, any(depth - 1));
  });
  return rc::gen::map(elements, array_of);
}

Gen<Value> object(int depth) {
  const auto small = rc::gen::mapcat(rc::gen::inRange<std::size_t>(0, 6), [depth](std::size_t count) {
    return rc::gen::container<Members>(count, rc::gen::pair(key(), any(depth - 1)));
  });
  const auto large = rc::gen::mapcat(rc::gen::inRange<std::size_t>(14, 40), [](std::size_t count) {
    return rc::gen::container<Members>(count, rc::gen::pair(text(), number()));
  });
  return rc::gen::map(rc::gen::weightedOneOf<Members>({{12, small}, {1, large}}), object_of);
}

Gen<Value> any(int depth) {
  if (depth <= 0) return scalar();
  return rc::gen::weightedOneOf<Value>({
      {3, scalar()},
      {2, rc::gen::exec([depth] { return *array(depth); })},
      {3, rc::gen::exec([depth] { return *object(depth); })},
  });
}

bool once_in(int times) {
  return *rc::gen::inRange(0, times) == 0;
}

/// Draws, so only inside gen::exec.
Value edit(const Value& value, int depth) {
  if (once_in(12)) return *any(2);
  if (value.is_array()) {
    Value result = Value::empty_array();
    for (const Value& element : value.elements()) {
      if (once_in(8)) continue;
      if (once_in(8)) result.push_back(*any(1));
      result.insert_at(once_in(8) ? 0 : result.size(), depth > 0 ? edit(element, depth - 1) : element);
    }
    return result;
  }
  if (!value.is_object()) return value;
  Value result = Value::empty_object();
  for (const auto& [name, member] : value.members()) {
    if (once_in(8)) continue;
    if (once_in(8)) result.set(*key(), *any(1));
    result.set(name, depth > 0 ? edit(member, depth - 1) : member);
  }
  return result;
}

/// Draws, so only inside gen::exec.
Value shuffle(const Value& value) {
  if (value.is_array()) {
    Value result = Value::empty_array();
    for (const Value& element : value.elements()) result.push_back(shuffle(element));
    return result;
  }
  if (!value.is_object()) return value;
  Value rest = value;
  Value result = Value::empty_object();
  while (!rest.empty()) {
    const std::string name(rest.members()[*rc::gen::inRange<std::size_t>(0, rest.size())].key());
    result.set(name, shuffle(*rest.take(name)));
  }
  return result;
}

}  // namespace

rc::Gen<json::Value> arbitrary_json() {
  return any(kMaxDepth);
}

rc::Gen<json::Value> arbitrary_json_object() {
  return object(kMaxDepth);
}

rc::Gen<json::Value> edited_json(const json::Value& value) {
  return rc::gen::exec([value] { return edit(value, kMaxDepth); });
}

rc::Gen<json::Value> shuffled_json(const json::Value& value) {
  return rc::gen::exec([value] { return shuffle(value); });
}

}  // namespace klutch::testing
