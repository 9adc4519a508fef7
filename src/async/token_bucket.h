// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

// A token bucket: `burst` tokens at first, refilled at a steady rate, never more than `burst`. A plain value
// that is told the time; it does not wait. Not thread-safe.
//
//   async::TokenBucket bucket({.per_second = 10, .burst = 100});
//   if (!bucket.try_take(ctx.now())) return fail(Code::kTooManyRequests, "...");

namespace klutch::async {

struct Rate {
  double per_second = 0;  ///< 0: no limit
  double burst = 1;       ///< at least 1
};

class TokenBucket {
 public:
  explicit TokenBucket(Rate rate = {}) noexcept : rate_(rate), tokens_(rate.burst) {}

  /// Takes a token if there is one.
  bool try_take(Instant now) noexcept;
  /// Takes a token in any case, if need be one of the future: how long until it is there.
  Duration reserve(Instant now) noexcept;
  /// Whether as many tokens are there as fit in: nothing is remembered.
  [[nodiscard]] bool full(Instant now) noexcept;

 private:
  void refill(Instant now) noexcept;

  Rate rate_;
  double tokens_;
  Instant filled_at_ = {};
};

}  // namespace klutch::async
