// SPDX-License-Identifier: Apache-2.0
#include "async/event.h"

#include <utility>

namespace klutch::async {

void Event::set() {
  set_ = true;
  waiting_.wake_all();
}

Result<> Event::wait(Ctx& ctx) {
  if (set_) return {};
  return to_result(waiting_.wait(ctx), "an event");
}

struct Semaphore::Waiter {
  explicit Waiter(Ctx& ctx) : suspension(ctx) {}
  Suspension suspension;
  bool granted = false;
  Waiter* previous = nullptr;
  Waiter* next = nullptr;
};

Semaphore::Permit::Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}

Semaphore::Permit& Semaphore::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    release();
    owner_ = std::exchange(other.owner_, nullptr);
  }
  return *this;
}

void Semaphore::Permit::release() {
  if (auto* owner = std::exchange(owner_, nullptr); owner != nullptr) owner->give_back();
}

Semaphore::Permit Semaphore::try_acquire() {
  if (free_ == 0 || first_ != nullptr) return {};
  --free_;
  return Permit(*this);
}

Result<Semaphore::Permit> Semaphore::acquire(Ctx& ctx) {
  TRY(ctx.check());
  if (auto permit = try_acquire()) return permit;
  Waiter waiter(ctx);
  waiter.previous = last_;
  (last_ != nullptr ? last_->next : first_) = &waiter;
  last_ = &waiter;
  const Wake wake = waiter.suspension.wait();
  if (waiter.granted) return Permit(*this);  // it came at the same time as the deadline: use it
  unlink(waiter);
  TRY(to_result(wake, "a free place"));
  return Permit();
}

void Semaphore::unlink(Waiter& waiter) noexcept {
  (waiter.previous != nullptr ? waiter.previous->next : first_) = waiter.next;
  (waiter.next != nullptr ? waiter.next->previous : last_) = waiter.previous;
}

void Semaphore::give_back() {
  if (first_ == nullptr) {
    ++free_;
    return;
  }
  Waiter& longest = *first_;
  unlink(longest);
  longest.granted = true;
  longest.suspension.wake();
}

}  // namespace klutch::async
