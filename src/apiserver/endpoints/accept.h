// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "http/request.h"

// The Accept header as API servers read it: in an order of their own, and more forgiving than RFC 9110
// §12.5.1. Pure functions; what they return refers to the header's text.
//
//   const std::string header = request.headers.joined("Accept");
//   for (const AcceptClause& clause : parse_accept(header)) ...  // what the client likes best comes first

namespace klutch::apiserver {

/// One alternative of an Accept header.
struct AcceptClause {
  std::string_view type = {};
  std::string_view subtype = {};
  double quality = 1;
  std::vector<std::pair<std::string_view, std::string_view>> parameters = {};  ///< without `q`

  [[nodiscard]] bool accepts(std::string_view wanted_type, std::string_view wanted_subtype) const;
  /// The last of that name; empty if there is none.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

/// The alternatives in the order in which to try them; at most 64. What cannot be read is left out.
std::vector<AcceptClause> parse_accept(std::string_view header);

/// Whether a person reads the answer: asked for in the query, or known by the user agent.
bool wants_pretty(const http::ServerRequest& request);

}  // namespace klutch::apiserver
