// SPDX-License-Identifier: Apache-2.0
// Kubernetes' functions for quantities.
#include <array>
#include <string>
#include <utility>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/heap.h"
#include "apiserver/cel/quantity.h"

namespace klutch::apiserver::cel {
namespace {

class QuantityObject : public detail::OpaqueObject {
 public:
  QuantityObject(Quantity read, bool computed) : quantity(std::move(read)), is_computed_(computed) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "kubernetes.Quantity"; }
  [[nodiscard]] bool equals(const OpaqueObject& other) const override {
    return quantity.compare(static_cast<const QuantityObject&>(other).quantity) == 0;
  }
  /// Sums and differences are pointers in Kubernetes, which its == does not take on the right.
  [[nodiscard]] bool is_operand() const noexcept override { return !is_computed_; }
  [[nodiscard]] std::string debug() const override { return "quantity(" + quantity.text() + ')'; }
  [[nodiscard]] Value native() const override {
    return Value::error("unsupported conversion to ref.Val: (*resource.Quantity)" + quantity.text());
  }

  const Quantity quantity;

 private:
  bool is_computed_;
};

Value make_quantity(Quantity quantity, bool is_computed) {
  return Value::adopt(Kind::kOpaque, new QuantityObject(std::move(quantity), is_computed));
}

const Quantity& quantity_of(const Value& value) {
  return detail::find_opaque<QuantityObject>(value)->quantity;
}

Value to_quantity(Arguments a) {
  auto quantity = Quantity::parse(a[0].as_text());
  return quantity ? make_quantity(*std::move(quantity), false) : Value::error(quantity.error().message());
}

Value is_quantity(Arguments a) {
  return Value::boolean(Quantity::parse(a[0].as_text()).has_value());
}

Value quantity_sign(Arguments a) {
  return Value::integer(quantity_of(a[0]).sign());
}

Value quantity_compare(Arguments a) {
  return Value::integer(quantity_of(a[0]).compare(quantity_of(a[1])));
}

Value quantity_is_greater(Arguments a) {
  return Value::boolean(quantity_of(a[0]).compare(quantity_of(a[1])) > 0);
}

Value quantity_is_less(Arguments a) {
  return Value::boolean(quantity_of(a[0]).compare(quantity_of(a[1])) < 0);
}

Value quantity_as_double(Arguments a) {
  return Value::real(quantity_of(a[0]).approximate());
}

Value quantity_as_int(Arguments a) {
  const auto number = quantity_of(a[0]).as_int();
  return number ? Value::integer(*number) : Value::error("cannot convert value to integer");
}

Value quantity_is_int(Arguments a) {
  return Value::boolean(quantity_of(a[0]).as_int().has_value());
}

Value quantity_add(Arguments a) {
  return make_quantity(quantity_of(a[0]).plus(quantity_of(a[1])), true);
}

Value quantity_add_int(Arguments a) {
  return make_quantity(quantity_of(a[0]).plus(Quantity::whole(a[1].as_int())), true);
}

Value quantity_sub(Arguments a) {
  return make_quantity(quantity_of(a[0]).minus(quantity_of(a[1])), true);
}

Value quantity_sub_int(Arguments a) {
  return make_quantity(quantity_of(a[0]).minus(Quantity::whole(a[1].as_int())), true);
}

constexpr std::string_view kTwoQuantities =
    ".(kubernetes.Quantity, kubernetes.Quantity) -> kubernetes.Quantity";
constexpr std::string_view kQuantityAndInt = ".(kubernetes.Quantity, int) -> kubernetes.Quantity";
constexpr std::string_view kComparison = ".(kubernetes.Quantity, kubernetes.Quantity) -> bool";

constexpr std::array kQuantityFunctions = {
    OverloadSpec{"quantity", "string_to_quantity", "(string) -> kubernetes.Quantity", to_quantity},
    OverloadSpec{"isQuantity", "is_quantity_string", "(string) -> bool", is_quantity},
    OverloadSpec{"sign", "quantity_sign", "(kubernetes.Quantity) -> int", quantity_sign},
    OverloadSpec{"isGreaterThan", "quantity_is_greater_than", kComparison, quantity_is_greater},
    OverloadSpec{"isLessThan", "quantity_is_less_than", kComparison, quantity_is_less},
    OverloadSpec{"compareTo", "quantity_compare_to", ".(kubernetes.Quantity, kubernetes.Quantity) -> int",
                 quantity_compare},
    OverloadSpec{"asApproximateFloat", "quantity_get_float", ".(kubernetes.Quantity) -> double",
                 quantity_as_double},
    OverloadSpec{"asInteger", "quantity_get_int", ".(kubernetes.Quantity) -> int", quantity_as_int},
    OverloadSpec{"isInteger", "quantity_is_integer", ".(kubernetes.Quantity) -> bool", quantity_is_int},
    OverloadSpec{"add", "quantity_add", kTwoQuantities, quantity_add},
    OverloadSpec{"add", "quantity_add_int", kQuantityAndInt, quantity_add_int},
    OverloadSpec{"sub", "quantity_sub", kTwoQuantities, quantity_sub},
    OverloadSpec{"sub", "quantity_sub_int", kQuantityAndInt, quantity_sub_int},
};

}  // namespace

std::span<const OverloadSpec> quantity_overloads() {
  return kQuantityFunctions;
}

}  // namespace klutch::apiserver::cel
