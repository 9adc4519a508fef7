// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "async/ctx.h"
#include "base/check.h"
#include "base/result.h"

// A bounded queue between fibers, also of different loops: the only way, besides shared_ptr<const T>, that
// state crosses threads. All operations are thread-safe; those with a Ctx suspend the calling fiber. The
// loops whose fibers wait in a channel must outlive every use of it.

namespace klutch::async {

/// Fibers of any loop that wait for the same thing. A part of Channel, which supplies the lock.
class RemoteWaiters {
 public:
  class Ticket;

  RemoteWaiters();
  ~RemoteWaiters();

  /// Joins the queue. Under the lock.
  std::shared_ptr<Ticket> join(Ctx& ctx);
  /// Suspends until woken, deadline or cancellation. Without the lock.
  static Result<> wait(Ctx& ctx, Ticket& ticket, const char* what);
  /// Leaves the queue; true if the fiber had been woken. Under the lock.
  bool leave(const std::shared_ptr<Ticket>& ticket);
  /// Under the lock.
  void wake_one();
  void wake_all();

 private:
  std::deque<std::shared_ptr<Ticket>> tickets_;
};

template <class T>
class Channel {
 public:
  /// `capacity` values may wait in the channel; at least 1.
  explicit Channel(std::size_t capacity) : capacity_(capacity) { CHECK(capacity > 0); }

  /// Suspends while the channel is full. Errors: kGone if it is closed, kTimeout, kCancelled; the value is
  /// then lost.
  Result<> send(Ctx& ctx, T value) {
    std::unique_lock lock(mutex_);
    while (!closed_ && values_.size() >= capacity_) TRY(wait(ctx, lock, senders_, "room in a channel"));
    if (closed_) return fail(Code::kGone, "the channel is closed");
    put(std::move(value));
    return {};
  }

  /// False if the channel is full or closed; `value` is then left as it was.
  bool try_send(T& value) {
    const std::lock_guard lock(mutex_);
    if (closed_ || values_.size() >= capacity_) return false;
    put(std::move(value));
    return true;
  }

  /// The next value, or nothing when the channel is closed and empty. Errors: kTimeout, kCancelled.
  Result<std::optional<T>> receive(Ctx& ctx) {
    std::unique_lock lock(mutex_);
    while (values_.empty() && !closed_) TRY(wait(ctx, lock, receivers_, "a value from a channel"));
    return take();
  }

  /// The next value, or nothing if none is there now.
  std::optional<T> try_receive() {
    const std::lock_guard lock(mutex_);
    return take();
  }

  /// No more values; those inside can still be received.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    senders_.wake_all();
    receivers_.wake_all();
  }

  [[nodiscard]] std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return values_.size();
  }

 private:
  void put(T value) {
    values_.push_back(std::move(value));
    receivers_.wake_one();
  }

  std::optional<T> take() {
    if (values_.empty()) return std::nullopt;
    std::optional<T> value(std::move(values_.front()));
    values_.pop_front();
    senders_.wake_one();
    return value;
  }

  /// Waits with the lock released. A fiber that was woken but gives up passes the wake-up on, so that none is
  /// lost.
  static Result<> wait(Ctx& ctx, std::unique_lock<std::mutex>& lock, RemoteWaiters& waiters,
                       const char* what) {
    const auto ticket = waiters.join(ctx);
    lock.unlock();
    auto result = RemoteWaiters::wait(ctx, *ticket, what);
    lock.lock();
    const bool woken = waiters.leave(ticket);
    if (woken && !result) waiters.wake_one();
    return result;
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  bool closed_ = false;
  std::deque<T> values_;
  RemoteWaiters senders_;
  RemoteWaiters receivers_;
};

}  // namespace klutch::async
