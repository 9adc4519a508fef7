// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

// Resource versions are opaque texts, except that versions of one object that are decimal numbers may be
// compared (KEP-5504). Pure functions.

namespace klutch::kube {

/// The number, or nothing if `text` is no unsigned decimal of 64 bits without a leading zero.
inline std::optional<std::uint64_t> version_number(std::string_view text) noexcept {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  return number;
}

/// Whether `a` is known to be older than `b`: both are numbers, and it is less.
inline bool is_older_version(std::string_view a, std::string_view b) noexcept {
  const auto left = version_number(a);
  const auto right = version_number(b);
  return left && right && *left < *right;
}

/// The newer of two versions, if that can be told; otherwise `b`.
inline std::string_view newer_version(std::string_view a, std::string_view b) noexcept {
  return is_older_version(b, a) ? a : b;
}

}  // namespace klutch::kube
