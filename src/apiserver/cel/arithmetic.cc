// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/arithmetic.h"

#include <cmath>
#include <limits>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "apiserver/cel/go_time.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/schema.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::int64_t kSecondNanos = 1'000'000'000;

Value wrong_operand(const Value& operand) {
  return operand.is_error() ? operand : Value::no_such_overload();
}

Value int_overflow() {
  return Value::error("integer overflow");
}

Value uint_overflow() {
  return Value::error("unsigned integer overflow");
}

int sign_of(auto left, auto right) {
  return left < right ? -1 : left > right ? 1 : 0;
}

int compare_double_to_int(double left, std::int64_t right) {
  if (left < -9223372036854775808.0) return -1;
  if (left > 9223372036854775808.0) return 1;
  return sign_of(left, static_cast<double>(right));
}

int compare_double_to_uint(double left, std::uint64_t right) {
  if (left < 0) return -1;
  if (left > 18446744073709551616.0) return 1;
  return sign_of(left, static_cast<double>(right));
}

int compare_int_to_uint(std::int64_t left, std::uint64_t right) {
  if (left < 0 || right > std::numeric_limits<std::int64_t>::max()) return -1;
  return sign_of(static_cast<std::uint64_t>(left), right);
}

Value add_to_timestamp(const Timestamp& time, std::int64_t nanos) {
  Timestamp sum = time;
  std::int64_t rest = static_cast<std::int64_t>(time.nanos) + nanos % kSecondNanos;
  std::int64_t seconds = nanos / kSecondNanos;
  if (rest < 0) {
    rest += kSecondNanos;
    --seconds;
  } else if (rest >= kSecondNanos) {
    rest -= kSecondNanos;
    ++seconds;
  }
  if (__builtin_add_overflow(time.seconds, seconds, &sum.seconds)) return int_overflow();
  if (sum.seconds < kMinTimestampSeconds || sum.seconds > kMaxTimestampSeconds) {
    return Value::error("timestamp overflow");
  }
  sum.nanos = static_cast<std::uint32_t>(rest);
  return Value::timestamp(sum);
}

Value difference(const Timestamp& left, const Timestamp& right) {
  const std::int64_t seconds = left.seconds - right.seconds;  // both within 9999 years
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(seconds, kSecondNanos, &nanos) ||
      __builtin_add_overflow(nanos, std::int64_t{left.nanos} - std::int64_t{right.nanos}, &nanos)) {
    return int_overflow();
  }
  return Value::duration(nanos);
}

Value concatenate(const Value& left, const Value& right) {
  auto* list = new detail::ListObject;
  list->reserve(left.size() + right.size());
  for (std::size_t i = 0; i < left.size(); ++i) list->add(left.element(i));
  for (std::size_t i = 0; i < right.size(); ++i) list->add(right.element(i));
  return Value::adopt(Kind::kList, list);
}

/// What a schema makes of an element that another list brought along.
Value adapted(const Schema& items, const Value& element) {
  const json::Value* content = element.json_content();
  if (content != nullptr) return Value::from_json(*content, items);
  return element;
}

/// Lists of a custom resource: a set keeps one of each, a map-list replaces elements with the same key.
Value add_lists_with_schema(const Value& left, const Value& right) {
  const Schema& schema = *left.schema();
  auto* list = new detail::ListObject;
  Value sum = Value::adopt(Kind::kList, list);
  list->schema = &schema;
  for (std::size_t i = 0; i < left.size(); ++i) list->add(left.element(i));
  std::unordered_map<std::string, std::size_t> places;
  const auto key_of = [&](const Value& element) {
    return schema.list_type() == Schema::ListType::kSet ? native_key(element) : map_list_key(schema, element);
  };
  const bool keyed = schema.list_type() != Schema::ListType::kAtomic;
  for (std::size_t i = 0; keyed && i < left.size(); ++i) {
    places[schema.list_type() == Schema::ListType::kSet ? native_key(left, i) : key_of(list->elements()[i])] =
        i;
  }
  for (std::size_t i = 0; i < right.size(); ++i) {
    Value element = adapted(*schema.elements(), right.element(i));
    if (keyed) {
      const auto [place, is_new] = places.try_emplace(key_of(element), list->elements().size());
      if (!is_new) {
        if (schema.list_type() == Schema::ListType::kMap) list->replace(place->second, std::move(element));
        continue;
      }
    }
    list->add(std::move(element));
  }
  return sum;
}

Value add_lists(const Value& left, const Value& right) {
  if (right.kind() != Kind::kList) return wrong_operand(right);
  if (left.schema() != nullptr) return add_lists_with_schema(left, right);
  if (left.size() == 0) return right;
  if (right.size() == 0) return left;
  return concatenate(left, right);
}

