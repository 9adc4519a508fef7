// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"

// JSON Pointer (RFC 6901): the path to one value inside another, such as "/spec/ports/0". A Pointer owns its
// tokens and is independent of any document. Thread safety: as a vector. Results of find and get live as long
// as the document unchanged.

namespace klutch::json {

class Pointer {
 public:
  /// The whole document.
  Pointer() = default;
  /// Tokens as they are, without escapes.
  explicit Pointer(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}

  /// Reads "" or "/a~1b/0". kInvalid when it does not begin with '/' or '~' is not followed by 0 or 1.
  static Result<Pointer> parse(std::string_view text);

  /// Goes one level down, to the member `key` or the element `index`. Returns *this, for chains.
  Pointer& push(std::string_view key);
  Pointer& push(std::size_t index);
  /// Goes one level up; not on the whole document (CHECK).
  void pop();
  /// The pointer one level up; not of the whole document (CHECK).
  [[nodiscard]] Pointer parent() const;
  /// The last token; not of the whole document (CHECK).
  [[nodiscard]] const std::string& back() const;

  [[nodiscard]] const std::vector<std::string>& tokens() const noexcept { return tokens_; }
  /// Whether this is the whole document.
  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }
  /// Whether `other` is this or lies below it.
  [[nodiscard]] bool contains(const Pointer& other) const noexcept;

  /// The text form, escaped.
  [[nodiscard]] std::string to_string() const;

  /// What it points at, or null pointer. "-" and indexes with leading zeros point at nothing.
  [[nodiscard]] const Value* find(const Value& document) const noexcept;
  [[nodiscard]] Value* find(Value& document) const noexcept;
  /// As find(); kNotFound names the first part of the path that is missing.
  [[nodiscard]] Result<const Value*> get(const Value& document) const;

  friend bool operator==(const Pointer&, const Pointer&) = default;

 private:
  std::vector<std::string> tokens_;
};

/// One token with '~' and '/' escaped as ~0 and ~1.
std::string escape_token(std::string_view token);

/// The array index that `token` writes: decimal, no sign, no leading zeros (RFC 6901 §4).
std::optional<std::size_t> index_of(std::string_view token) noexcept;

}  // namespace klutch::json
