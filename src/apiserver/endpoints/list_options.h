// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/storage/stored_object.h"
#include "base/result.h"
#include "http/query.h"
#include "kube/api/resource.h"

// What a list or watch asks for besides selectors, checked as API servers check it, and the tokens that carry
// a list from one page to the next. Pure functions.

namespace klutch::apiserver {

struct ListOptions {
  enum class Match { kUnset, kExact, kNotOlderThan };

  /// As sent; empty and "0" are no versions.
  std::string resource_version = {};
  Match match = Match::kUnset;
  std::string continue_token = {};
  std::int64_t limit = 0;  ///< not positive: none
  // Of watches.
  std::optional<bool> send_initial_events = {};
  bool bookmarks = false;
  std::optional<std::int64_t> timeout_seconds = {};
};

/// kBadRequest for what cannot be read; kInvalid, carrying a Status of kind ListOptions, for options that do
/// not go together.
Result<ListOptions> read_list_options(const http::Query& query, bool watch);

/// kInvalid in the words of Go: `strconv.ParseUint: parsing "x": invalid syntax`. Empty is 0.
Result<Revision> parse_revision(std::string_view text);

/// Where a list goes on.
struct ContinueToken {
  /// The snapshot; nothing: whatever there is then.
  std::optional<Revision> revision = {};
  kube::Key after = {};

  [[nodiscard]] std::string encode() const;
  /// kBadRequest; says nothing of what is inside.
  static Result<ContinueToken> decode(std::string_view text);
};

}  // namespace klutch::apiserver
