// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "async/ctx.h"
#include "async/suspension.h"
#include "base/result.h"

// Ways for fibers of one loop to wait for each other. Loop thread only.

namespace klutch::async {

/// A flag that fibers can wait for.
class Event {
 public:
  void set();
  void clear() noexcept { set_ = false; }
  [[nodiscard]] bool is_set() const noexcept { return set_; }
  /// Returns at once if set. Errors: kTimeout, kCancelled.
  Result<> wait(Ctx& ctx);

 private:
  bool set_ = false;
  WaitList waiting_;
};

/// A number of permits, handed out first come, first served: nobody overtakes a fiber that already waits.
class Semaphore {
 public:
  explicit Semaphore(std::size_t permits) noexcept : free_(permits) {}

  /// Given back when destroyed. Must not outlive its Semaphore.
  class [[nodiscard]] Permit {
   public:
    Permit() noexcept = default;
    Permit(Permit&& other) noexcept;
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { release(); }
    void release();
    explicit operator bool() const noexcept { return owner_ != nullptr; }

   private:
    friend class Semaphore;
    explicit Permit(Semaphore& owner) noexcept : owner_(&owner) {}
    Semaphore* owner_ = nullptr;
  };

  /// Errors: kTimeout, kCancelled.
  Result<Permit> acquire(Ctx& ctx);
  /// An empty Permit if none is free or somebody waits already.
  Permit try_acquire();
  [[nodiscard]] std::size_t available() const noexcept { return free_; }

 private:
  struct Waiter;
  void unlink(Waiter& waiter) noexcept;
  void give_back();

  std::size_t free_;
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace klutch::async
