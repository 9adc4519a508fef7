// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

// Wall-clock time as a dependency. Code that puts the time of day into data (timestamps, expiry) takes a
// `const Clock&`; code that waits uses async::Ctx, which measures with a steady clock that no operator can
// turn back.

namespace klutch {

/// A point in wall-clock time, UTC, nanosecond resolution.
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;
/// A point on the steady clock; only differences mean something.
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

/// Safe to use from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Time now() const = 0;
};

/// The machine's clock.
const Clock& system_clock();

/// A clock that moves only when told to. For tests; not for use from several threads at once.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start = Time{}) : now_(start) {}
  [[nodiscard]] Time now() const override { return now_; }
  void set(Time now) { now_ = now; }
  void advance(Duration step) { now_ += step; }

 private:
  Time now_;
};

}  // namespace klutch
