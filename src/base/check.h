// SPDX-License-Identifier: Apache-2.0
#pragma once

// CHECK(condition): aborts with file, line and text when a *programmer* broke a rule. Never used on input:
// bad input is an Error. It stays on in release builds, because going on with a broken invariant loses data.

namespace klutch::detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;
}  // namespace klutch::detail

#define CHECK(condition)                               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::klutch::detail::check_failed(#condition, __FILE__, __LINE__))
