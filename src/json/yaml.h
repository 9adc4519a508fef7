// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/parse.h"
#include "json/value.h"

// YAML text to values and back, as Kubernetes' tools read and write it (sigs.k8s.io/yaml 1.6: YAML 1.1 with
// JSON's data model). Reading: yes, no, on, off are booleans; 017, 0o17, 0x1f, 1_000 are integers; dates stay
// text; keys that are not strings become strings; anchors, aliases and merge keys (<<) are expanded; unknown
// tags are ignored. Writing: block style, keys sorted as kubectl does, text that would read as another type
// is quoted, long lines are folded after column 80. Stateless and thread-safe; no suspension; stack use does
// not grow with nesting, except for JSON text as in parse.h. Failure: kBadRequest names line and column (from
// 1, in characters) and what was wrong; kTooLarge names the limit that was passed.

namespace klutch::json {

struct YamlOptions {
  std::size_t max_bytes = std::size_t{16} << 20;
  /// Open sequences and mappings at one time, aliases included. As ParseOptions::max_depth, because what is
  /// read as YAML is later written and read as JSON.
  std::size_t max_depth = 256;
  /// Documents other than empty ones, in a stream.
  std::size_t max_documents = 10'000;
  /// Nodes that one text may repeat by anchors, aliases and merge keys; long strings count one for every 64
  /// bytes. Stops texts that grow exponentially ("billion laughs").
  std::size_t max_alias_nodes = 100'000;
  /// Keys that are written after a merge key and override what it brought are not duplicates.
  DuplicateKeys duplicate_keys = DuplicateKeys::kKeepLast;
};

/// A key that a mapping contains again.
struct YamlDuplicateKey {
  std::string path;  ///< JSON pointer, such as "/spec/replicas".
  std::size_t line;  ///< Of the repetition, from 1.
};

/// One document of a stream.
struct YamlDocument {
  /// At most so many duplicate keys are reported.
  static constexpr std::size_t kMaxDuplicates = 100;

  Value value;
  std::size_t line = 1;                          ///< Where its content begins, from 1.
  std::vector<YamlDuplicateKey> duplicate_keys;  ///< In order of the text.
};

/// Reads the one document of `text`; null when there is none. Two or more (empty ones aside) are kBadRequest.
Result<Value> parse_yaml(std::string_view text, const YamlOptions& options = {});

/// Reads all documents of a stream in order. Empty ones (nothing, comments or null) are left out, as kubectl
/// does. A mistake in one fails the whole.
Result<std::vector<YamlDocument>> parse_yaml_documents(std::string_view text,
                                                       const YamlOptions& options = {});

struct YamlPrintOptions {
  /// Keys in the order of Kubernetes' tools: letters after everything else, runs of digits by their value. If
  /// not, in the order of the value.
  bool sort_keys = true;
};

/// One document without "---", ending in a newline; byte for byte what `kubectl -o yaml` prints. Every line
/// begins with up to two spaces per level, so the text may be many times larger than the same as JSON.
/// Exceptions, where that would not read back: the key "<<" is quoted. Bytes that are not UTF-8 print as
/// U+FFFD. Cannot fail.
std::string print_yaml(const Value& value, YamlPrintOptions options = {});

}  // namespace klutch::json
