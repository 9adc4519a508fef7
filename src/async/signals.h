// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <memory>

#include "async/ctx.h"
#include "base/result.h"
#include "base/unique_function.h"

// Process signals as events, for graceful stop (SIGTERM, SIGINT) and reload (SIGHUP). Signals are caught from
// construction on, so none is lost between two calls of wait(). One loop per process should own them.

namespace klutch::async {

class Signals {
 public:
  /// Catches `numbers` until destroyed.
  Signals(Loop& loop, std::initializer_list<int> numbers);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The number of the next signal. Errors: kTimeout, kCancelled.
  Result<int> wait(Ctx& ctx);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Runs `body` and cancels it when SIGTERM or SIGINT arrives; a second one ends the process at once with its
/// number
/// + 128. A body that ends with kCancelled after a signal counts as success.
Result<> run_until_signalled(Ctx& ctx, UniqueFunction<Result<>(Ctx&)> body);

}  // namespace klutch::async
