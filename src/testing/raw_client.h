// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "base/result.h"
#include "http/message_reader.h"
#include "http/transport.h"

// A client that says exactly what a test tells it to, well-formed or not. For tests of servers only.

namespace klutch::testing {

struct RawResponse {
  http::MessageHead head = {};
  std::string body = {};
};

class RawClient {
 public:
  static Result<RawClient> connect(Ctx& ctx, const http::Address& address,
                                   const http::TlsClient* tls = nullptr) {
    return RawClient(TRY(http::connect(ctx, address, tls)));
  }

  Result<> send(Ctx& ctx, std::string_view bytes) { return transport_->write(ctx, bytes); }
  /// The next final or 1xx response; kUnavailable if the server closes instead.
  Result<RawResponse> receive(Ctx& ctx, bool to_head = false) {
    using Kind = http::MessageParser::Kind;
    auto head = TRY(reader_->read_head(ctx, to_head ? Kind::kResponseToHead : Kind::kResponse));
    if (!head) return fail(Code::kUnavailable, "the server closed");
    RawResponse response{*std::move(head), {}};
    response.body = TRY(http::read_all(ctx, *reader_, 64U << 20U));
    return response;
  }
  Result<RawResponse> exchange(Ctx& ctx, std::string_view bytes, bool to_head = false) {
    TRY(send(ctx, bytes));
    return receive(ctx, to_head);
  }
  /// Whether the server ends the connection without sending anything more.
  bool closed(Ctx& ctx) {
    const auto more = reader_->wait_for_message(ctx);
    return more && !*more;
  }
  http::MessageReader& reader() { return *reader_; }
  http::Transport& transport() { return *transport_; }

 private:
  explicit RawClient(std::unique_ptr<http::Transport> transport)
      : transport_(std::move(transport)),
        reader_(std::make_unique<http::MessageReader>(*transport_, http::MessageLimits{})) {}

  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<http::MessageReader> reader_;
};

}  // namespace klutch::testing