Value add_texts(const Value& left, const Value& right) {
  std::string text(left.as_text());
  text += right.as_text();
  return left.kind() == Kind::kString ? Value::string(text) : Value::bytes(text);
}

}  // namespace

bool is_number(const Value& value) noexcept {
  return value.kind() == Kind::kInt || value.kind() == Kind::kUint || value.kind() == Kind::kDouble;
}

bool is_addable(Kind kind) noexcept {
  switch (kind) {
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kList:
    case Kind::kDuration:
    case Kind::kTimestamp: return true;
    default: return false;
  }
}

bool is_comparable(Kind kind) noexcept {
  return kind == Kind::kBool || (is_addable(kind) && kind != Kind::kList);
}

int compare_numbers(const Value& left, const Value& right) noexcept {
  if (left.kind() == Kind::kDouble) {
    if (std::isnan(left.as_double())) return 2;
    if (right.kind() == Kind::kInt) return compare_double_to_int(left.as_double(), right.as_int());
    if (right.kind() == Kind::kUint) return compare_double_to_uint(left.as_double(), right.as_uint());
    if (std::isnan(right.as_double())) return 2;
    return sign_of(left.as_double(), right.as_double());
  }
  if (right.kind() == Kind::kDouble) {
    const int reversed = compare_numbers(right, left);
    return reversed == 2 ? 2 : -reversed;
  }
  if (left.kind() == right.kind()) {
    return left.kind() == Kind::kInt ? sign_of(left.as_int(), right.as_int())
                                     : sign_of(left.as_uint(), right.as_uint());
  }
  if (left.kind() == Kind::kInt) return compare_int_to_uint(left.as_int(), right.as_uint());
  return -compare_int_to_uint(right.as_int(), left.as_uint());
}

int compare_timestamps(const Timestamp& left, const Timestamp& right) noexcept {
  const int seconds = sign_of(left.seconds, right.seconds);
  return seconds != 0 ? seconds : sign_of(left.nanos, right.nanos);
}

Value compare(const Value& left, const Value& right) {
  if (is_number(left)) {
    if (left.kind() == Kind::kDouble && std::isnan(left.as_double())) {
      return Value::error("NaN values cannot be ordered");
    }
    if (!is_number(right)) return wrong_operand(right);
    const int order = compare_numbers(left, right);
    return order == 2 ? Value::error("NaN values cannot be ordered") : Value::integer(order);
  }
  if (left.kind() != right.kind()) return wrong_operand(right);
  switch (left.kind()) {
    case Kind::kBool: return Value::integer(sign_of(left.as_bool(), right.as_bool()));
    case Kind::kString:
    case Kind::kBytes: return Value::integer(sign_of(left.as_text().compare(right.as_text()), 0));
    case Kind::kDuration: return Value::integer(sign_of(left.as_duration(), right.as_duration()));
    case Kind::kTimestamp:
      return Value::integer(compare_timestamps(left.as_timestamp(), right.as_timestamp()));
    default: return Value::no_such_overload();
  }
}

Value add(const Value& left, const Value& right) {
  if (left.kind() == Kind::kList) return add_lists(left, right);
  if (left.kind() == Kind::kDuration && right.kind() == Kind::kTimestamp) {
    return add_to_timestamp(right.as_timestamp(), left.as_duration());
  }
  if (left.kind() == Kind::kTimestamp && right.kind() == Kind::kDuration) {
    return add_to_timestamp(left.as_timestamp(), right.as_duration());
  }
  if (left.kind() != right.kind()) return wrong_operand(right);
  std::int64_t sum = 0;
  std::uint64_t usum = 0;
  switch (left.kind()) {
    case Kind::kInt:
      return __builtin_add_overflow(left.as_int(), right.as_int(), &sum) ? int_overflow()
                                                                         : Value::integer(sum);
    case Kind::kUint:
      return __builtin_add_overflow(left.as_uint(), right.as_uint(), &usum) ? uint_overflow()
                                                                            : Value::uinteger(usum);
    case Kind::kDouble: return Value::real(left.as_double() + right.as_double());
    case Kind::kDuration:
      return __builtin_add_overflow(left.as_duration(), right.as_duration(), &sum) ? int_overflow()
                                                                                   : Value::duration(sum);
    case Kind::kString:
    case Kind::kBytes: return add_texts(left, right);
    default: return Value::no_such_overload();
  }
}

