// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// HTTP header fields (RFC 9110 §5): an ordered list, names compared without regard to case. A plain value
// type. Nothing is checked on the way in; check() refuses what could split a message, and no head is ever
// written without it.

namespace klutch::http {

struct Field {
  std::string name;
  std::string value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields);

  /// Appends, also if the name is present already (Set-Cookie, for one).
  void add(std::string_view name, std::string_view value);
  /// Replaces every field of that name.
  void set(std::string_view name, std::string_view value);
  /// Removes every field of that name; how many there were.
  std::size_t erase(std::string_view name);

  /// The first value, or nothing. Valid until the headers change.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  /// All values of that name joined with ", " (RFC 9110 §5.3); empty if there is none. Not for Set-Cookie.
  [[nodiscard]] std::string joined(std::string_view name) const;
  [[nodiscard]] bool contains(std::string_view name) const noexcept { return get(name).has_value(); }
  /// Whether a comma-separated field such as Connection lists `token`, without regard to case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view token) const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return fields_.size(); }
  [[nodiscard]] bool empty() const noexcept { return fields_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return fields_.begin(); }
  [[nodiscard]] auto end() const noexcept { return fields_.end(); }

  /// kInvalid, naming the field, if a name is no token or a value has control characters other than tab.
  [[nodiscard]] Result<> check() const;

 private:
  std::vector<Field> fields_;
};

/// Whether `text` is a token (RFC 9110 §5.6.2): a method or field name.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// Whether `value` has no control characters other than tab (RFC 9110 §5.5).
[[nodiscard]] bool is_field_value(std::string_view value) noexcept;

}  // namespace klutch::http
