// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

// IP addresses and networks as Go's net/netip reads and prints them. Values. Internal.

namespace klutch::apiserver::cel {

struct IpAddress {
  bool is_v4 = false;
  std::array<std::uint8_t, 16> bytes = {};  ///< Of an IPv4 address the first 4.
  bool has_zone = false;

  [[nodiscard]] int bits() const noexcept { return is_v4 ? 32 : 128; }
  [[nodiscard]] bool is_v4_in_v6() const noexcept;
  [[nodiscard]] std::string text() const;
  bool operator==(const IpAddress&) const = default;
};

struct IpPrefix {
  IpAddress address = {};
  int length = 0;

  [[nodiscard]] IpPrefix masked() const noexcept;
  [[nodiscard]] bool contains(const IpAddress& other) const noexcept;
  /// Whether all of `other` is in it.
  [[nodiscard]] bool contains(const IpPrefix& other) const noexcept;
  [[nodiscard]] std::string text() const { return address.text() + '/' + std::to_string(length); }
  bool operator==(const IpPrefix&) const = default;
};

/// netip.ParseAddr. kInvalid with Go's text.
Result<IpAddress> parse_ip_address(std::string_view text);
/// netip.ParsePrefix. kInvalid with Go's text.
Result<IpPrefix> parse_ip_prefix(std::string_view text);

}  // namespace klutch::apiserver::cel
