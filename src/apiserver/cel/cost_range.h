// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

// A size or a cost that is only known to lie between two numbers. The largest number stands for "without
// end"; sums and products stop there. Values. Internal.

namespace klutch::apiserver::cel {

struct CostRange {
  static constexpr std::uint64_t kNoEnd = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t min = 0;
  std::uint64_t max = 0;

  static constexpr CostRange exactly(std::uint64_t number) { return {number, number}; }
  static constexpr CostRange unknown() { return {0, kNoEnd}; }
  /// What united() of nothing begins with.
  static constexpr CostRange none() { return {kNoEnd, 0}; }

  [[nodiscard]] CostRange plus(CostRange other) const { return {add(min, other.min), add(max, other.max)}; }
  [[nodiscard]] CostRange times(CostRange other) const {
    return {multiply(min, other.min), multiply(max, other.max)};
  }
  [[nodiscard]] CostRange scaled(double factor) const { return {scale(min, factor), scale(max, factor)}; }
  [[nodiscard]] CostRange united(CostRange other) const {
    return {std::min(min, other.min), std::max(max, other.max)};
  }
  bool operator==(const CostRange&) const = default;

  static std::uint64_t add(std::uint64_t a, std::uint64_t b) { return a > kNoEnd - b ? kNoEnd : a + b; }
  static std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
    return b != 0 && a > kNoEnd / b ? kNoEnd : a * b;
  }
  /// Rounded up.
  static std::uint64_t scale(std::uint64_t a, double factor) {
    const double product = std::ceil(static_cast<double>(a) * factor);
    return product >= 18446744073709551616.0 ? kNoEnd : static_cast<std::uint64_t>(product);
  }
};

}  // namespace klutch::apiserver::cel
