// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <rapidcheck/gen/Arbitrary.h>

#include "json/value.h"

// Random JSON values for property tests (rapidcheck). Any rapidcheck property may take a json::Value
// parameter once this is included. Link klutch::testing_json.

namespace klutch::testing {

/// Values of every kind, up to 5 levels deep, with keys that often coincide, now and then objects large
/// enough for hashed lookup, and strings of any Unicode characters. Every value reads back equal from its
/// printed text: whole doubles between 2^53 and 2^64, whose last digits Go's format drops, do not occur.
rc::Gen<json::Value> arbitrary_json();

/// As arbitrary_json(), but always an object.
rc::Gen<json::Value> arbitrary_json_object();

/// What `value` may look like after a few edits: members and elements changed, removed, added or moved.
rc::Gen<json::Value> edited_json(const json::Value& value);

/// The same value with the members of all objects in another order.
rc::Gen<json::Value> shuffled_json(const json::Value& value);

}  // namespace klutch::testing

template <>
struct rc::Arbitrary<klutch::json::Value> {
  static Gen<klutch::json::Value> arbitrary() { return klutch::testing::arbitrary_json(); }
};
