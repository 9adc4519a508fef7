// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

// Quantities of Kubernetes: "500m", "1Gi", "2e3" (k8s.io/apimachinery/pkg/api/resource). Exact for up to 30
// digits; what is smaller than a billionth is rounded away from zero. Plain values; parsing alone can fail.
//
//   const auto memory = TRY(Quantity::parse("1024Mi"));
//   memory.to_string();  // "1Gi"

namespace klutch::apiserver {

class Quantity {
 public:
  Quantity() = default;
  explicit Quantity(std::int64_t number) : mantissa_(number) {}

  /// kInvalid with the text of Kubernetes.
  static Result<Quantity> parse(std::string_view text);
  /// In the canonical form; some texts that Kubernetes takes for canonical stay as they are.
  [[nodiscard]] std::string to_string() const;
  /// The next integer away from zero, within the bounds of the type.
  [[nodiscard]] std::int64_t rounded_up() const;
  [[nodiscard]] int sign() const noexcept { return mantissa_ < 0 ? -1 : mantissa_ > 0 ? 1 : 0; }
  /// Whether it is no whole number.
  [[nodiscard]] bool has_fraction() const;
  /// <0, 0, >0
  [[nodiscard]] int compare(const Quantity& other) const;

 private:
  enum class Format : std::uint8_t { kDecimal, kBinary, kExponent };
  __extension__ typedef __int128 Wide;
  static Result<Quantity> from_parts(bool negative, std::string_view digits, std::string_view fraction,
                                     std::string_view suffix);
  Result<> scale_binary(int power);

  Wide mantissa_ = 0;  // times 10^exponent_
  int exponent_ = 0;
  Format format_ = Format::kDecimal;
  std::string text_ = {};  // in place of the canonical form
};

}  // namespace klutch::apiserver
