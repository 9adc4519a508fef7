// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "async/ctx.h"
#include "async/token_bucket.h"
#include "base/clock.h"
#include "base/result.h"

// A WorkQueue says which keys need work. A key is in it once, however often it is added, and with one worker
// at a time: what is added while it is worked on comes again afterwards. Keys can be added for later, and
// with a back-off per key for what failed. Groups of keys (say namespaces) take turns, so that one with
// 10,000 keys does not keep the others waiting; keys of low priority come when no other wait. Loop thread
// only; must outlive its Work.
//
//   async::WorkQueue<std::string> queue(ctx.loop());
//   queue.add("a");
//   while (auto work = TRY(queue.take(ctx))) {
//     if (process(ctx, work.key())) queue.forget(work.key());
//     else queue.add_rate_limited(work.key());
//   }  // the end of `work` lets the next worker have the key

namespace klutch::async {

enum class Priority : std::uint8_t {
  kNormal,
  kLow,  ///< for what nobody waits for: first lists, periodic checks
};

/// Told what happens in a queue, for metrics. Called on the loop's thread; must not suspend or use the queue.
class WorkQueueObserver {
 public:
  virtual ~WorkQueueObserver() = default;
  /// A key has begun to wait for a worker.
  virtual void waiting() {}
  /// A worker has it, after that time.
  virtual void taken(Duration waited) { static_cast<void>(waited); }
  /// The worker is done, after that time.
  virtual void finished(Duration worked) { static_cast<void>(worked); }
  /// add_rate_limited() was called.
  virtual void retried() {}
  /// So many waiting keys were dropped by shut_down().
  virtual void dropped(std::size_t count) { static_cast<void>(count); }
};

struct WorkQueueOptions {
  /// The delays of a key that fails again and again: doubled from the first to the most.
  Duration backoff_first = std::chrono::milliseconds(5);
  Duration backoff_most = std::chrono::seconds(1000);
  /// Each of these is shortened by up to this share at random, so that what failed together does not come
  /// back together.
  double backoff_jitter = 0.1;
  /// Over all keys, how often add_rate_limited() may bring one; no limit by default.
  Rate retries = {};
  /// Of the keys taken while both kinds wait, every so-manieth is of low priority. 0: none.
  std::size_t low_every = 10;
  /// May be null; must outlive the queue.
  WorkQueueObserver* observer = nullptr;
};

namespace detail {

/// What the queue knows of one key.
struct WorkItem {
  enum class State : std::uint8_t { kIdle, kWaiting, kDelayed, kActive };

  const void* key = nullptr;
  std::uint64_t group = 0;
  State state = State::kIdle;
  Priority priority = Priority::kNormal;
  Priority next_priority = Priority::kNormal;  ///< active: of its next turn
  std::uint32_t failures = 0;
  Instant since = {};                 ///< waiting, active: from when; delayed: until when
  Instant again_at = Instant::max();  ///< active: when it is wanted again
  std::uint64_t order = 0;            ///< delayed: tells equal times apart
  WorkItem* previous = nullptr;
  WorkItem* next = nullptr;

  /// Nothing worth remembering.
  [[nodiscard]] bool forgettable() const noexcept { return state == State::kIdle && failures == 0; }
};

/// The queue without its keys.
class WorkQueueCore {
 public:
  WorkQueueCore(Loop& loop, WorkQueueOptions options);
  ~WorkQueueCore();
  WorkQueueCore(const WorkQueueCore&) = delete;
  WorkQueueCore& operator=(const WorkQueueCore&) = delete;

  void add(WorkItem& item, Priority priority);
  void add_after(WorkItem& item, Duration delay, Priority priority);
  void add_rate_limited(WorkItem& item, Duration at_least, Duration at_most, Priority priority);
  Result<WorkItem*> take(Ctx& ctx);
  void finish(WorkItem& item);
  void shut_down(bool drop);
  Result<> drain(Ctx& ctx);

  [[nodiscard]] bool is_shut_down() const noexcept;
  [[nodiscard]] std::size_t waiting() const;
  [[nodiscard]] std::size_t delayed() const;
  [[nodiscard]] std::size_t active() const noexcept;
  [[nodiscard]] Duration oldest_waiting() const;
  [[nodiscard]] Duration longest_active() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace detail

template <class Key, class Hash = std::hash<Key>>
class WorkQueue {
 public:
  /// Which group a key belongs to; keys with the same number take turns as one.
  using GroupOf = std::function<std::uint64_t(const Key&)>;

