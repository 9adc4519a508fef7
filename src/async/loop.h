// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/unique_function.h"

// A Loop is one thread's event loop: it runs fibers and the I/O they wait for. A program has one Loop, a
// server that wants more cores has one per thread. Fibers never move between loops, so code on one loop needs
// no locks. Only post(), cancel() and the constructor may be called from other threads. Making one turns
// SIGPIPE off for the process.
//
//   int main() {
//     async::Loop loop;
//     const auto result = loop.run([](Ctx& ctx) -> Result<> { return serve(ctx); });
//     return result ? 0 : traits(result.error().code()).exit_code;
//   }

namespace klutch::async {

class Loop {
 public:
  enum class Time {
    kSteady,   ///< the machine's steady clock
    kVirtual,  ///< jumps to the next timer whenever nothing else can run; for tests without sockets
  };

  struct Options {
    Time time = Time::kSteady;
    /// Bytes of stack per fiber, rounded up to whole pages; a guard page below it turns overflow into a
    /// fault.
    std::size_t stack_bytes = 256 * 1024;
    /// Threads for Ctx::blocking, started when first used.
    std::size_t blocking_threads = 4;
  };

  Loop();
  explicit Loop(Options options);
  /// No fiber may be alive: run() has returned or was never called.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs `body` as the first fiber and returns its result when it and every fiber it spawned have ended. An
  /// exception that leaves the body becomes kInternal. Call once at a time; the calling thread becomes the
  /// loop's thread.
  Result<> run(UniqueFunction<Result<>(Ctx&)> body);

  /// Runs `function` on the loop's thread soon, outside of any fiber. Thread-safe; the loop must outlive the
  /// call.
  void post(UniqueFunction<void()> function);
  /// Cancels the first fiber, and through its task groups all others. Thread-safe; no effect when nothing
  /// runs.
  void cancel();

  [[nodiscard]] Instant now() const;
  /// Fibers alive, the first one included. For tests, metrics and leak checks.
  [[nodiscard]] std::size_t fiber_count() const;

  /// The inside, for the sources of async/ and http/ only.
  class Core;
  [[nodiscard]] Core& core() noexcept { return *core_; }

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace klutch::async
