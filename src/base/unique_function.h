// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "base/check.h"

// A callable that is owned once: std::function without the demand that what it holds can be copied. C++23 has
// it as std::move_only_function. Calling an empty one is a programmer error. Not thread-safe by itself.

namespace klutch {

template <class Signature>
class UniqueFunction;

template <class R, class... Args>
class UniqueFunction<R(Args...)> {
 public:
  UniqueFunction() noexcept = default;
  UniqueFunction(std::nullptr_t) noexcept {}

  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> && std::is_invocable_r_v<R, F&, Args...>)
  UniqueFunction(F&& function)
      : callable_(std::make_unique<Holder<std::remove_cvref_t<F>>>(std::forward<F>(function))) {}

  explicit operator bool() const noexcept { return callable_ != nullptr; }

  R operator()(Args... args) {
    CHECK(callable_ != nullptr);
    return callable_->call(std::forward<Args>(args)...);
  }

 private:
  struct Callable {
    virtual ~Callable() = default;
    virtual R call(Args... args) = 0;
  };

  template <class F>
  struct Holder final : Callable {
    template <class G>
    explicit Holder(G&& g) : function(std::forward<G>(g)) {}
    R call(Args... args) override { return static_cast<R>(function(std::forward<Args>(args)...)); }
    F function;
  };

  std::unique_ptr<Callable> callable_;
};

}  // namespace klutch
