// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/ctx.h"
#include "async/task_group.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/transport.h"

// A server on loopback whose every byte is decided by the test, for peers that behave badly. It speaks no
// HTTP by itself. Each connection runs one script on a fiber of its own; a script that returns closes the
// connection. For tests only; belongs to one loop.
//
//   testing::ScriptedServer server(ctx, {[](Ctx& task, testing::Peer& peer) -> Result<> {
//     TRY(peer.read_request(task));
//     return peer.send(task, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
//   }});

namespace klutch::testing {

/// What one connection has seen.
struct Conversation {
  std::string received;                   ///< every byte read from the client, after TLS
  std::size_t sent = 0;                   ///< bytes handed to the kernel
  std::string handshake_error;            ///< why TLS failed, if it did
  std::vector<std::string> client_chain;  ///< PEM of the client's certificate, if TLS asked for one
  bool ended = false;                     ///< the script has returned
};

/// The server's end of one connection.
class Peer {
 public:
  Peer(std::unique_ptr<http::Transport> transport, Conversation& seen)
      : transport_(std::move(transport)), seen_(seen) {}

  /// Reads until `end` has come; what was read up to there. Bytes after it stay for the next call.
  Result<std::string> read_until(Ctx& ctx, std::string_view end);
  /// Reads one request head and its body of Content-Length bytes; the head.
  Result<std::string> read_request(Ctx& ctx);
  /// Reads until the client closes.
  Result<> read_to_end(Ctx& ctx);

  Result<> send(Ctx& ctx, std::string_view bytes);
  /// One byte after the other with `pause` in between.
  Result<> drip(Ctx& ctx, std::string_view bytes, Duration pause);
  /// `bytes` again and again until the client hangs up, `most` at most.
  Result<> send_endlessly(Ctx& ctx, std::string_view bytes, std::size_t most = std::size_t{64} << 20);
  /// Says nothing until the client hangs up.
  Result<> stay_silent(Ctx& ctx) { return read_to_end(ctx); }
  /// Closes with a TCP reset. Not over TLS.
  void reset();
  /// No more will be sent; reading goes on.
  void finish(Ctx& ctx) { transport_->shut_down(ctx); }

  /// Goes on with TLS, from the server's side.
  Result<> start_tls(Ctx& ctx, const http::TlsServer& tls);

  /// Raw access.
  http::Transport& transport() noexcept { return *transport_; }

 private:
  Result<bool> fill(Ctx& ctx);

  std::unique_ptr<http::Transport> transport_;
  Conversation& seen_;
  std::size_t used_ = 0;  // of seen_.received
};

class ScriptedServer {
 public:
  using Script = std::function<Result<>(Ctx&, Peer&)>;

  /// Connection n runs script n, those after the last one the last. With `tls` the handshake comes first.
  ScriptedServer(Ctx& ctx, std::vector<Script> scripts, std::shared_ptr<http::TlsServer> tls = nullptr);
  /// Ends all scripts and waits for them.
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return listener_.address().port; }
  /// "http[s]://127.0.0.1:port" + path.
  [[nodiscard]] std::string url(std::string_view path = "/") const;
  /// Every connection so far, in order. References stay valid.
  [[nodiscard]] const std::deque<Conversation>& conversations() const noexcept { return conversations_; }
  /// Waits until every script has returned, for a look at conversations().
  Result<> settle(Ctx& ctx);
  /// Stops accepting: further clients are refused.
  void close_listener() { listener_.close(); }

 private:
  Result<> serve(Ctx& ctx);
  Result<> converse(Ctx& ctx, std::unique_ptr<http::Transport> transport, std::size_t number);

  Ctx& ctx_;
  std::vector<Script> scripts_;
  std::shared_ptr<http::TlsServer> tls_;
  http::Listener listener_;
  std::deque<Conversation> conversations_;
  async::TaskGroup tasks_;
};

}  // namespace klutch::testing
