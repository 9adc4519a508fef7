// SPDX-License-Identifier: Apache-2.0
// Operators, and the functions that are as general: size(), type(), dyn(), matches().
#include <array>
#include <string>

#include "apiserver/cel/arithmetic.h"
#include "apiserver/cel/functions.h"
#include "apiserver/cel/go_text.h"
#include "apiserver/schema/pattern.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::array kOperators = {
    OverloadSpec{"!_", "logical_not", "(bool) -> bool"},
    OverloadSpec{"-_", "negate_double", "(double) -> double"},
    OverloadSpec{"-_", "negate_int64", "(int) -> int"},
    OverloadSpec{"@in", "in_list", "(A, list(A)) -> bool"},
    OverloadSpec{"@in", "in_map", "(A, map(A, B)) -> bool"},
    OverloadSpec{"@not_strictly_false", "not_strictly_false", "(bool) -> bool"},
    OverloadSpec{"_==_", "equals", "(A, A) -> bool"},
    OverloadSpec{"_!=_", "not_equals", "(A, A) -> bool"},
    OverloadSpec{"_&&_", "logical_and", "(bool, bool) -> bool"},
    OverloadSpec{"_||_", "logical_or", "(bool, bool) -> bool"},
    OverloadSpec{"_?_:_", "conditional", "(bool, A, A) -> A"},
    OverloadSpec{"_%_", "modulo_int64", "(int, int) -> int"},
    OverloadSpec{"_%_", "modulo_uint64", "(uint, uint) -> uint"},
    OverloadSpec{"_*_", "multiply_double", "(double, double) -> double"},
    OverloadSpec{"_*_", "multiply_int64", "(int, int) -> int"},
    OverloadSpec{"_*_", "multiply_uint64", "(uint, uint) -> uint"},
    OverloadSpec{"_+_", "add_bytes", "(bytes, bytes) -> bytes"},
    OverloadSpec{"_+_", "add_double", "(double, double) -> double"},
    OverloadSpec{"_+_", "add_duration_duration", "(duration, duration) -> duration"},
    OverloadSpec{"_+_", "add_duration_timestamp", "(duration, timestamp) -> timestamp"},
    OverloadSpec{"_+_", "add_timestamp_duration", "(timestamp, duration) -> timestamp"},
    OverloadSpec{"_+_", "add_int64", "(int, int) -> int"},
    OverloadSpec{"_+_", "add_list", "(list(A), list(A)) -> list(A)"},
    OverloadSpec{"_+_", "add_string", "(string, string) -> string"},
    OverloadSpec{"_+_", "add_uint64", "(uint, uint) -> uint"},
    OverloadSpec{"_-_", "subtract_double", "(double, double) -> double"},
    OverloadSpec{"_-_", "subtract_duration_duration", "(duration, duration) -> duration"},
    OverloadSpec{"_-_", "subtract_int64", "(int, int) -> int"},
    OverloadSpec{"_-_", "subtract_timestamp_duration", "(timestamp, duration) -> timestamp"},
    OverloadSpec{"_-_", "subtract_timestamp_timestamp", "(timestamp, timestamp) -> duration"},
    OverloadSpec{"_-_", "subtract_uint64", "(uint, uint) -> uint"},
    OverloadSpec{"_/_", "divide_double", "(double, double) -> double"},
    OverloadSpec{"_/_", "divide_int64", "(int, int) -> int"},
    OverloadSpec{"_/_", "divide_uint64", "(uint, uint) -> uint"},
    OverloadSpec{"_[_]", "index_list", "(list(A), int) -> A"},
    OverloadSpec{"_[_]", "index_map", "(map(A, B), A) -> B"},
    OverloadSpec{"dyn", "to_dyn", "(A) -> dyn"},
    OverloadSpec{"type", "type", "(A) -> type(A)"},
    OverloadSpec{"size", "size_bytes", "(bytes) -> int"},
    OverloadSpec{"size", "bytes_size", ".(bytes) -> int"},
    OverloadSpec{"size", "size_list", "(list(A)) -> int"},
    OverloadSpec{"size", "list_size", ".(list(A)) -> int"},
    OverloadSpec{"size", "size_map", "(map(A, B)) -> int"},
    OverloadSpec{"size", "map_size", ".(map(A, B)) -> int"},
    OverloadSpec{"size", "size_string", "(string) -> int"},
    OverloadSpec{"size", "string_size", ".(string) -> int"},
    OverloadSpec{"matches", "matches", "(string, string) -> bool"},
    OverloadSpec{"matches", "matches_string", ".(string, string) -> bool"},
};

Value not_an_overload(const Value& operand) {
  return operand.is_error() ? operand : Value::no_such_overload();
}

Value logical_not(Arguments a) {
  return a[0].kind() == Kind::kBool ? Value::boolean(!a[0].as_bool()) : not_an_overload(a[0]);
}

/// < <= > >=: which of the three orders make it true.
template <bool kBelow, bool kSame, bool kAbove>
Value ordered(Arguments a) {
  const Value order = compare(a[0], a[1]);
  if (order.is_error()) return order;
  if (order.as_int() < 0) return Value::boolean(kBelow);
  return Value::boolean(order.as_int() == 0 ? kSame : kAbove);
}

Value size_of(Arguments a) {
  switch (a[0].kind()) {
    case Kind::kString: return Value::integer(static_cast<std::int64_t>(count_code_points(a[0].as_text())));
    case Kind::kBytes: return Value::integer(static_cast<std::int64_t>(a[0].as_text().size()));
    default: return Value::integer(static_cast<std::int64_t>(a[0].size()));
  }
}

