// SPDX-License-Identifier: Apache-2.0
#include "async/work_queue.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <span>

#include "async/loop.h"
#include "async/suspension.h"
#include "base/check.h"
#include "base/ids.h"

namespace klutch::async::detail {
namespace {

/// Items in the order they came, linked through themselves.
struct ItemList {
  WorkItem* first = nullptr;
  WorkItem* last = nullptr;

  void append(WorkItem& item) noexcept {
    item.previous = last;
    item.next = nullptr;
    (last != nullptr ? last->next : first) = &item;
    last = &item;
  }

  void remove(WorkItem& item) noexcept {
    (item.previous != nullptr ? item.previous->next : first) = item.next;
    (item.next != nullptr ? item.next->previous : last) = item.previous;
    item.previous = item.next = nullptr;
  }
};

/// Waiting items of one priority. Groups that have some take turns.
class WaitingItems {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  void push(WorkItem& item) {
    const auto [found, added] = groups_.try_emplace(item.group);
    Group& group = found->second;
    if (added) append_turn(group);
    group.items.append(item);
    ++size_;
  }

  /// The next item; there must be one.
  WorkItem& pop() {
    Group& group = *first_turn_;
    WorkItem& item = *group.items.first;
    if (item.next != nullptr) {
      remove_turn(group);
      append_turn(group);
    }
    remove(item);
    return item;
  }

  void remove(WorkItem& item) {
    const auto found = groups_.find(item.group);
    Group& group = found->second;
    group.items.remove(item);
    --size_;
    if (group.items.first != nullptr) return;
    remove_turn(group);
    groups_.erase(found);
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [number, group] : groups_) {
      for (WorkItem* item = group.items.first; item != nullptr; item = item->next) visit(*item);
    }
  }

  /// Forgets all items without looking at their links.
  void clear() {
    for (const auto& [number, group] : groups_) {
      for (WorkItem* item = group.items.first; item != nullptr;) {
        WorkItem* const next = item->next;
        item->previous = item->next = nullptr;
        item->state = WorkItem::State::kIdle;
        item = next;
      }
    }
    groups_.clear();
    first_turn_ = last_turn_ = nullptr;
    size_ = 0;
  }

 private:
  struct Group {
    ItemList items;
    Group* previous_turn = nullptr;
    Group* next_turn = nullptr;
  };

  void append_turn(Group& group) noexcept {
    group.previous_turn = last_turn_;
    group.next_turn = nullptr;
    (last_turn_ != nullptr ? last_turn_->next_turn : first_turn_) = &group;
    last_turn_ = &group;
  }

  void remove_turn(Group& group) noexcept {
    (group.previous_turn != nullptr ? group.previous_turn->next_turn : first_turn_) = group.next_turn;
    (group.next_turn != nullptr ? group.next_turn->previous_turn : last_turn_) = group.previous_turn;
  }

  std::unordered_map<std::uint64_t, Group> groups_;
  Group* first_turn_ = nullptr;
  Group* last_turn_ = nullptr;
  std::size_t size_ = 0;
};

Priority stronger(Priority a, Priority b) noexcept {
  return a == Priority::kNormal ? a : b;
}

Instant later(Instant now, Duration delay) noexcept {
  return delay > Instant::max() - now ? Instant::max() : now + delay;
}

std::uint32_t random_seed() noexcept {
  std::uint32_t seed = 0;
  fill_random(std::as_writable_bytes(std::span(&seed, 1)));
  return seed;
}

}  // namespace

struct WorkQueueCore::State {
  Loop& loop;
  WorkQueueOptions options;
  WorkQueueObserver nobody = {};
  WorkQueueObserver& observer;
  TokenBucket retries;
  std::minstd_rand random{random_seed()};

  std::array<WaitingItems, 2> ready = {};  // by priority
  std::map<std::pair<Instant, std::uint64_t>, WorkItem*> later_items = {};
  std::uint64_t next_order = 0;
  ItemList active_items = {};
  std::size_t active_count = 0;
  std::size_t normal_in_a_row = 0;  // taken while others of low priority waited
  bool shut_down = false;
  WaitList workers = {};   // in take()
  WaitList drainers = {};  // in drain()

