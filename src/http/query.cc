// SPDX-License-Identifier: Apache-2.0
#include "http/query.h"

#include <algorithm>

#include "base/strings.h"

namespace klutch::http {
namespace {

enum class Plus { kMeansSpace, kMeansItself };

Result<std::string> decode_piece(std::string_view text, Plus plus) {
  if (plus == Plus::kMeansItself || text.find('+') == std::string_view::npos) return percent_decode(text);
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

Result<Query> parse_parameters(std::string_view text, Plus plus) {
  Query query;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto piece = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (piece.empty()) continue;
    if (query.size() == Query::kMaxParameters) {
      return fail(Code::kTooLarge,
                  "the query has more than " + std::to_string(Query::kMaxParameters) + " parameters");
    }
    const auto equals = piece.find('=');
    const auto name =
        TRY(decode_piece(piece.substr(0, equals), plus).map_error(context("cannot parse the query")));
    const auto raw = equals == std::string_view::npos ? std::string_view{} : piece.substr(equals + 1);
    const auto value = decode_piece(raw, plus);
    if (!value)
      return fail(Code::kInvalid, "the query parameter " + quote(name) + " is badly percent-encoded");
    query.add(name, *value);
  }
  return query;
}

std::string print_parameters(const Query& query, std::string_view space) {
  std::string out;
  const auto append = [&](std::string_view text) {
    while (true) {
      const auto end = text.find(' ');
      out += percent_encode(text.substr(0, end));
      if (end == std::string_view::npos) return;
      out += space;
      text.remove_prefix(end + 1);
    }
  };
  for (const auto& [name, value] : query) {
    if (!out.empty()) out += '&';
    append(name);
    out += '=';
    append(value);
  }
  return out;
}

}  // namespace

Query::Query(std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
  for (const auto& [name, value] : parameters) add(name, value);
}

Result<Query> Query::parse_form(std::string_view text) {
  return parse_parameters(text, Plus::kMeansSpace);
}

Result<Query> Query::parse_rfc3986(std::string_view text) {
  return parse_parameters(text, Plus::kMeansItself);
}

Query& Query::add(std::string_view name, std::string_view value) {
  parameters_.push_back({std::string(name), std::string(value)});
  return *this;
}

Query& Query::set(std::string_view name, std::string_view value) {
  std::erase_if(parameters_, [&](const Parameter& parameter) { return parameter.name == name; });
  return add(name, value);
}

std::optional<std::string_view> Query::get(std::string_view name) const noexcept {
  for (const auto& parameter : parameters_) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

std::vector<std::string_view> Query::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& parameter : parameters_) {
    if (parameter.name == name) values.push_back(parameter.value);
  }
  return values;
}

std::string Query::to_string() const {
  return print_parameters(*this, "%20");
}

std::string Query::to_form() const {
  return print_parameters(*this, "+");
}

}  // namespace klutch::http
