// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/reflector_backoff.h"

#include <algorithm>
#include <random>
#include <utility>

namespace klutch::kube {
namespace {

std::function<double()> random_numbers() {
  return [engine = std::minstd_rand(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<double>()(engine);
  };
}

}  // namespace

ReflectorBackoff::ReflectorBackoff(BackoffOptions options)
    : options_(std::move(options)), base_(options_.first) {
  if (!options_.random) options_.random = random_numbers();
}

Duration ReflectorBackoff::next(Instant now, std::optional<Duration> retry_after) {
  if (ended_ == Instant::min() || now - ended_ > options_.forgotten_after) base_ = options_.first;
  auto delay = base_ + std::chrono::duration_cast<Duration>(base_ * options_.random());
  base_ = std::min(base_ * 2, options_.most);
  if (retry_after) delay = std::max(delay, std::min(*retry_after, options_.longest_retry_after));
  ended_ = now + delay;
  return delay;
}

}  // namespace klutch::kube
