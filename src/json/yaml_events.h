// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"

// YAML text as a stream of events. libyaml, behind the source file, is the C library that Kubernetes' YAML
// packages for Go were translated from, so both take the same texts. It keeps its state on the heap (nesting
// costs no stack), looks at most one line or 1024 characters ahead, and needs memory for the open levels and
// the longest scalar only. Internal to src/json; one owner, not thread-safe.

namespace klutch::json::detail {

/// A place in the text, both counted from 1; columns count characters.
struct YamlMark {
  std::size_t line = 1;
  std::size_t column = 1;
};

/// kBadRequest, or another `code`, with the place in front: "line 3, column 7: what".
[[nodiscard]] tl::unexpected<Error> fail_at(YamlMark mark, std::string_view what,
                                            Code code = Code::kBadRequest);

enum class YamlEventType : std::uint8_t {
  kDocumentStart,
  kDocumentEnd,
  kSequenceStart,
  kSequenceEnd,
  kMappingStart,
  kMappingEnd,
  kScalar,
  kAlias,
  kStreamEnd,
};

/// Its views die with the next call of next().
struct YamlEvent {
  YamlEventType type = YamlEventType::kStreamEnd;
  YamlMark mark;
  std::string_view anchor;  ///< Name that a node gets or an alias refers to; empty for none.
  std::string_view tag;     ///< Full form, such as "tag:yaml.org,2002:str"; empty for none.
  std::string_view text;    ///< Of a scalar, after unquoting and folding.
  bool plain = false;       ///< A scalar whose type its text decides: without quotes and tag.
};

class YamlEventReader {
 public:
  /// `text` must outlive the reader.
  explicit YamlEventReader(std::string_view text);
  ~YamlEventReader();
  YamlEventReader(const YamlEventReader&) = delete;
  YamlEventReader& operator=(const YamlEventReader&) = delete;

  /// The next event; kStreamEnd is the last. kBadRequest with the place when the text is not YAML; kTooLarge
  /// for texts whose reading would take time beyond proportion: thousands of %TAG directives, or very much
  /// text inside very deep flow style.
  Result<YamlEvent> next();

 private:
  struct Parser;
  Result<YamlEvent> translate();
  Result<> spend_time(YamlMark mark);
  [[nodiscard]] tl::unexpected<Error> failure() const;

  std::string_view text_;
  std::unique_ptr<Parser> parser_;
  bool started_ = false;
  std::uint64_t flow_steps_ = 0;
};

}  // namespace klutch::json::detail
