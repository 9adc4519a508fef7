// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <algorithm>
#include <utility>

#include "async/event.h"
#include "async/task_group.h"
#include "base/check.h"
#include "http/connection.h"
#include "http/server_core.h"

namespace klutch::http {
namespace {

/// Longer than any drain: for waits that something else ends.
constexpr auto kAges = std::chrono::hours(24 * 365);
/// What a client that had connected just before the drain gets for sending its request.
constexpr auto kFirstRequest = std::chrono::seconds(1);

}  // namespace

struct Server::State {
  using Slot = async::Semaphore::Permit;

  State(ServerOptions options, Handler handler)
      : core(std::move(options), std::move(handler)), slots(core.options.limits.connections) {}

  Result<> accept_all(Ctx& ctx, Listener& listener, async::TaskGroup& connections) {
    for (;;) {
      auto accepted = TRY(listener.accept(ctx));
      start(connections, std::move(accepted), TRY(find_slot(ctx)));
    }
  }

  void start(async::TaskGroup& connections, std::unique_ptr<Transport> accepted, Slot slot) {
    connections.spawn(
        "connection",
        [this, transport = std::move(accepted), held = std::move(slot)](Ctx& task) mutable -> Result<> {
          Connection(core, std::move(transport)).run(task);
          return {};
        });
  }

  /// When all are taken, closes the connection that has been idle longest; when none is idle, waits.
  Result<Slot> find_slot(Ctx& ctx) {
    if (auto slot = slots.try_acquire()) return slot;
    const auto idle = std::find_if(core.connections.begin(), core.connections.end(),
                                   [](const Connection* connection) { return connection->is_idle(); });
    if (idle != core.connections.end()) (*idle)->close();
    return slots.acquire(ctx);
  }

  /// Takes in what the kernel has accepted already: closing the listener would reset it.
  void stop_accepting(Ctx& ctx, async::TaskGroup& connections) {
    for (auto& listener : listeners) {
      for (;;) {
        auto no_wait = ctx.shielded(Duration::zero());
        auto accepted = listener.accept(no_wait);
        if (!accepted) break;
        auto slot = slots.try_acquire();
        if (!slot) break;
        start(connections, *std::move(accepted), std::move(slot));
      }
      listener.close();
    }
  }

  void drain(Ctx& ctx, async::TaskGroup& connections) {
    core.draining = true;
    for (Connection* connection : core.connections) {
      if (connection->is_idle() && !connection->is_fresh()) {
        connection->close();
      } else {
        connection->cancel_stream();
      }
    }
    stop_accepting(ctx, connections);
    async::TaskGroup limit(ctx);
    limit.spawn("drain limit", [&](Ctx& task) -> Result<> {
      TRY(task.sleep(std::min<Duration>(kFirstRequest, core.options.timeouts.drain)));
      for (Connection* connection : core.connections) {
        if (connection->is_idle()) connection->close();
      }
      TRY(task.sleep(core.options.timeouts.drain - kFirstRequest));
      for (Connection* connection : core.connections) connection->close();
      connections.cancel();
      return {};
    });
    auto patient = ctx.shielded(kAges);
    // Errors of connections are their own; none can reach this far.
    static_cast<void>(connections.wait(patient));
    limit.stop(ctx);
  }

  ServerCore core;
  std::vector<Listener> listeners;
  async::Semaphore slots;
};

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;

Result<Server> Server::listen(async::Loop& loop, ServerOptions options, Handler handler) {
  CHECK(!options.addresses.empty() && handler != nullptr);
  auto state = std::make_unique<State>(std::move(options), std::move(handler));
  for (const auto& address : state->core.options.addresses) {
    state->listeners.push_back(TRY(Listener::listen(loop, address)));
  }
  return Server(std::move(state));
}

std::vector<Address> Server::addresses() const {
  std::vector<Address> all;
  for (const auto& listener : state_->listeners) all.push_back(listener.address());
  return all;
}

std::size_t Server::open_connections() const noexcept {
  return state_->core.connections.size();
}

Result<> Server::serve(Ctx& ctx) {
  async::TaskGroup connections(ctx, async::TaskGroup::OnError::kKeepGoing);
  async::TaskGroup acceptors(ctx);
  for (auto& listener : state_->listeners) {
    acceptors.spawn("acceptor", [&](Ctx& task) { return state_->accept_all(task, listener, connections); });
  }
  auto ended = acceptors.wait(ctx);
  state_->drain(ctx, connections);
  if (!ended && is(ended.error(), Code::kCancelled)) return {};
  return ended;
}

}  // namespace klutch::http