Value subtract(const Value& left, const Value& right) {
  if (left.kind() == Kind::kTimestamp && right.kind() == Kind::kDuration) {
    const Value negated = negate(right);
    return negated.is_error() ? negated : add_to_timestamp(left.as_timestamp(), negated.as_duration());
  }
  if (left.kind() != right.kind()) return wrong_operand(right);
  std::int64_t rest = 0;
  switch (left.kind()) {
    case Kind::kInt:
      return __builtin_sub_overflow(left.as_int(), right.as_int(), &rest) ? int_overflow()
                                                                          : Value::integer(rest);
    case Kind::kUint:
      return right.as_uint() > left.as_uint() ? uint_overflow()
                                              : Value::uinteger(left.as_uint() - right.as_uint());
    case Kind::kDouble: return Value::real(left.as_double() - right.as_double());
    case Kind::kDuration:
      return __builtin_sub_overflow(left.as_duration(), right.as_duration(), &rest) ? int_overflow()
                                                                                    : Value::duration(rest);
    case Kind::kTimestamp: return difference(left.as_timestamp(), right.as_timestamp());
    default: return Value::no_such_overload();
  }
}

Value multiply(const Value& left, const Value& right) {
  if (left.kind() != right.kind()) return wrong_operand(right);
  std::int64_t product = 0;
  std::uint64_t uproduct = 0;
  switch (left.kind()) {
    case Kind::kInt:
      return __builtin_mul_overflow(left.as_int(), right.as_int(), &product) ? int_overflow()
                                                                             : Value::integer(product);
    case Kind::kUint:
      return __builtin_mul_overflow(left.as_uint(), right.as_uint(), &uproduct) ? uint_overflow()
                                                                                : Value::uinteger(uproduct);
    case Kind::kDouble: return Value::real(left.as_double() * right.as_double());
    default: return Value::no_such_overload();
  }
}

Value divide(const Value& left, const Value& right) {
  if (left.kind() != right.kind()) return wrong_operand(right);
  switch (left.kind()) {
    case Kind::kInt:
      if (right.as_int() == 0) return Value::error("division by zero");
      if (left.as_int() == INT64_MIN && right.as_int() == -1) return int_overflow();
      return Value::integer(left.as_int() / right.as_int());
    case Kind::kUint:
      if (right.as_uint() == 0) return Value::error("division by zero");
      return Value::uinteger(left.as_uint() / right.as_uint());
    case Kind::kDouble: {
      const volatile double divisor =
          right.as_double();  // division by zero is an infinity here, not an accident
      return Value::real(left.as_double() / divisor);
    }
    default: return Value::no_such_overload();
  }
}

Value modulo(const Value& left, const Value& right) {
  if (left.kind() != right.kind()) return wrong_operand(right);
  switch (left.kind()) {
    case Kind::kInt:
      if (right.as_int() == 0) return Value::error("modulus by zero");
      if (left.as_int() == INT64_MIN && right.as_int() == -1) return int_overflow();
      return Value::integer(left.as_int() % right.as_int());
    case Kind::kUint:
      if (right.as_uint() == 0) return Value::error("modulus by zero");
      return Value::uinteger(left.as_uint() % right.as_uint());
    default: return Value::no_such_overload();
  }
}

Value negate(const Value& operand) {
  switch (operand.kind()) {
    case Kind::kInt:
      return operand.as_int() == INT64_MIN ? int_overflow() : Value::integer(-operand.as_int());
    case Kind::kDouble: return Value::real(-operand.as_double());
    case Kind::kDuration:
      return operand.as_duration() == INT64_MIN ? int_overflow() : Value::duration(-operand.as_duration());
    default: return wrong_operand(operand);
  }
}

Value contains(const Value& container, const Value& element) {
  if (container.kind() == Kind::kMap) {
    auto found = container.find(element);
    if (found && found->is_error()) return *std::move(found);
    return Value::boolean(found.has_value());
  }
  if (container.kind() != Kind::kList) return wrong_operand(container);
  const bool has_schema = container.schema() != nullptr;
  Value error = Value::boolean(false);
  for (std::size_t i = 0; i < container.size(); ++i) {
    const Value candidate = container.element(i);
    const Value equal = has_schema ? equal_values(candidate, element) : equal_values(element, candidate);
    if (equal.is_bool(true)) return equal;
    if (has_schema && equal.is_error() && !error.is_error()) error = equal;
  }
  return error;
}

std::string go_type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kError: return "*types.Err";
    case Kind::kNull: return "types.Null";
    case Kind::kBool: return "types.Bool";
    case Kind::kInt: return "types.Int";
    case Kind::kUint: return "types.Uint";
    case Kind::kDouble: return "types.Double";
    case Kind::kString: return "types.String";
    case Kind::kBytes: return "types.Bytes";
    case Kind::kTimestamp: return "types.Timestamp";
    case Kind::kDuration: return "types.Duration";
    case Kind::kType: return "*types.Type";
    case Kind::kList: return "*types.baseList";
    case Kind::kMap: return "*types.baseMap";
    case Kind::kOptional: return "*types.Optional";
    case Kind::kUnknown: return "*common.unknownPreserved";
    case Kind::kOpaque: {
      const std::string_view name = value.type_name();
      return "cel." + std::string(name.substr(name.rfind('.') + 1));
    }
  }
  return "";
}

}  // namespace klutch::apiserver::cel