  State(Loop& owner, WorkQueueOptions given)
      : loop(owner),
        options(given),
        observer(given.observer != nullptr ? *given.observer : nobody),
        retries(given.retries) {}

  WaitingItems& ready_of(Priority priority) { return ready[static_cast<std::size_t>(priority)]; }
  [[nodiscard]] std::size_t waiting() const { return ready[0].size() + ready[1].size(); }

  void make_waiting(WorkItem& item, Instant since) {
    item.state = WorkItem::State::kWaiting;
    item.since = since;
    ready_of(item.priority).push(item);
    observer.waiting();
    workers.wake_one();
  }

  void make_delayed(WorkItem& item, Instant due) {
    item.state = WorkItem::State::kDelayed;
    item.since = due;
    item.order = next_order++;
    const auto place = later_items.emplace(std::pair(due, item.order), &item).first;
    // Somebody has to wait no longer than that.
    if (place == later_items.begin()) workers.wake_one();
  }

  void take_out_delayed(WorkItem& item) { later_items.erase({item.since, item.order}); }

  void schedule(WorkItem& item, Instant due, Instant now) {
    if (due <= now) {
      make_waiting(item, due);
    } else {
      make_delayed(item, due);
    }
  }

  /// Lets those begin to wait whose time has come.
  void promote() {
    const Instant now = loop.now();
    while (!later_items.empty() && later_items.begin()->first.first <= now) {
      WorkItem& item = *later_items.begin()->second;
      later_items.erase(later_items.begin());
      make_waiting(item, item.since);
    }
  }

  WorkItem* pop() {
    auto& normal = ready_of(Priority::kNormal);
    auto& low = ready_of(Priority::kLow);
    if (normal.size() == 0 && low.size() == 0) return nullptr;
    bool take_low = normal.size() == 0;
    if (normal.size() > 0 && low.size() > 0 && options.low_every > 0) {
      take_low = ++normal_in_a_row >= options.low_every;
    }
    if (take_low) normal_in_a_row = 0;
    return &(take_low ? low : normal).pop();
  }

  void activate(WorkItem& item) {
    const Instant now = loop.now();
    observer.taken(now - item.since);
    item.state = WorkItem::State::kActive;
    item.since = now;
    item.again_at = Instant::max();
    active_items.append(item);
    ++active_count;
  }

  void wake_drainers() {
    if (shut_down && active_count == 0 && waiting() == 0) drainers.wake_all();
  }

  /// The back-off of an item that has failed `failures` times before, with jitter.
  Duration back_off(std::uint32_t failures) {
    const double first = static_cast<double>(options.backoff_first.count());
    const double most = static_cast<double>(options.backoff_most.count());
    const double delay = std::min(most, std::ldexp(first, static_cast<int>(std::min(failures, 62U))));
    const double share = options.backoff_jitter * std::uniform_real_distribution<double>(0, 1)(random);
    return Duration(static_cast<Duration::rep>(delay * (1 - share)));
  }
};

WorkQueueCore::WorkQueueCore(Loop& loop, WorkQueueOptions options)
    : state_(std::make_unique<State>(loop, options)) {}

WorkQueueCore::~WorkQueueCore() {
  CHECK(state_->active_count == 0);
}

void WorkQueueCore::add(WorkItem& item, Priority priority) {
  add_after(item, Duration::zero(), priority);
}

void WorkQueueCore::add_after(WorkItem& item, Duration delay, Priority priority) {
  State& state = *state_;
  if (state.shut_down) return;
  const Instant now = state.loop.now();
  const Instant due = delay <= Duration::zero() ? now : later(now, delay);
  switch (item.state) {
    case WorkItem::State::kIdle:
      item.priority = priority;
      state.schedule(item, due, now);
      return;
    case WorkItem::State::kWaiting:
      if (stronger(item.priority, priority) == item.priority) return;
      state.ready_of(item.priority).remove(item);
      item.priority = priority;
      state.ready_of(priority).push(item);
      return;
    case WorkItem::State::kDelayed:
      item.priority = stronger(item.priority, priority);
      if (due >= item.since) return;
      state.take_out_delayed(item);
      state.schedule(item, due, now);
      return;
    case WorkItem::State::kActive:
      item.next_priority =
          item.again_at == Instant::max() ? priority : stronger(item.next_priority, priority);
      item.again_at = std::min(item.again_at, due);
      return;
  }
}

