// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

// Quantities such as "1500m" or "2Gi" as k8s.io/apimachinery 0.34 reads, adds and prints them. Exact, however
// large, within bounds on digits and exponents that no real quantity meets. Values. Internal.

namespace klutch::apiserver::cel {

class Quantity {
 public:
  enum class Format : std::uint8_t { kDecimalSi, kBinarySi, kDecimalExponent };

  /// kInvalid with Kubernetes' text.
  static Result<Quantity> parse(std::string_view text);
  static Quantity whole(std::int64_t number);

  Quantity plus(const Quantity& other) const;
  Quantity minus(const Quantity& other) const;
  /// -1, 0 or 1.
  [[nodiscard]] int compare(const Quantity& other) const;
  [[nodiscard]] int sign() const;
  /// Nothing when it is not a whole number, or when Kubernetes does not hold it as one.
  [[nodiscard]] std::optional<std::int64_t> as_int() const;
  [[nodiscard]] double approximate() const;
  /// In canonical form.
  [[nodiscard]] std::string text() const;

 private:
  Quantity sum(const Quantity& other, bool negated) const;

  /// The value is digits * 10^exponent; digits in decimal, with a sign.
  std::string digits_ = "0";
  std::int32_t exponent_ = 0;
  /// Whether Kubernetes holds it as an int64 with a scale.
  bool is_small_ = true;
  Format format_ = Format::kDecimalSi;
  std::string text_ = {};  // as written, when that is canonical
};

}  // namespace klutch::apiserver::cel
