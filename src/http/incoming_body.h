// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "http/message_reader.h"
#include "http/request.h"
#include "http/server.h"

// Private to http/: the body of a request while it arrives. Answers "Expect: 100-continue" when the handler
// begins to read, keeps the limit of bytes and the least rate. Used by the connection's fiber or by the one
// that produces the response.

namespace klutch::http {

class IncomingBody final : public RequestBody {
 public:
  /// For the message whose head `reader` has read. `expects_continue`: the client waits for our go-ahead.
  IncomingBody(Transport& transport, MessageReader& reader, const ServerOptions& options);

  void expect_continue() noexcept { expects_continue_ = true; }
  void set_limit(std::uint64_t bytes) override { limit_ = bytes; }
  Result<std::string_view> read(Ctx& ctx) override;

  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  /// The status to answer if reading has failed in a way that is the client's fault, else 0.
  [[nodiscard]] int failed_status() const noexcept { return failed_status_; }
  /// Whether the client has gone or its bytes make no sense any more: no answer will be read.
  [[nodiscard]] bool client_is_gone() const noexcept { return error_ && is(*error_, Code::kUnavailable); }
  /// Whether what was not read is little enough to read and throw away.
  [[nodiscard]] bool can_be_discarded() const noexcept;
  /// Throws the rest away. False if the connection is of no use afterwards.
  bool discard(Ctx& ctx);

 private:
  Result<std::string_view> read_timed(Ctx& ctx);
  tl::unexpected<Error> give_up(int status, Error error);

  Transport& transport_;
  MessageReader& reader_;
  const ServerOptions& options_;
  std::optional<std::uint64_t> length_;
  std::uint64_t limit_;
  std::uint64_t received_ = 0;
  std::uint64_t window_bytes_ = 0;  // received in the present window
  Duration window_left_;            // that may be spent waiting in it
  bool expects_continue_ = false;
  int failed_status_ = 0;
  std::optional<Error> error_;
};

}  // namespace klutch::http