void WorkQueueCore::add_rate_limited(WorkItem& item, Duration at_least, Duration at_most, Priority priority) {
  State& state = *state_;
  if (state.shut_down) return;
  const Duration own = std::min(at_most, state.back_off(item.failures));
  if (item.failures < std::numeric_limits<std::uint32_t>::max()) ++item.failures;
  state.observer.retried();
  const Duration shared = state.retries.reserve(state.loop.now());
  add_after(item, std::max({own, shared, at_least}), priority);
}

Result<WorkItem*> WorkQueueCore::take(Ctx& ctx) {
  State& state = *state_;
  for (;;) {
    if (auto alive = ctx.check(); !alive) {
      // Another one has to watch the clock, or take what this one was woken for.
      state.workers.wake_one();
      return fail(std::move(alive).error());
    }
    state.promote();
    if (WorkItem* const item = state.pop(); item != nullptr) {
      state.activate(*item);
      return item;
    }
    if (state.shut_down) return nullptr;
    const Instant due = state.later_items.empty() ? Ctx::kNever : state.later_items.begin()->first.first;
    Ctx until_due = ctx.with_deadline(due);
    state.workers.wait(until_due);
  }
}

void WorkQueueCore::finish(WorkItem& item) {
  State& state = *state_;
  CHECK(item.state == WorkItem::State::kActive);
  const Instant now = state.loop.now();
  state.active_items.remove(item);
  --state.active_count;
  item.state = WorkItem::State::kIdle;
  state.observer.finished(now - item.since);
  if (item.again_at != Instant::max() && (!state.shut_down || item.again_at <= now)) {
    item.priority = item.next_priority;
    state.schedule(item, item.again_at, now);
  }
  state.wake_drainers();
}

void WorkQueueCore::shut_down(bool drop) {
  State& state = *state_;
  state.promote();
  state.shut_down = true;
  for (const auto& [due, item] : state.later_items) item->state = WorkItem::State::kIdle;
  state.later_items.clear();
  if (drop) {
    state.observer.dropped(state.waiting());
    for (auto& items : state.ready) items.clear();
    for (WorkItem* item = state.active_items.first; item != nullptr; item = item->next) {
      item->again_at = Instant::max();
    }
  }
  state.workers.wake_all();
  state.wake_drainers();
}

Result<> WorkQueueCore::drain(Ctx& ctx) {
  State& state = *state_;
  while (!state.shut_down || state.active_count > 0 || state.waiting() > 0) {
    TRY(to_result(state.drainers.wait(ctx), "a work queue to drain"));
  }
  return {};
}

bool WorkQueueCore::is_shut_down() const noexcept {
  return state_->shut_down;
}

std::size_t WorkQueueCore::waiting() const {
  state_->promote();
  return state_->waiting();
}

std::size_t WorkQueueCore::delayed() const {
  state_->promote();
  return state_->later_items.size();
}

std::size_t WorkQueueCore::active() const noexcept {
  return state_->active_count;
}

Duration WorkQueueCore::oldest_waiting() const {
  state_->promote();
  const Instant now = state_->loop.now();
  Instant oldest = now;
  for (const auto& items : state_->ready) {
    items.for_each([&](const WorkItem& item) { oldest = std::min(oldest, item.since); });
  }
  return now - oldest;
}

Duration WorkQueueCore::longest_active() const {
  // In the order they were taken.
  const WorkItem* const first = state_->active_items.first;
  return first != nullptr ? state_->loop.now() - first->since : Duration::zero();
}

}  // namespace klutch::async::detail
