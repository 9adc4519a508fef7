// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "apiserver/cel/value.h"

// What selection and indexing do to values. Pure functions. Internal.

namespace klutch::apiserver::cel {

struct Qualified {
  enum class Outcome : std::uint8_t { kFound, kAbsent, kFailed } outcome;
  Value value = {};  ///< kFound: what was found. kFailed: the error.
};

/// object.key or object[key]. With `may_be_absent`, what is not there is kAbsent; otherwise kFailed says so.
Qualified qualify(const Value& object, const Value& key, bool may_be_absent);

/// Whether a value can stand in brackets; "invalid qualifier type: types.Bytes" otherwise.
bool is_qualifier(const Value& key) noexcept;
Value invalid_qualifier(const Value& key);

/// What is left of the content of an optional when a variable or part of a chain of selections holds it: Go's
/// native value, which has no schema, and for some types no way back.
Value native_content(const Value& content);

}  // namespace klutch::apiserver::cel
