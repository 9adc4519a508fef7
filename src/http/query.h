// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// The parameters of a query or of an HTML form: an ordered list of names and values, decoded. Two spellings
// exist for a space: forms write '+' (application/x-www-form-urlencoded), RFC 3986 writes %20. A plain value
// type; only parsing can fail.

namespace klutch::http {

class Query {
 public:
  struct Parameter {
    std::string name;
    std::string value;
    bool operator==(const Parameter&) const = default;
  };

  /// Parsing more parameters than this is kTooLarge.
  static constexpr std::size_t kMaxParameters = 1000;

  Query() = default;
  Query(std::initializer_list<std::pair<std::string_view, std::string_view>> parameters);

  /// Parses a query as servers do, where '+' and %20 both mean a space. Empty pieces ("a=1&&b=2") are
  /// skipped; a piece without '=' has an empty value. kInvalid for a '%' without two hexadecimal digits.
  static Result<Query> parse_form(std::string_view text);
  /// The same where '+' means itself, as RFC 3986 has it.
  static Result<Query> parse_rfc3986(std::string_view text);

  /// Appends, also if the name is present already.
  Query& add(std::string_view name, std::string_view value);
  /// Replaces every parameter of that name.
  Query& set(std::string_view name, std::string_view value);

  /// The first value of that name (names are case-sensitive), or nothing. Valid until the query changes.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  /// Every value of that name, in order.
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;

  [[nodiscard]] std::size_t size() const noexcept { return parameters_.size(); }
  [[nodiscard]] bool empty() const noexcept { return parameters_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return parameters_.begin(); }
  [[nodiscard]] auto end() const noexcept { return parameters_.end(); }
  bool operator==(const Query&) const = default;

  /// "a=1&b=x%20y": right for a URL and understood by every parser of forms.
  [[nodiscard]] std::string to_string() const;
  /// "a=1&b=x+y": the body of application/x-www-form-urlencoded.
  [[nodiscard]] std::string to_form() const;

 private:
  std::vector<Parameter> parameters_;
};

}  // namespace klutch::http
