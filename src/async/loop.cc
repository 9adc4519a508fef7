// SPDX-License-Identifier: Apache-2.0
#include "async/loop.h"

#include <boost/asio/post.hpp>

#include <csignal>

#include "async/core.h"
#include "base/check.h"

namespace klutch::async {

namespace asio = boost::asio;

Loop::Core::Core(Loop& loop, const Options& options)
    : io(1), stacks(options.stack_bytes), loop_(loop), options_(options), timer_(io) {
  std::signal(SIGPIPE,
              SIG_IGN);  // a peer that has closed is an error of one write, not the end of the process
}

Loop::Core::~Core() {
  CHECK(fibers == 0);
  if (pool_) pool_->join();
}

Instant Loop::Core::now() const {
  return options_.time == Time::kVirtual ? virtual_now_ : std::chrono::steady_clock::now();
}

void Loop::Core::run_until_no_fiber_is_left() {
  thread_ = std::this_thread::get_id();
  const auto work = asio::make_work_guard(io);
  io.restart();
  while (fibers > 0) {
    run_ready();
    if (fibers == 0) break;
    if (ready.empty()) {
      wait_for_work();
    } else {
      io.poll();
    }
  }
  thread_ = {};
}

/// Resumes each fiber that is ready now; those they wake wait for the next round, so that I/O gets its turn.
void Loop::Core::run_ready() {
  for (std::size_t n = ready.size(); n > 0; --n) {
    Fiber& fiber = *ready.front();
    ready.pop_front();
    resume(fiber);
  }
  timers.expire(now());
}

void Loop::Core::wait_for_work() {
  if (options_.time == Time::kVirtual) {
    if (io.poll() > 0) return;
    if (blocking_ == 0 && !timers.empty()) {
      virtual_now_ = timers.earliest();
      timers.expire(virtual_now_);
      return;
    }
  } else {
    arm_timer();
  }
  io.run_one();
  io.poll();
}

/// Leaves an armed timer alone if it fires early enough: a deadline that is met, as nearly all are, costs no
/// system call.
void Loop::Core::arm_timer() {
  if (timers.empty() || timers.earliest() >= armed_) return;
  armed_ = timers.earliest();
  timer_.expires_at(armed_);
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec) return;  // armed anew, earlier
    armed_ = Instant::max();
    timers.expire(now());
  });
}

void Loop::Core::run_blocking(UniqueFunction<void()> work, UniqueFunction<void()> then) {
  if (!pool_) pool_.emplace(options_.blocking_threads);
  ++blocking_;
  asio::post(*pool_, [this, work = std::move(work), then = std::move(then)]() mutable {
    work();
    asio::post(io, [this, then = std::move(then)]() mutable {
      --blocking_;
      then();
    });
  });
}

Loop::Loop() : Loop(Options{}) {}
Loop::Loop(Options options) : core_(std::make_unique<Core>(*this, options)) {}
Loop::~Loop() = default;

Result<> Loop::run(UniqueFunction<Result<>(Ctx&)> body) {
  CHECK(core_->fibers == 0);
  Result<> result;
  core_->first = &core_->spawn("main", {}, std::move(body), [&](Fiber&, Result<> outcome) {
    core_->first = nullptr;
    result = std::move(outcome);
  });
  core_->run_until_no_fiber_is_left();
  return result;
}

void Loop::post(UniqueFunction<void()> function) {
  asio::post(core_->io, [function = std::move(function)]() mutable { function(); });
}

void Loop::cancel() {
  asio::post(core_->io, [core = core_.get()] {
    if (core->first != nullptr) core->first->cancel();
  });
}

Instant Loop::now() const {
  return core_->now();
}
std::size_t Loop::fiber_count() const {
  return core_->fibers;
}

}  // namespace klutch::async
