// SPDX-License-Identifier: Apache-2.0
#include "async/channel.h"

#include <algorithm>

#include "async/core.h"
#include "async/suspension.h"

namespace klutch::async {

class RemoteWaiters::Ticket {
 public:
  explicit Ticket(Loop& owner) : loop(owner) {}

  Loop& loop;
  bool woken = false;                // under the channel's lock
  Suspension* suspension = nullptr;  // on the loop's thread only; null unless the fiber waits
};

RemoteWaiters::RemoteWaiters() = default;
RemoteWaiters::~RemoteWaiters() {
  CHECK(tickets_.empty());
}

std::shared_ptr<RemoteWaiters::Ticket> RemoteWaiters::join(Ctx& ctx) {
  return tickets_.emplace_back(std::make_shared<Ticket>(ctx.loop()));
}

Result<> RemoteWaiters::wait(Ctx& ctx, Ticket& ticket, const char* what) {
  Suspension suspension(ctx);
  ticket.suspension = &suspension;
  const Wake wake = suspension.wait();
  ticket.suspension = nullptr;
  return to_result(wake, what);
}

bool RemoteWaiters::leave(const std::shared_ptr<Ticket>& ticket) {
  if (ticket->woken) return true;
  tickets_.erase(std::find(tickets_.begin(), tickets_.end(), ticket));
  return false;
}

void RemoteWaiters::wake_one() {
  if (tickets_.empty()) return;
  const auto ticket = std::move(tickets_.front());
  tickets_.pop_front();
  ticket->woken = true;
  // On its own thread the fiber can be made ready directly; from elsewhere its loop must do it. By the time a
  // posted function runs, the fiber either waits or has given up: between join() and its wait it does not
  // leave its thread.
  if (ticket->loop.core().on_loop_thread()) {
    if (ticket->suspension != nullptr) ticket->suspension->wake();
  } else {
    ticket->loop.post([ticket] {
      if (ticket->suspension != nullptr) ticket->suspension->wake();
    });
  }
}

void RemoteWaiters::wake_all() {
  while (!tickets_.empty()) wake_one();
}

}  // namespace klutch::async
