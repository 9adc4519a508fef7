// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_function.h"

// Ctx is the first parameter of every function that may suspend the calling fiber: seeing `Ctx&` in a
// signature means "other fibers may run before this returns". It carries the deadline, the cancellation state
// and values such as log fields or the trace id. A Ctx belongs to one fiber: it cannot be copied, stored or
// handed to another fiber; a child made with with_timeout() must not outlive the fiber's frame it was made
// in.
//
//   auto limited = ctx.with_timeout(5s);
//   const auto answer = TRY(client.get(limited, key));
//
// A function that takes a Ctx returns kTimeout when the deadline passed and kCancelled when its task was told
// to stop.

namespace klutch::async {

class Fiber;
class Loop;
struct CtxNode;
/// The values a Ctx carries: an immutable list, innermost first.
using CtxValues = std::shared_ptr<const CtxNode>;

/// What a function run by Ctx::blocking gives: Result<T> for a T, the same Result for a Result.
template <class T>
struct BlockingResult {
  using type = Result<T>;
};
template <class T>
struct BlockingResult<Result<T>> {
  using type = Result<T>;
};

class Ctx {
 public:
  static constexpr Instant kNever = Instant::max();

  Ctx(const Ctx&) = delete;
  Ctx& operator=(const Ctx&) = delete;

  /// The steady time that deadlines are measured with; virtual in tests.
  [[nodiscard]] Instant now() const;
  /// kNever if there is none.
  [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
  /// Time left until the deadline, never negative; Duration::max() without a deadline.
  [[nodiscard]] Duration remaining() const;
  /// Whether the owner of this task asked it to stop. Always false for a shielded Ctx.
  [[nodiscard]] bool cancelled() const noexcept;
  /// kCancelled or kTimeout if there is no point in going on. For loops that compute without suspending.
  [[nodiscard]] Result<> check() const;

  /// The same context with an earlier deadline. A later one has no effect.
  [[nodiscard]] Ctx with_deadline(Instant deadline) const;
  [[nodiscard]] Ctx with_timeout(Duration timeout) const;
  /// For cleaning up after cancellation: ignores cancellation and the old deadline, but ends after `grace`.
  [[nodiscard]] Ctx shielded(Duration grace) const;

  /// The same context carrying `value`, found again by its type in this Ctx, its children and tasks spawned
  /// from it.
  template <class T>
  [[nodiscard]] Ctx with_value(std::shared_ptr<const T> value) const {
    return with_node(&kTag<T>, std::move(value));
  }
  /// The innermost value of type T, or null. Valid while this Ctx lives.
  template <class T>
  [[nodiscard]] const T* value() const noexcept {
    return static_cast<const T*>(find_node(&kTag<T>));
  }

  /// Suspends for `duration`; longer only if the loop is busy. kCancelled or kTimeout if that comes first.
  Result<> sleep(Duration duration);
  /// Lets every other fiber that is ready run once.
  void yield();

  /// Runs `work` on the pool for blocking calls and suspends until it is done. Neither the deadline nor
  /// cancellation can interrupt the call, because it may refer to the caller's stack; they are honoured
  /// before it starts. `work` must not touch anything that other fibers use meanwhile. Errors: kCancelled,
  /// kTimeout, kInternal for an exception, or those of `work` when it returns a Result.
  template <class Work>
  auto blocking(Work work) -> typename BlockingResult<std::invoke_result_t<Work&>>::type;

  /// Gives the memory of this fiber's stack below the caller back to the kernel. Worth its system call before
  /// a wait that is likely to be long.
  void trim_stack() const noexcept;

  [[nodiscard]] Loop& loop() const noexcept;

 private:
  friend class Fiber;
  friend class Suspension;
  friend class TaskGroup;

  template <class T>
  static constexpr char kTag = 0;

  Ctx(Fiber& fiber, Instant deadline, bool shielded, CtxValues values);

  /// Without deadline and deaf to cancellation, for waits that end by construction.
  [[nodiscard]] Ctx unbounded() const;
  [[nodiscard]] Ctx with_node(const void* tag, std::shared_ptr<const void> value) const;
  [[nodiscard]] const void* find_node(const void* tag) const noexcept;
  Result<> run_blocking(UniqueFunction<void()> work);

  Fiber& fiber_;
  Instant deadline_;
  bool shielded_;
  CtxValues values_;
};

template <class Work>
auto Ctx::blocking(Work work) -> typename BlockingResult<std::invoke_result_t<Work&>>::type {
  using Value = std::invoke_result_t<Work&>;
  if constexpr (std::is_void_v<Value>) {
    return run_blocking([&work] { work(); });
  } else {
    std::optional<Value> value;
    TRY(run_blocking([&] { value.emplace(work()); }));
    return std::move(*value);
  }
}

}  // namespace klutch::async

namespace klutch {
using async::Ctx;
}  // namespace klutch
