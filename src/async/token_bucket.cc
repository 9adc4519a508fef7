// SPDX-License-Identifier: Apache-2.0
#include "async/token_bucket.h"

#include <algorithm>

namespace klutch::async {

void TokenBucket::refill(Instant now) noexcept {
  if (now <= filled_at_) return;
  const double seconds = std::chrono::duration<double>(now - filled_at_).count();
  tokens_ = std::min(rate_.burst, tokens_ + seconds * rate_.per_second);
  filled_at_ = now;
}

bool TokenBucket::try_take(Instant now) noexcept {
  if (rate_.per_second <= 0) return true;
  refill(now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

Duration TokenBucket::reserve(Instant now) noexcept {
  if (rate_.per_second <= 0) return Duration::zero();
  refill(now);
  tokens_ -= 1;
  if (tokens_ >= 0) return Duration::zero();
  constexpr double kMostSeconds = 1e9;  // 30 years, well inside of a Duration
  const double seconds = std::min(-tokens_ / rate_.per_second, kMostSeconds);
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

bool TokenBucket::full(Instant now) noexcept {
  if (rate_.per_second <= 0) return true;
  refill(now);
  return tokens_ >= rate_.burst;
}

}  // namespace klutch::async
