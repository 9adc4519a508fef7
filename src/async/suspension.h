// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"

// The one way a fiber stops running: every other primitive (sleep, Event, Channel, TaskGroup, socket I/O) is
// built on a Suspension. It lives on the stack of the fiber that waits and may be used on its loop's thread
// only.

namespace klutch::async {

class WaitList;

/// Why a wait ended.
enum class Wake {
  kReady,      ///< wake() was called
  kTimedOut,   ///< the deadline of the Ctx passed
  kCancelled,  ///< the task was cancelled
};

/// kTimeout or kCancelled for a wait that did not end in kReady; `what` names what was waited for.
Result<> to_result(Wake wake, const char* what);

class Suspension {
 public:
  explicit Suspension(Ctx& ctx) noexcept;
  ~Suspension();
  Suspension(const Suspension&) = delete;
  Suspension& operator=(const Suspension&) = delete;

  /// Suspends until wake(), the deadline or cancellation. Returns at once if one of them came already.
  Wake wait();

  /// For operations whose completion refers to this stack frame and so must be waited for in any case: on
  /// deadline or cancellation calls `interrupt(argument)` once, which must make the operation call wake()
  /// soon, and goes on waiting. A null `interrupt` waits for wake() whatever happens.
  Wake wait_for_completion(void (*interrupt)(void*), void* argument);

  /// Ends the wait, now or as soon as it starts. Calls after the first have no effect.
  void wake();

 private:
  friend class Fiber;
  friend class TimerHeap;
  friend class WaitList;

  static constexpr std::size_t kNoTimer = static_cast<std::size_t>(-1);

  /// The deadline passed or the task was cancelled.
  void abandon(Wake reason);
  void suspend();

  Fiber& fiber_;
  Instant deadline_;
  bool shielded_;
  bool must_complete_ = false;
  bool woken_ = false;
  bool suspended_ = false;
  Wake outcome_ = Wake::kReady;
  void (*interrupt_)(void*) = nullptr;
  void* argument_ = nullptr;

  std::size_t timer_index_ = kNoTimer;  // position in the loop's TimerHeap
  WaitList* list_ = nullptr;            // the list this waits in, if any
  Suspension* previous_ = nullptr;
  Suspension* next_ = nullptr;
};

/// Fibers of one loop that wait for the same thing, first come, first served.
class WaitList {
 public:
  WaitList() = default;
  /// Nobody may wait any more.
  ~WaitList();
  WaitList(const WaitList&) = delete;
  WaitList& operator=(const WaitList&) = delete;

  /// Suspends the calling fiber until it is woken through this list, its deadline or cancellation.
  Wake wait(Ctx& ctx);
  /// Wakes the fiber that has waited longest; false if nobody waits.
  bool wake_one();
  void wake_all();
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

 private:
  friend class Suspension;
  void append(Suspension& suspension) noexcept;
  void remove(Suspension& suspension) noexcept;

  Suspension* first_ = nullptr;
  Suspension* last_ = nullptr;
};

}  // namespace klutch::async