Value matches_pattern(Arguments a) {
  if (a[1].kind() != Kind::kString) return not_an_overload(a[1]);
  const Pattern pattern(a[1].as_text());
  if (const auto error = pattern.error()) return Value::error(*error);
  return Value::boolean(pattern.matches(a[0].as_text()));
}

bool has_size(const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kList:
    case Kind::kMap: return true;
    default: return false;
  }
}

bool is_negatable(const Value& value) {
  const Kind kind = value.kind();
  return kind == Kind::kInt || kind == Kind::kDouble || kind == Kind::kDuration || kind == Kind::kBool;
}

bool is_whole_number(const Value& value) {
  return value.kind() == Kind::kInt || value.kind() == Kind::kUint;
}

bool is_subtractable(const Value& value) {
  return is_number(value) || value.kind() == Kind::kDuration || value.kind() == Kind::kTimestamp;
}

bool is_addable_value(const Value& value) {
  return is_addable(value.kind());
}

bool is_comparable_value(const Value& value) {
  return is_comparable(value.kind());
}

bool is_string_value(const Value& value) {
  return value.kind() == Kind::kString;
}

constexpr std::array kOperatorSingletons = {
    SingletonSpec{"!_", CallShape::kUnary, logical_not},
    SingletonSpec{"-_", CallShape::kUnary, [](Arguments a) { return negate(a[0]); }, is_negatable},
    SingletonSpec{"@in", CallShape::kBinary, [](Arguments a) { return contains(a[1], a[0]); }},
    SingletonSpec{"_%_", CallShape::kBinary, [](Arguments a) { return modulo(a[0], a[1]); }, is_whole_number},
    SingletonSpec{"_*_", CallShape::kBinary, [](Arguments a) { return multiply(a[0], a[1]); }, is_number},
    SingletonSpec{"_+_", CallShape::kBinary, [](Arguments a) { return add(a[0], a[1]); }, is_addable_value},
    SingletonSpec{"_-_", CallShape::kBinary, [](Arguments a) { return subtract(a[0], a[1]); },
                  is_subtractable},
    SingletonSpec{"_/_", CallShape::kBinary, [](Arguments a) { return divide(a[0], a[1]); }, is_number},
    SingletonSpec{"_<_", CallShape::kBinary, ordered<true, false, false>, is_comparable_value},
    SingletonSpec{"_<=_", CallShape::kBinary, ordered<true, true, false>, is_comparable_value},
    SingletonSpec{"_>_", CallShape::kBinary, ordered<false, false, true>, is_comparable_value},
    SingletonSpec{"_>=_", CallShape::kBinary, ordered<false, true, true>, is_comparable_value},
    SingletonSpec{"_==_", CallShape::kBinary, [](Arguments a) { return a[0].equals(a[1]); }},
    SingletonSpec{"_!=_", CallShape::kBinary,
                  [](Arguments a) { return Value::boolean(!a[0].equals(a[1]).is_bool(true)); }},
    SingletonSpec{"dyn", CallShape::kUnary, [](Arguments a) { return a[0]; }},
    SingletonSpec{"type", CallShape::kUnary, [](Arguments a) { return Value::type(a[0].type_name()); }},
    SingletonSpec{"size", CallShape::kUnary, size_of, has_size},
    SingletonSpec{"matches", CallShape::kBinary, matches_pattern, is_string_value},
};

struct NamedPair {
  std::string_view id;
  std::string_view text;
};
constexpr std::array kComparisons = {NamedPair{"less_equals_", "_<=_"}, NamedPair{"less_", "_<_"},
                                     NamedPair{"greater_equals_", "_>=_"}, NamedPair{"greater_", "_>_"}};
constexpr std::array kComparedTypes = {
    NamedPair{"bool", "(bool, bool) -> bool"},
    NamedPair{"int64", "(int, int) -> bool"},
    NamedPair{"int64_double", "(int, double) -> bool"},
    NamedPair{"int64_uint64", "(int, uint) -> bool"},
    NamedPair{"uint64", "(uint, uint) -> bool"},
    NamedPair{"uint64_double", "(uint, double) -> bool"},
    NamedPair{"uint64_int64", "(uint, int) -> bool"},
    NamedPair{"double", "(double, double) -> bool"},
    NamedPair{"double_int64", "(double, int) -> bool"},
    NamedPair{"double_uint64", "(double, uint) -> bool"},
    NamedPair{"string", "(string, string) -> bool"},
    NamedPair{"bytes", "(bytes, bytes) -> bool"},
    NamedPair{"timestamp", "(timestamp, timestamp) -> bool"},
    NamedPair{"duration", "(duration, duration) -> bool"},
};

}  // namespace

std::span<const OverloadSpec> operator_overloads() {
  return kOperators;
}

std::span<const SingletonSpec> operator_singletons() {
  return kOperatorSingletons;
}

std::span<const OverloadSpec> comparison_overloads() {
  static const std::vector<std::string> kIds = [] {
    std::vector<std::string> ids;
    for (const NamedPair& comparison : kComparisons) {
      for (const NamedPair& types : kComparedTypes) ids.push_back(std::string(comparison.id) += types.id);
    }
    return ids;
  }();
  static const std::vector<OverloadSpec> kSpecs = [] {
    std::vector<OverloadSpec> specs;
    for (const NamedPair& comparison : kComparisons) {
      for (const NamedPair& types : kComparedTypes) {
        specs.push_back({comparison.text, kIds[specs.size()], types.text});
      }
    }
    return specs;
  }();
  return kSpecs;
}

}  // namespace klutch::apiserver::cel
