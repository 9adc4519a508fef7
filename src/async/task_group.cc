// SPDX-License-Identifier: Apache-2.0
#include "async/task_group.h"

#include <optional>
#include <unordered_set>
#include <utility>

#include "async/core.h"
#include "async/loop.h"
#include "async/suspension.h"
#include "base/check.h"

namespace klutch::async {

struct TaskGroup::State {
  Loop& loop;
  CtxValues values;
  OnError on_error;
  bool cancelled = false;
  std::unordered_set<Fiber*> tasks;
  std::optional<Error> first_error;
  WaitList waiting;  // those in wait(), woken when the last task ends

  void ended(Fiber& task, Result<> result) {
    tasks.erase(&task);
    const bool told_to_stop = !result && cancelled && is(result.error(), Code::kCancelled);
    if (!result && !told_to_stop) {
      if (!first_error) first_error = std::move(result).error();
      if (on_error == OnError::kCancelAll) cancel();
    }
    if (tasks.empty()) waiting.wake_all();
  }

  void cancel() {
    cancelled = true;
    for (Fiber* task : tasks) task->cancel();
  }
};

TaskGroup::TaskGroup(const Ctx& owner, OnError on_error)
    : state_(new State{owner.loop(), owner.values_, on_error, false, {}, {}, {}}) {}

TaskGroup::~TaskGroup() {
  CHECK(state_->tasks.empty());
}

void TaskGroup::spawn(std::string name, Body body) {
  Fiber& task = state_->loop.core().spawn(
      std::move(name), state_->values, std::move(body),
      [state = state_.get()](Fiber& ended, Result<> result) { state->ended(ended, std::move(result)); });
  state_->tasks.insert(&task);
  if (state_->cancelled) task.cancel();
}

void TaskGroup::cancel() {
  state_->cancel();
}

Result<> TaskGroup::wait(Ctx& ctx) {
  Result<> interrupted;
  while (!state_->tasks.empty()) {
    if (interrupted) {
      interrupted = to_result(state_->waiting.wait(ctx), "tasks to end");
      if (!interrupted) cancel();
    } else {
      Ctx patient = ctx.unbounded();
      state_->waiting.wait(patient);
    }
  }
  TRY(std::move(interrupted));
  if (state_->first_error) return fail(*std::exchange(state_->first_error, std::nullopt));
  return {};
}

void TaskGroup::stop(Ctx& ctx) {
  cancel();
  Ctx patient = ctx.unbounded();
  while (!state_->tasks.empty()) state_->waiting.wait(patient);
  state_->first_error.reset();
}

std::size_t TaskGroup::running() const noexcept {
  return state_->tasks.size();
}

Result<> with_tasks(Ctx& ctx, UniqueFunction<Result<>(TaskGroup&)> body) {
  TaskGroup tasks(ctx);
  auto result = body(tasks);
  if (!result) tasks.cancel();
  auto outcome = tasks.wait(ctx);
  return result ? std::move(outcome) : std::move(result);
}

}  // namespace klutch::async
