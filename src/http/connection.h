// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "async/task_group.h"
#include "http/message_reader.h"
#include "http/response_sender.h"
#include "http/server_core.h"
#include "http/transport.h"

// Private to http/: one connection of a Server from accept to close. run() is its fiber; the other functions
// are for the server, on the same loop.

namespace klutch::http {

class Connection {
 public:
  Connection(ServerCore& core, std::unique_ptr<Transport> plain);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Serves one request after another. What goes wrong is told to the observer.
  void run(Ctx& ctx);

  /// Waits for a request, and not even its first byte has arrived.
  [[nodiscard]] bool is_idle() const;
  /// No request has come on it yet.
  [[nodiscard]] bool is_fresh() const noexcept { return requests_ == 0; }
  /// Ends the connection now, whatever it does.
  void close() noexcept;
  /// Cancels the producer of a streaming response, if one runs.
  void cancel_stream();

 private:
  bool shake_hands(Ctx& ctx);
  /// Answers the next request; false when the connection has to end.
  bool serve_next(Ctx& ctx);
  bool wait_for_request(Ctx& ctx);
  /// Hands a parsed request to the handler and sends what it gives.
  bool answer(Ctx& ctx, MessageHead head);
  Response call_handler(Ctx& ctx, ServerRequest& request);
  /// False when the response did not reach its end.
  bool send(Ctx& ctx, ServerRequest& request, Response& response, ResponseSender& sender,
            ResponseFacts& facts);
  Result<> run_stream(Ctx& ctx, BodyProducer producer, ResponseSender& sender);
  void watch_client(Ctx& ctx, ResponseSender& sender, async::TaskGroup& producer);
  [[nodiscard]] bool wants_to_stay(const ServerRequest& request, bool client_keeps_alive) const;
  /// Answers what is no request and ends the connection.
  void refuse(Ctx& ctx, int status, const Error& error);
  /// Ends the sending direction, then reads a little: bytes that arrive after close() would make the kernel
  /// reset the connection and the peer lose the answer (RFC 9112 §9.6).
  void linger(Ctx& ctx);

  ServerCore& core_;
  std::unique_ptr<Transport> transport_;  // null during the TLS handshake
  std::string peer_;                      // without port
  std::optional<MessageReader> reader_;
  std::size_t requests_ = 0;
  bool idle_ = false;
  async::TaskGroup* stream_ = nullptr;
  std::list<Connection*>::iterator place_;  // in core_.connections
};

}  // namespace klutch::http
