// SPDX-License-Identifier: Apache-2.0
#include "http/connection_pool.h"

#include <algorithm>

namespace klutch::http {
namespace {

constexpr auto kSweepInterval = std::chrono::seconds(10);

}  // namespace

ConnectionPool::ConnectionPool(Options options) : options_(std::move(options)), permits_(options_.total) {}

Result<ConnectionPool::Lease> ConnectionPool::acquire(Ctx& ctx, const Route& route, Freshness freshness) {
  Lease lease;
  lease.loop_ = &ctx.loop();
  lease.pool_ = shared_from_this();
  lease.host_ = host_for(route, ctx.now());
  // First the host's permit, then the pool's, which is never held by somebody who waits.
  lease.host_permit_ =
      TRY(lease.host_->permits.acquire(ctx).map_error(context("too many connections are in use")));
  lease.permit_ = TRY(permits_.acquire(ctx).map_error(context("too many connections are in use")));
  if (freshness == Freshness::kAny) lease.connection_ = take_idle(*lease.host_, ctx.now());
  lease.reused_ = lease.connection_ != nullptr;
  if (lease.reused_) {
    ++reused_;
    return lease;
  }
  make_room(*lease.host_);
  auto transport = TRY(dial(ctx, route, options_.dial));
  ++opened_;
  lease.connection_ =
      std::make_unique<PooledConnection>(PooledConnection{std::move(transport), route, ctx.now(), ctx.now()});
  return lease;
}

void ConnectionPool::Lease::give_back() {
  if (!connection_) return;
  if (!pool_->shut_ && pool_->options_.idle_per_host > 0) {
    auto& idle = host_->idle;
    if (idle.size() == pool_->options_.idle_per_host) idle.erase(idle.begin());
    connection_->idle_since = loop_->now();
    idle.push_back(std::move(connection_));
  }
  discard();
}

void ConnectionPool::Lease::discard() {
  connection_.reset();
  permit_.release();
  host_permit_.release();
}

void ConnectionPool::close_idle() {
  for (auto& [key, host] : hosts_) host->idle.clear();
}

void ConnectionPool::shut() {
  shut_ = true;
  close_idle();
}

std::size_t ConnectionPool::idle() const noexcept {
  std::size_t count = 0;
  for (const auto& [key, host] : hosts_) count += host->idle.size();
  return count;
}

std::shared_ptr<ConnectionPool::Host> ConnectionPool::host_for(const Route& route, Instant now) {
  if (now >= next_sweep_) sweep(now);
  auto& host = hosts_[route.key()];
  if (!host) host = std::make_shared<Host>(options_.per_host);
  return host;
}

/// The one used last: the others may then age and be closed.
std::unique_ptr<PooledConnection> ConnectionPool::take_idle(Host& host, Instant now) {
  while (!host.idle.empty()) {
    auto connection = std::move(host.idle.back());
    host.idle.pop_back();
    if (is_fresh(*connection, now) && connection->transport->is_quiet()) return connection;
  }
  return nullptr;
}

/// Closes the longest idle connections until one more fits below both caps.
void ConnectionPool::make_room(Host& host) {
  const auto in_use = [](const async::Semaphore& permits, std::size_t limit) {
    return limit - permits.available();
  };
  while (!host.idle.empty() &&
         in_use(host.permits, options_.per_host) + host.idle.size() > options_.per_host) {
    host.idle.erase(host.idle.begin());
  }
  for (std::size_t left = idle(); left > 0 && active() + left > options_.total; --left) {
    Host* oldest = nullptr;
    for (const auto& [key, other] : hosts_) {
      if (other->idle.empty()) continue;
      if (!oldest || other->idle.front()->idle_since < oldest->idle.front()->idle_since) oldest = other.get();
    }
    oldest->idle.erase(oldest->idle.begin());
  }
}

bool ConnectionPool::is_fresh(const PooledConnection& connection, Instant now) const {
  return now - connection.idle_since < options_.idle_timeout && now - connection.opened < options_.max_age;
}

void ConnectionPool::sweep(Instant now) {
  next_sweep_ = now + kSweepInterval;
  for (auto at = hosts_.begin(); at != hosts_.end();) {
    auto& host = at->second;
    std::erase_if(host->idle, [&](const auto& connection) { return !is_fresh(*connection, now); });
    // Whoever uses or waits for a connection of a host holds it too.
    at = host->idle.empty() && host.use_count() == 1 ? hosts_.erase(at) : std::next(at);
  }
}

}  // namespace klutch::http
