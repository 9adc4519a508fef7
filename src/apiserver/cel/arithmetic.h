// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "apiserver/cel/value.h"

// The operators of CEL on values whose kinds are known only at run time. An operand of a wrong kind gives an
// error value, never a crash. Pure functions. Internal.

namespace klutch::apiserver::cel {

class Schema;

bool is_number(const Value& value) noexcept;
/// Whether <, >, min() and sort() know values of this kind.
bool is_comparable(Kind kind) noexcept;
/// Whether values of this kind can stand left of +.
bool is_addable(Kind kind) noexcept;

/// -1, 0 or 1 by mathematical value, whatever the kinds; NaN equals nothing and gives 2.
int compare_numbers(const Value& left, const Value& right) noexcept;
int compare_timestamps(const Timestamp& left, const Timestamp& right) noexcept;
/// -1, 0 or 1 as an int value, or an error.
Value compare(const Value& left, const Value& right);

/// left == right where neither is known to be null; Value::equals() is what == means.
Value equal_values(const Value& left, const Value& right);

Value add(const Value& left, const Value& right);
Value subtract(const Value& left, const Value& right);
Value multiply(const Value& left, const Value& right);
Value divide(const Value& left, const Value& right);
Value modulo(const Value& left, const Value& right);
Value negate(const Value& operand);
/// `element in container`.
Value contains(const Value& container, const Value& element);

/// The name of the Go type behind a value: "types.Int", "*types.baseList".
std::string go_type_name(const Value& value);

/// A text that is equal for elements that Go's decoder makes equal; kinds matter (1 is not 1.0).
std::string native_key(const Value& value);
/// As native_key(), of an element of a list.
std::string native_key(const Value& list, std::size_t index);
/// As native_key(), of the key fields of an element of a list with x-kubernetes-list-type: map.
std::string map_list_key(const Schema& schema, const Value& element);

}  // namespace klutch::apiserver::cel
