// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/context/fiber.hpp>
#include <boost/context/stack_context.hpp>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "async/ctx.h"
#include "async/loop.h"
#include "async/suspension.h"

// Private to async/ and http/: what is inside a Loop. Everything here belongs to the loop's thread.

namespace klutch::async {

struct CtxNode {
  const void* tag;
  std::shared_ptr<const void> value;
  CtxValues next;
};

/// Stacks with a guard page below, a few of them kept for the next fiber.
class StackPool {
 public:
  explicit StackPool(std::size_t bytes);
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  boost::context::stack_context allocate();
  /// The lowest byte above the guard page.
  [[nodiscard]] char* end_of(const boost::context::stack_context& stack) const noexcept;
  void deallocate(boost::context::stack_context& stack) noexcept;

 private:
  static constexpr std::size_t kKept = 64;
  std::size_t mapped_bytes_;
  std::vector<void*> free_;
};

/// Waiting suspensions ordered by deadline: a binary heap whose elements know their place, so removal needs
/// no search and nothing is allocated per wait.
class TimerHeap {
 public:
  void insert(Suspension& suspension);
  void remove(Suspension& suspension);
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  [[nodiscard]] Instant earliest() const noexcept { return heap_.front()->deadline_; }
  /// Abandons every suspension whose deadline is not after `now`.
  void expire(Instant now);

 private:
  void place(std::size_t index, Suspension* suspension) noexcept;
  void sift_up(std::size_t index) noexcept;
  void sift_down(std::size_t index) noexcept;

  std::vector<Suspension*> heap_;
};

class Fiber {
 public:
  using Body = UniqueFunction<Result<>(Ctx&)>;
  /// Called on the loop, outside of the fiber, when the body has ended and is destroyed.
  using OnEnd = UniqueFunction<void(Fiber&, Result<>)>;

  Fiber(Loop& loop, std::string name, CtxValues values, Body body, OnEnd on_end);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Asks the fiber to stop: its present and later waits end with kCancelled, unless shielded.
  void cancel();
  [[nodiscard]] bool cancelled() const noexcept { return cancelled_; }

  /// From inside the fiber: gives the thread back to the loop until something calls make_ready().
  void suspend();
  void make_ready();

  Loop& loop;
  const std::string name;
  /// What the fiber waits for now, or null.
  Suspension* waiting = nullptr;
  /// The lowest usable byte of the stack, above the guard page.
  char* stack_end = nullptr;

 private:
  friend class Loop::Core;

  Result<> run_body();

  CtxValues values_;
  Body body_;
  OnEnd on_end_;
  Result<> result_;
  bool cancelled_ = false;
  boost::context::fiber inside_;
  boost::context::fiber outside_;
};

class Loop::Core {
 public:
  Core(Loop& loop, const Options& options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  Fiber& spawn(std::string name, CtxValues values, Fiber::Body body, Fiber::OnEnd on_end);
  void run_until_no_fiber_is_left();
  void run_blocking(UniqueFunction<void()> work, UniqueFunction<void()> then);
  [[nodiscard]] Instant now() const;
  [[nodiscard]] bool on_loop_thread() const noexcept { return thread_ == std::this_thread::get_id(); }

  boost::asio::io_context io;
  StackPool stacks;
  TimerHeap timers;
  std::deque<Fiber*> ready;
  std::size_t fibers = 0;
  Fiber* first = nullptr;

 private:
  void run_ready();
  void resume(Fiber& fiber);
  void wait_for_work();
  void arm_timer();

  Loop& loop_;
  const Options options_;
  Instant virtual_now_{};
  boost::asio::steady_timer timer_;
  Instant armed_ = Instant::max();
  std::optional<boost::asio::thread_pool> pool_;
  std::size_t blocking_ = 0;
  std::thread::id thread_;
};

}  // namespace klutch::async