  explicit WorkQueue(Loop& loop, WorkQueueOptions options = {}, GroupOf group_of = {})
      : group_of_(std::move(group_of)), core_(loop, options) {}
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  /// A key that a worker has, or none. No other worker gets it until this is destroyed.
  class [[nodiscard]] Work {
   public:
    Work() noexcept = default;
    Work(Work&& other) noexcept : queue_(other.queue_), item_(std::exchange(other.item_, nullptr)) {}
    Work& operator=(Work&&) = delete;
    ~Work() {
      if (item_ != nullptr) queue_->finish(*item_);
    }
    explicit operator bool() const noexcept { return item_ != nullptr; }
    // The following need a key.
    [[nodiscard]] const Key& key() const noexcept { return *static_cast<const Key*>(item_->key); }
    /// With which it was added.
    [[nodiscard]] Priority priority() const noexcept { return item_->priority; }
    /// How often add_rate_limited() was called for it since forget().
    [[nodiscard]] std::uint32_t failures() const noexcept { return item_->failures; }

   private:
    friend class WorkQueue;
    Work(WorkQueue& queue, detail::WorkItem& item) noexcept : queue_(&queue), item_(&item) {}
    WorkQueue* queue_ = nullptr;
    detail::WorkItem* item_ = nullptr;
  };

  /// As soon as a worker is free. Of several priorities of a key the higher one counts. After shut_down()
  /// nothing is added, here and below.
  void add(const Key& key, Priority priority = Priority::kNormal) {
    on_item(key, [&](detail::WorkItem& item) { core_.add(item, priority); });
  }
  /// Once `delay` has passed; if the key would come earlier anyway, then.
  void add_after(const Key& key, Duration delay, Priority priority = Priority::kNormal) {
    on_item(key, [&](detail::WorkItem& item) { core_.add_after(item, delay, priority); });
  }
  /// After the back-off of this key, which is longer each time until forget(). The delay is cut to `at_most`
  /// and then raised to `at_least`, as a peer may have asked for.
  void add_rate_limited(const Key& key, Priority priority = Priority::kNormal,
                        Duration at_least = Duration::zero(), Duration at_most = Duration::max()) {
    on_item(key, [&](detail::WorkItem& item) { core_.add_rate_limited(item, at_least, at_most, priority); });
  }
  /// Ends the back-off of this key: its work succeeded, or it is gone. Does not take it out of the queue.
  void forget(const Key& key) {
    const auto found = items_.find(key);
    if (found == items_.end()) return;
    found->second.failures = 0;
    erase_if_forgettable(found);
  }

  /// The next key, or none once the queue is shut down. Errors: kTimeout, kCancelled.
  Result<Work> take(Ctx& ctx) {
    auto* const item = TRY(core_.take(ctx));
    if (item == nullptr) return Work();
    return Work(*this, *item);
  }

  enum class Remaining {
    kDrop,    ///< keys that wait are dropped
    kFinish,  ///< keys that wait are still handed out
  };
  /// No more keys are added, and those for later are dropped. Workers get nothing once nothing waits.
  void shut_down(Remaining remaining = Remaining::kDrop) {
    core_.shut_down(remaining == Remaining::kDrop);
    std::erase_if(items_,
                  [](const auto& entry) { return entry.second.state == detail::WorkItem::State::kIdle; });
  }
  /// Suspends until the queue is shut down, nothing waits and no worker has a key. Errors: kTimeout,
  /// kCancelled.
  Result<> drain(Ctx& ctx) { return core_.drain(ctx); }
  [[nodiscard]] bool is_shut_down() const noexcept { return core_.is_shut_down(); }

  /// Keys that wait for a worker, for their time to come, and that workers have.
  [[nodiscard]] std::size_t waiting() const { return core_.waiting(); }
  [[nodiscard]] std::size_t delayed() const { return core_.delayed(); }
  [[nodiscard]] std::size_t active() const noexcept { return core_.active(); }
  /// Keys that take memory: all of these, and those whose failures are remembered.
  [[nodiscard]] std::size_t held() const noexcept { return items_.size(); }
  /// How long the key that has waited longest waits now; looks at all of them.
  [[nodiscard]] Duration oldest_waiting() const { return core_.oldest_waiting(); }
  /// How long the longest work goes on now.
  [[nodiscard]] Duration longest_active() const { return core_.longest_active(); }

 private:
  using Items = std::unordered_map<Key, detail::WorkItem, Hash>;

  template <class Operation>
  void on_item(const Key& key, Operation operation) {
    const auto [found, added] = items_.try_emplace(key);
    if (added) {
      found->second.key = &found->first;
      if (group_of_) found->second.group = group_of_(key);
    }
    operation(found->second);
    erase_if_forgettable(found);
  }

  void finish(detail::WorkItem& item) {
    core_.finish(item);
    if (item.forgettable()) items_.erase(items_.find(*static_cast<const Key*>(item.key)));
  }

  void erase_if_forgettable(typename Items::iterator found) {
    if (found->second.forgettable()) items_.erase(found);
  }

  GroupOf group_of_;
  Items items_;
  detail::WorkQueueCore core_;
};

}  // namespace klutch::async
