// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

// JSON text (RFC 8259) to values. Whole numbers stay exact (number.h); members keep their order. Stricter
// than Go: bytes that are not UTF-8 are refused rather than replaced; like Go, half a surrogate pair (\ud800)
// reads as U+FFFD. Stateless and thread-safe; no suspension. Failure: kBadRequest names the line, the column
// (in bytes, from 1) and what was wrong; kTooLarge names the limit that was passed.

namespace klutch::json {

enum class DuplicateKeys {
  kKeepLast,  ///< The last of several members with one key wins, in the place of the first.
  kReject,    ///< kBadRequest that names the path, for strict field validation.
};

struct ParseOptions {
  /// Open arrays and objects at one time. The parser of Boost.JSON calls itself once for each: 256 levels
  /// need 32 KiB of stack optimised and 160 KiB under AddressSanitizer (measured), where a fiber has 256 KiB.
  /// The deepest Kubernetes objects known, CRD schemas, have fewer than 100.
  std::size_t max_depth = 256;
  std::size_t max_bytes = std::size_t{16} << 20;
  DuplicateKeys duplicate_keys = DuplicateKeys::kKeepLast;
};

/// Parses one value; white space around it is allowed, anything else after it is an error.
Result<Value> parse(std::string_view text, const ParseOptions& options = {});

/// A value and what the text said twice.
struct Document {
  /// At most so many duplicate keys are reported.
  static constexpr std::size_t kMaxDuplicates = 100;

  Value value;
  std::vector<std::string>
      duplicate_keys;  ///< JSON pointers, such as "/spec/replicas"; each once, in order of the text.
};

/// As parse(), and reports duplicate keys unless they are rejected.
Result<Document> parse_document(std::string_view text, const ParseOptions& options = {});

}  // namespace klutch::json
