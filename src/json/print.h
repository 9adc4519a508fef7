// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/value.h"

// Values to JSON text, byte for byte as Go's encoding/json (1.22 and later) prints the same data in the same
// order, so that what we write equals what Kubernetes' own tools write. Stateless and thread-safe; does not
// recurse; cannot fail. A double that is whole prints without a point and so reads back as an integer: equal
// by ==, if below 2^53.

namespace klutch::json {

struct PrintOptions {
  /// Prints < > & as \u003c \u003e \u0026, as Go does unless SetEscapeHTML(false). U+2028 and U+2029 always
  /// are escaped.
  bool escape_html = true;
  /// Spaces per level, one line per member, as Go's MarshalIndent; 0 prints everything on one line without
  /// spaces.
  int indent = 0;
};

/// Compact JSON text. Bytes in strings that are not UTF-8 print as \ufffd.
std::string print(const Value& value, PrintOptions options = {});

/// As print(), appended to `out`.
void print_to(std::string& out, const Value& value, PrintOptions options = {});

/// As `kubectl -o json`: four spaces per level; no newline at the end.
std::string print_pretty(const Value& value, int indent = 4);

/// Appends `text` as a JSON string with quotes.
void print_string_to(std::string& out, std::string_view text, PrintOptions options = {});

/// The one text of all equal values: compact, members sorted bytewise by key as Go prints maps, and doubles
/// that are whole and fit an integer printed as that exact integer (Go would round their digits), so
/// canonical(1.0) is "1".
std::string canonical(const Value& value);

/// FNV-1a, 64 bits, over the bytes of canonical(). Stable across versions and machines. Finds changes; it is
/// not cryptographic, so never trust it where somebody gains from a collision.
std::uint64_t hash(const Value& value);

}  // namespace klutch::json
