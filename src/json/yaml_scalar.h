// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "json/value.h"

// What the text of one YAML scalar means: the YAML 1.1 rules as Kubernetes' tools apply them (yes and on are
// booleans, 017 and 0o17 are fifteen, 1_000 is a thousand, 1:30 and dates are strings). Used by the reader to
// resolve and by the writer to know what it must quote. Internal to src/json; stateless and thread-safe.

namespace klutch::json::detail {

enum class ScalarType : std::uint8_t {
  kNull,
  kBool,
  kInt,
  kFloat,
  kNotFinite,  ///< .inf, -.inf and .nan: YAML numbers that JSON cannot hold.
  kTimestamp,  ///< Stays text.
  kString,
};

struct Scalar {
  ScalarType type = ScalarType::kString;
  Value value;  ///< For kNotFinite the text of the number: ".inf", "-.inf" or ".nan".
};

/// A plain (unquoted, untagged) scalar.
Scalar resolve_plain(std::string_view text);

/// A scalar with an explicit `tag` such as "tag:yaml.org,2002:int". Unknown tags give the text as a string.
/// kBadRequest when the text does not fit the tag, is not finite, or !!binary data is not base64 of UTF-8.
Result<Value> resolve_tagged(std::string_view tag, std::string_view text);

/// The JSON key for a mapping key that resolved to `key`: numbers and booleans become their text. kBadRequest
/// for null, for integers above INT64_MAX and for arrays and objects, as in Kubernetes' tools.
Result<std::string> key_text(const Value& key);

/// Whether YAML 1.1 readers take `text` for a number to base 60, such as "1:30". We never do, but must quote
/// it.
bool looks_sexagesimal(std::string_view text) noexcept;

/// Whether `text` is a date or time that YAML 1.1 resolves to a timestamp, such as "2001-12-14" or
/// "2001-12-14t21:59:43.10-05:00".
bool looks_like_timestamp(std::string_view text) noexcept;

/// Appends `number` (finite) as Go's strconv.FormatFloat(number, 'g', -1, 64): shortest digits, with an
/// exponent when it is below -4 or above 5. For float, 32 bits.
void append_general(std::string& out, double number);
void append_general(std::string& out, float number);

}  // namespace klutch::json::detail
