// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "async/ctx.h"
#include "base/result.h"
#include "base/unique_function.h"

// Every fiber has an owner. A TaskGroup owns the fibers spawned into it: they inherit the values of the Ctx
// the group was made with and end before the group does. With with_tasks() that holds by construction:
//
//   TRY(async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
//     tasks.spawn("reader", [&](Ctx& task) { return read_all(task, source, queue); });
//     return write_all(ctx, queue, sink);
//   }));
//
// A group that lives in an object is ended explicitly with stop(). Loop thread only.

namespace klutch::async {

class TaskGroup {
 public:
  using Body = UniqueFunction<Result<>(Ctx&)>;

  enum class OnError {
    kCancelAll,  ///< the first task that fails cancels its siblings; wait() reports its error
    kKeepGoing,  ///< tasks fail alone; wait() reports the first error after all have ended
  };

  explicit TaskGroup(const Ctx& owner, OnError on_error = OnError::kCancelAll);
  /// All tasks must have ended: call wait() or stop() before.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Starts `body` in a fiber of its own, after the caller next suspends. The task has no deadline of its
  /// own. In a group that was cancelled it starts cancelled. `name` is for diagnostics. `body` is destroyed
  /// before the task counts as ended.
  void spawn(std::string name, Body body);

  /// Asks every task to stop; returns at once. Tasks spawned later start cancelled.
  void cancel();

  /// Suspends until all tasks have ended and gives the first error; kCancelled of tasks that were told to
  /// stop is none. If `ctx` is cancelled or its deadline passes, the tasks are cancelled and still waited
  /// for, and that is the error.
  Result<> wait(Ctx& ctx);

  /// cancel(), then waits for the end of all tasks however long it takes.
  void stop(Ctx& ctx);

  [[nodiscard]] std::size_t running() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs `body` with a group, waits for the group's tasks when it returns, and cancels them first if it
/// failed. Gives the error of `body`, else the first error of a task. A task that fails does not interrupt
/// `body`: work that should end with its siblings belongs into a task.
Result<> with_tasks(Ctx& ctx, UniqueFunction<Result<>(TaskGroup&)> body);

}  // namespace klutch::async
