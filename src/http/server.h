// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "async/ctx.h"
#include "async/loop.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/error_response.h"
#include "http/request.h"
#include "http/server_observer.h"
#include "http/tls.h"
#include "http/transport.h"

// An HTTP/1.1 server on one loop, one fiber per connection; a program that wants more cores runs one Server
// per loop. Every amount and every wait that a peer can cause is bounded by ServerLimits and ServerTimeouts.
// Malformed requests are answered with 400, 413, 414, 431, 501 or 505 and end their connection. Loop thread
// only.
//
//   auto server = TRY(Server::listen(loop, {.addresses = {address}}, std::move(router).to_handler()));
//   return server.serve(ctx);  // until cancelled

namespace klutch::http {

struct ServerLimits {
  std::size_t head_bytes = 64 * 1024;  ///< request line and header fields; 431 beyond
  std::size_t fields = 128;
  std::size_t target_bytes = 16 * 1024;        ///< 414 beyond
  std::uint64_t body_bytes = 3 * 1024 * 1024;  ///< 413 beyond, unless the handler sets its own limit
  std::uint64_t discarded_bytes =
      256 * 1024;  ///< of a body the handler left unread; else the connection closes
  /// Open connections. One more is accepted only when one that is idle can be closed for it (the one idle
  /// longest); when all are busy, new ones wait in the kernel's queue.
  std::size_t connections = 1024;
  std::optional<std::size_t> requests_per_connection = {};
};

struct ServerTimeouts {
  Duration handshake = std::chrono::seconds(10);
  Duration head = std::chrono::seconds(10);   ///< from its first byte; and for that, on a new connection
  Duration idle = std::chrono::seconds(120);  ///< between requests
  /// A request body must bring body_window * body_bytes_per_second bytes in every body_window that the server
  /// spends waiting for it.
  Duration body_window = std::chrono::seconds(10);
  std::uint64_t body_bytes_per_second = 512;
  Duration write_stall = std::chrono::seconds(30);  ///< for the peer to take the next 64 KiB
  std::optional<Duration> handler = {};             ///< until it returns its Response
  /// After a last answer, for the client to end its side; bytes that arrive meanwhile are thrown away.
  Duration linger = std::chrono::seconds(2);
  Duration drain = std::chrono::seconds(20);  ///< for running requests when the server stops
};

struct ServerOptions {
  std::vector<Address> addresses = {};
  std::shared_ptr<const TlsServer> tls = {};  ///< null: plain text
  ServerLimits limits = {};
  ServerTimeouts timeouts = {};
  ErrorRenderer render_error = render_error_as_text;
  std::shared_ptr<ServerObserver> observer = {};  ///< may be null
  const Clock* clock = &system_clock();           ///< for the Date header
};

class Server {
 public:
  /// Binds and listens, so that addresses() are known and errors come early; see Listener::listen. At least
  /// one address.
  static Result<Server> listen(async::Loop& loop, ServerOptions options, Handler handler);
  ~Server();
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;

  /// In the order of the options, with real ports.
  [[nodiscard]] std::vector<Address> addresses() const;
  [[nodiscard]] std::size_t open_connections() const noexcept;

  /// Serves until `ctx` is cancelled, then drains: stops accepting, closes idle connections, lets running
  /// requests end within timeouts.drain (with "Connection: close"), cancels what is left and returns success.
  /// Handlers that stream are cancelled as soon as the drain begins, so that they can end their response in
  /// order; what they write after that still reaches the client. Call once.
  Result<> serve(Ctx& ctx);

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace klutch::http
