// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/client.h"
#include "http/connection_pool.h"
#include "http/message_reader.h"

// Private to http/: one request and its response over one connection, which it owns. After perform() it is
// the body of the response; it hands the connection back to the pool at the end of the body, or closes it.
// Used by one fiber.

namespace klutch::http {

class Exchange final : public BodyReader {
 public:
  struct Options {
    MessageLimits limits;
    Duration head_timeout;
    Duration idle_timeout;
    Duration continue_timeout;
  };

  Exchange(ConnectionPool::Lease lease, const Options& options);
  ~Exchange() override;

  /// Sends `request`, whose head is `head`, and reads the head of its response.
  Result<MessageHead> perform(Ctx& ctx, ClientRequest& request, std::string_view head);
  /// After a failed perform(): the peer did not answer with a single byte.
  [[nodiscard]] bool nothing_received() const noexcept { return reader_.bytes_received() == 0; }
  [[nodiscard]] bool reused() const noexcept { return lease_.reused(); }

  Result<std::string_view> read(Ctx& ctx) override;

 private:
  class ChunkedBody;

  Result<> send(Ctx& ctx, ClientRequest& request, std::string_view head);
  Result<> send_bytes(Ctx& ctx, std::string_view body);
  Result<> send_chunks(Ctx& ctx, BodyProducer& produce);
  Result<bool> server_continues(Ctx& ctx);
  Result<> check_still_wanted();
  Result<MessageHead> receive_final_head(Ctx& ctx);
  Result<MessageHead> receive_head(Ctx& ctx);
  Result<MessageHead> receive_early_head(Ctx& ctx, const Error& cause);
  void end();

  ConnectionPool::Lease lease_;
  Options options_;
  MessageReader reader_;
  MessageParser::Kind kind_ = MessageParser::Kind::kResponse;
  std::optional<MessageHead> early_head_;  // came in place of "100 Continue"
  int interim_responses_ = 0;
  bool sent_ = false;      // the whole request
  bool answered_ = false;  // the peer answered or closed before that
  bool ended_ = false;     // the connection is given back or closed
};

/// A request without a body has nothing to wait for (RFC 9110 §10.1.1).
[[nodiscard]] bool asks_to_continue(const ClientRequest& request) noexcept;

/// The head of `request` as it goes over the wire on `route`, complete with the fields that are the client's
/// business and the trace of `ctx`. Holds credentials: wipe it. kInvalid for what cannot be sent.
Result<std::string> compose_head(const Ctx& ctx, const ClientRequest& request, const Route& route,
                                 std::string_view user_agent);

}  // namespace klutch::http
