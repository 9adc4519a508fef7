// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "async/core.h"
#include "base/check.h"

namespace klutch::async {

void TimerHeap::insert(Suspension& suspension) {
  CHECK(suspension.timer_index_ == Suspension::kNoTimer);
  heap_.push_back(nullptr);
  place(heap_.size() - 1, &suspension);
  sift_up(heap_.size() - 1);
}

void TimerHeap::remove(Suspension& suspension) {
  const std::size_t index = suspension.timer_index_;
  if (index == Suspension::kNoTimer) return;
  suspension.timer_index_ = Suspension::kNoTimer;
  Suspension* const last = heap_.back();
  heap_.pop_back();
  if (last == &suspension) return;
  place(index, last);
  sift_up(index);
  sift_down(last->timer_index_);
}

void TimerHeap::expire(Instant now) {
  while (!heap_.empty() && heap_.front()->deadline_ <= now) {
    Suspension& due = *heap_.front();
    remove(due);
    due.abandon(Wake::kTimedOut);
  }
}

void TimerHeap::place(std::size_t index, Suspension* suspension) noexcept {
  heap_[index] = suspension;
  suspension->timer_index_ = index;
}

void TimerHeap::sift_up(std::size_t index) noexcept {
  Suspension* const moving = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->deadline_ <= moving->deadline_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, moving);
}

void TimerHeap::sift_down(std::size_t index) noexcept {
  Suspension* const moving = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) ++child;
    if (moving->deadline_ <= heap_[child]->deadline_) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, moving);
}

}  // namespace klutch::async
