// SPDX-License-Identifier: Apache-2.0
#include "async/suspension.h"

#include <string>

#include "async/core.h"
#include "base/check.h"

namespace klutch::async {

Result<> to_result(Wake wake, const char* what) {
  switch (wake) {
    case Wake::kReady: return {};
    case Wake::kTimedOut: return fail(Code::kTimeout, std::string("timed out waiting for ") + what);
    case Wake::kCancelled: break;
  }
  return fail(Code::kCancelled, std::string("cancelled while waiting for ") + what);
}

Suspension::Suspension(Ctx& ctx) noexcept
    : fiber_(ctx.fiber_), deadline_(ctx.deadline_), shielded_(ctx.shielded_) {}

Suspension::~Suspension() {
  CHECK(!suspended_ && list_ == nullptr);
}

Wake Suspension::wait() {
  suspend();
  return outcome_;
}

Wake Suspension::wait_for_completion(void (*interrupt)(void*), void* argument) {
  must_complete_ = true;
  interrupt_ = interrupt;
  argument_ = argument;
  suspend();
  return outcome_;
}

void Suspension::suspend() {
  CHECK(!suspended_ && fiber_.loop.core().on_loop_thread());
  if (woken_) return;
  suspended_ = true;
  if (!shielded_ && fiber_.cancelled()) abandon(Wake::kCancelled);
  if (outcome_ == Wake::kReady && deadline_ != Ctx::kNever) fiber_.loop.core().timers.insert(*this);
  fiber_.waiting = this;
  fiber_.suspend();
  fiber_.waiting = nullptr;
  fiber_.loop.core().timers.remove(*this);
  if (list_ != nullptr) list_->remove(*this);
  suspended_ = false;
}

void Suspension::abandon(Wake reason) {
  if (woken_ || outcome_ != Wake::kReady) return;
  outcome_ = reason;
  if (must_complete_) {
    if (interrupt_ != nullptr) interrupt_(argument_);
  } else {
    wake();
  }
}

void Suspension::wake() {
  if (woken_) return;
  woken_ = true;
  if (suspended_) fiber_.make_ready();
}

WaitList::~WaitList() {
  CHECK(first_ == nullptr);
}

Wake WaitList::wait(Ctx& ctx) {
  Suspension suspension(ctx);
  append(suspension);
  return suspension.wait();
}

bool WaitList::wake_one() {
  if (first_ == nullptr) return false;
  Suspension& longest = *first_;
  remove(longest);
  longest.wake();
  return true;
}

void WaitList::wake_all() {
  while (wake_one()) {
  }
}

void WaitList::append(Suspension& suspension) noexcept {
  suspension.list_ = this;
  suspension.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &suspension;
  last_ = &suspension;
}

void WaitList::remove(Suspension& suspension) noexcept {
  (suspension.previous_ != nullptr ? suspension.previous_->next_ : first_) = suspension.next_;
  (suspension.next_ != nullptr ? suspension.next_->previous_ : last_) = suspension.previous_;
  suspension.list_ = nullptr;
  suspension.previous_ = suspension.next_ = nullptr;
}

}  // namespace klutch::async
