// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/message.h"
#include "http/server_core.h"
#include "http/transport.h"

// Private to http/: puts one response on the wire with the framing that request and status call for
// (RFC 9112 §6). Used by one fiber at a time.

namespace klutch::http {

/// How the receiver learns where the body ends.
enum class Framing {
  kNone,     ///< there is no body: HEAD, 204, 304
  kLength,   ///< Content-Length
  kChunked,  ///< HTTP/1.1 streams
  kClose,    ///< the end of the connection: HTTP/1.0 streams
};

struct ResponseFacts {
  bool head_only = false;  ///< the request was HEAD
  int version = 11;        ///< the client's
  bool keep_alive = true;
};

class ResponseSender final : public BodyWriter {
 public:
  ResponseSender(Transport& transport, ServerCore& core) : transport_(transport), core_(core) {}

  /// Sends all of a response whose body is in memory, or the head of one that is streamed; `facts.keep_alive`
  /// turns false if the framing or the response's Connection header demands it. kInvalid, with nothing sent,
  /// if the response cannot be sent at all; else the errors of Transport::write.
  Result<> start(Ctx& ctx, Response& response, ResponseFacts& facts);
  /// A piece of a stream. Goes on when `ctx` is cancelled: what a stopping producer still has to say is
  /// heard. kUnavailable if the client is gone or takes nothing for write_stall; kInvalid past the announced
  /// length.
  Result<> write(Ctx& ctx, std::string_view piece) override;
  /// Ends a stream in order. kInvalid if bytes of the announced length are missing.
  Result<> finish(Ctx& ctx);

  /// No write can succeed any more.
  void client_is_gone() noexcept { gone_ = true; }
  [[nodiscard]] bool broken() const noexcept { return gone_; }
  [[nodiscard]] bool started() const noexcept { return started_; }
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return body_bytes_; }

 private:
  Result<> choose_framing(Response& response, ResponseFacts& facts);
  Result<> send(Ctx& ctx, std::string_view bytes);
  Result<> send_body(Ctx& ctx, std::string head, std::string_view body);

  Transport& transport_;
  ServerCore& core_;
  Framing framing_ = Framing::kNone;
  std::uint64_t length_left_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::string chunk_;
  bool started_ = false;
  bool gone_ = false;
};

}  // namespace klutch::http
