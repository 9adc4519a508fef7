// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/accept.h"

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace klutch::apiserver {
namespace {

/// More are not looked at.
constexpr std::size_t kMaxClauses = 64;

/// Where goautoneg, which API servers use, would swap two neighbours. This is no order: a wildcard gives way
/// to anything that names a type, whatever its quality.
bool goes_before(const AcceptClause& a, const AcceptClause& b) {
  return a.quality > b.quality || (a.type != "*" && b.type == "*") || (a.subtype != "*" && b.subtype == "*");
}

std::optional<AcceptClause> parse_clause(std::string_view text) {
  const auto parts = split(text, ';');
  AcceptClause clause;
  const auto type = split(trim(parts.front()), '/');
  clause.type = trim(type.front());
  if (type.size() > 2) return std::nullopt;
  if (type.size() == 2) clause.subtype = trim(type.back());
  if (clause.subtype.empty()) {
    if (clause.type != "*") return std::nullopt;
    clause.subtype = "*";
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto parameter = split_once(parts[i], "=");
    if (!parameter) continue;
    const std::string_view name = trim(parameter->first);
    const std::string_view value = trim(parameter->second);
    if (name == "q") {
      clause.quality = std::strtod(std::string(value).c_str(), nullptr);
    } else {
      clause.parameters.emplace_back(name, value);
    }
  }
  return clause;
}

/// strconv.ParseBool, where what is none is false.
bool parse_go_bool(std::string_view text) {
  return text == "1" || text == "t" || text == "T" || text == "true" || text == "TRUE" || text == "True";
}

}  // namespace

bool AcceptClause::accepts(std::string_view wanted_type, std::string_view wanted_subtype) const {
  return (type == "*" && subtype == "*") ||
         (type == wanted_type && (subtype == "*" || subtype == wanted_subtype));
}

std::string_view AcceptClause::parameter(std::string_view name) const {
  std::string_view value;
  for (const auto& [key, text] : parameters) {
    if (key == name) value = text;
  }
  return value;
}

std::vector<AcceptClause> parse_accept(std::string_view header) {
  std::vector<AcceptClause> clauses;
  for (const std::string_view part : split(header, ',')) {
    auto clause = parse_clause(part);
    if (!clause) continue;
    if (clauses.size() == kMaxClauses) break;
    clauses.push_back(std::move(*clause));
    for (std::size_t i = clauses.size() - 1; i > 0 && goes_before(clauses[i], clauses[i - 1]); --i) {
      std::swap(clauses[i], clauses[i - 1]);
    }
  }
  return clauses;
}

bool wants_pretty(const http::ServerRequest& request) {
  if (const auto pretty = request.query.get("pretty"); pretty && !pretty->empty()) {
    return parse_go_bool(*pretty);
  }
  const std::string_view agent = request.headers.get("User-Agent").value_or("");
  return agent.starts_with("curl") || agent.starts_with("Wget") || agent.starts_with("Mozilla/5.0");
}

}  // namespace klutch::apiserver
