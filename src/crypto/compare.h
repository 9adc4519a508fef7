// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/secret.h"

// Equality whose duration does not tell where two values differ. For everything a peer could guess byte by
// byte: tokens, MACs, passwords, CSRF states. The lengths are not hidden. Pure functions; safe from any
// thread.

namespace klutch::crypto {

[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] inline bool constant_time_equal(const Secret& a, const Secret& b) noexcept {
  return constant_time_equal(a.reveal(), b.reveal());
}
[[nodiscard]] inline bool constant_time_equal(const Secret& a, std::string_view b) noexcept {
  return constant_time_equal(a.reveal(), b);
}

}  // namespace klutch::crypto
