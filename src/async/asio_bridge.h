// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>

#include "async/core.h"
#include "async/suspension.h"

// Private to async/ and http/: waits for one Asio operation on a fiber.

namespace klutch::async {

inline boost::asio::io_context& io_context_of(const Ctx& ctx) {
  return ctx.loop().core().io;
}

struct IoOutcome {
  boost::system::error_code ec;
  std::size_t bytes = 0;
  /// Why the operation was interrupted; kReady if it ended by itself or succeeded all the same.
  Wake wake = Wake::kReady;
};

/// The completion handler that run_io passes on; fits operations with and without a byte count.
struct IoHandler {
  Suspension* suspension;
  IoOutcome* outcome;
  void operator()(boost::system::error_code ec, std::size_t bytes = 0) const {
    outcome->ec = ec;
    outcome->bytes = bytes;
    suspension->wake();
  }
};

/// Starts an operation with `start(handler)` and suspends until its handler has run. On deadline or
/// cancellation calls `interrupt()`, which must make the operation complete soon (close or cancel the
/// socket).
template <class Start, class Interrupt>
IoOutcome run_io(Ctx& ctx, Start&& start, Interrupt interrupt) {
  IoOutcome outcome;
  Suspension suspension(ctx);
  start(IoHandler{&suspension, &outcome});
  const Wake wake =
      suspension.wait_for_completion([](void* self) { (*static_cast<Interrupt*>(self))(); }, &interrupt);
  if (outcome.ec) outcome.wake = wake;
  return outcome;
}

}  // namespace klutch::async
