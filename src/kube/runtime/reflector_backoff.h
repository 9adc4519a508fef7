// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/clock.h"

// How long a reflector waits after failures: longer each time, and never the same for two of them, so that
// the clients of a server that comes back do not arrive at once. Loop thread only; cannot fail.

namespace klutch::kube {

struct BackoffOptions {
  Duration first = std::chrono::milliseconds(800);
  Duration most = std::chrono::seconds(30);
  /// A failure so long after the last pause counts as the first.
  Duration forgotten_after = std::chrono::minutes(2);
  /// The longest that a server may ask us to wait.
  Duration longest_retry_after = std::chrono::minutes(5);
  /// Gives numbers of [0, 1). Empty: random ones.
  std::function<double()> random = {};
};

class ReflectorBackoff {
 public:
  explicit ReflectorBackoff(BackoffOptions options);

  /// The next pause: `first`, doubled each time up to `most`, and as much again by chance; at least what the
  /// server asked for.
  Duration next(Instant now, std::optional<Duration> retry_after = {});
  /// A number of [0, 1).
  double random() { return options_.random(); }

 private:
  BackoffOptions options_;
  Duration base_;
  Instant ended_ = Instant::min();  // when the last pause was over
};

}  // namespace klutch::kube
