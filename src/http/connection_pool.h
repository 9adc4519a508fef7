// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/loop.h"
#include "http/dial.h"
#include "http/transport.h"

// Private to http/: the client's connections. Capped per route and in total: in use and idle ones together
// never exceed either cap. No fiber watches idle connections; they are looked at when one is wanted and by a
// sweep now and then. Belongs to one loop. Nothing here suspends but acquire().

namespace klutch::http {

struct PooledConnection {
  std::unique_ptr<Transport> transport;
  /// Holds the settings it was made with, whose address is a part of the key.
  Route route;
  Instant opened;
  Instant idle_since;
};

class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
  struct Host;

 public:
  struct Options {
    std::size_t per_host;
    std::size_t total;
    std::size_t idle_per_host;
    Duration idle_timeout;
    Duration max_age;
    DialOptions dial;
  };

  explicit ConnectionPool(Options options);

  /// A connection for one exchange. Destroyed while it holds one, it closes it.
  class [[nodiscard]] Lease {
   public:
    Lease() = default;
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() = default;

    [[nodiscard]] Transport& transport() const noexcept { return *connection_->transport; }
    [[nodiscard]] bool reused() const noexcept { return reused_; }
    /// The next request may use the connection.
    void give_back();
    void discard();

   private:
    friend class ConnectionPool;
    // In this order: permits go back before what they belong to.
    async::Loop* loop_ = nullptr;
    std::shared_ptr<ConnectionPool> pool_;
    std::shared_ptr<Host> host_;
    async::Semaphore::Permit host_permit_;
    async::Semaphore::Permit permit_;
    std::unique_ptr<PooledConnection> connection_;
    bool reused_ = false;
  };

  enum class Freshness { kAny, kNew };

  /// An idle connection, or a new one; waits while the caps are reached. Errors: those of dial(), kTimeout,
  /// kCancelled.
  Result<Lease> acquire(Ctx& ctx, const Route& route, Freshness freshness);

  void close_idle();
  /// From now on connections are closed when they are given back.
  void shut();

  [[nodiscard]] std::size_t opened() const noexcept { return opened_; }
  [[nodiscard]] std::size_t reused() const noexcept { return reused_; }
  [[nodiscard]] std::size_t active() const noexcept { return options_.total - permits_.available(); }
  [[nodiscard]] std::size_t idle() const noexcept;

 private:
  struct Host {
    explicit Host(std::size_t limit) : permits(limit) {}
    async::Semaphore permits;
    std::vector<std::unique_ptr<PooledConnection>> idle;  // longest idle first
  };

  std::shared_ptr<Host> host_for(const Route& route, Instant now);
  std::unique_ptr<PooledConnection> take_idle(Host& host, Instant now);
  void make_room(Host& host);
  [[nodiscard]] bool is_fresh(const PooledConnection& connection, Instant now) const;
  void sweep(Instant now);

  const Options options_;
  async::Semaphore permits_;
  std::map<std::string, std::shared_ptr<Host>, std::less<>> hosts_;
  Instant next_sweep_{};
  std::size_t opened_ = 0;
  std::size_t reused_ = 0;
  bool shut_ = false;
};

}  // namespace klutch::http
