// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/duration.h"
#include "base/strings.h"

namespace klutch::http {
namespace {

constexpr int kMostInterimResponses = 16;
/// Bodies up to this size travel together with their head.
constexpr std::size_t kSentTogether = 16 * 1024;
/// Between two of these a larger body looks whether the peer has answered already.
constexpr std::size_t kSentAtOnce = 64 * 1024;
/// How long a peer that stopped listening may take to say why.
constexpr auto kEarlyAnswerTimeout = std::chrono::seconds(1);

}  // namespace

/// Chunks (RFC 9112 §7.1), each with its frame in one write.
class Exchange::ChunkedBody final : public BodyWriter {
 public:
  explicit ChunkedBody(Exchange& exchange) : exchange_(exchange) {}

  Result<> write(Ctx& ctx, std::string_view piece) override {
    if (piece.empty()) return {};
    TRY(exchange_.check_still_wanted());
    std::array<char, 24> frame{};
    char* at = frame.data();
    if (begun_) at = std::copy_n("\r\n", 2, at);
    at = std::to_chars(at, frame.data() + frame.size() - 2, piece.size(), 16).ptr;
    at = std::copy_n("\r\n", 2, at);
    begun_ = true;
    const std::string_view start(frame.data(), static_cast<std::size_t>(at - frame.data()));
    return exchange_.lease_.transport().write(ctx, start, piece);
  }

  Result<> finish(Ctx& ctx) {
    return exchange_.lease_.transport().write(ctx, begun_ ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
  }

 private:
  Exchange& exchange_;
  bool begun_ = false;
};

Exchange::Exchange(ConnectionPool::Lease lease, const Options& options)
    : lease_(std::move(lease)), options_(options), reader_(lease_.transport(), options.limits) {}

Exchange::~Exchange() {
  // Who has seen the last piece need not have asked for the end.
  if (!ended_ && reader_.bytes_received() > 0 && reader_.complete()) end();
}

Result<MessageHead> Exchange::perform(Ctx& ctx, ClientRequest& request, std::string_view head) {
  if (request.method == "HEAD") kind_ = MessageParser::Kind::kResponseToHead;
  const auto sent = send(ctx, request, head);
  auto response = sent ? receive_final_head(ctx) : receive_early_head(ctx, sent.error());
  if (!response) {
    ended_ = true;
    lease_.discard();
  } else if (reader_.complete()) {
    end();
  }
  return response;
}

Result<std::string_view> Exchange::read(Ctx& ctx) {
  if (ended_ && reader_.complete()) return std::string_view();
  auto limited = options_.idle_timeout > Duration::zero() ? ctx.with_timeout(options_.idle_timeout)
                                                          : ctx.with_deadline(Ctx::kNever);
  auto piece = reader_.read(limited).map_error(as_peers_fault);
  if (!piece) {
    ended_ = true;
    lease_.discard();
    if (is(piece.error(), Code::kTimeout) && limited.deadline() < ctx.deadline()) {
      return fail(Code::kTimeout, "no data within " + format_duration(options_.idle_timeout));
    }
  } else if (piece->empty()) {
    end();
  }
  return piece;
}

/// The response is complete: the connection can serve again, if both sides left it in order.
void Exchange::end() {
  if (ended_) return;
  ended_ = true;
  if (sent_ && reader_.parser().keep_alive() && reader_.take_rest().empty()) {
    lease_.give_back();
  } else {
    lease_.discard();
  }
}

Result<> Exchange::send(Ctx& ctx, ClientRequest& request, std::string_view head) {
  auto& transport = lease_.transport();
  const auto body = request.stream ? std::string_view() : request.body.view();
  const bool together = !request.stream && !asks_to_continue(request) && body.size() <= kSentTogether;
  TRY(transport.write(ctx, head, together ? body : std::string_view()));
  if (asks_to_continue(request) && !TRY(server_continues(ctx))) return {};
  if (request.stream) {
    TRY(send_chunks(ctx, request.stream));
  } else if (!together) {
    TRY(send_bytes(ctx, body));
  }
  sent_ = true;
  return {};
}

Result<> Exchange::send_bytes(Ctx& ctx, std::string_view body) {
  while (!body.empty()) {
    TRY(check_still_wanted());
    TRY(lease_.transport().write(ctx, body.substr(0, kSentAtOnce)));
    body.remove_prefix(std::min(body.size(), kSentAtOnce));
  }
  return {};
}

Result<> Exchange::send_chunks(Ctx& ctx, BodyProducer& produce) {
  ChunkedBody body(*this);
  TRY(produce(ctx, body));
  if (answered_) return check_still_wanted();
  return body.finish(ctx);
}

/// A peer that answers or closes before it has the whole request does not want the rest.
Result<> Exchange::check_still_wanted() {
  if (!answered_ && lease_.transport().is_quiet()) return {};
  answered_ = true;
  return fail(Code::kUnavailable, "the peer answered or closed before the whole request was sent");
}

/// After "Expect: 100-continue": false if the final response came instead.
Result<bool> Exchange::server_continues(Ctx& ctx) {
  auto limited = ctx.with_timeout(options_.continue_timeout);
  auto& transport = lease_.transport();
  for (;;) {
    while (transport.is_quiet()) {
      const auto waited = transport.wait_readable(limited);
      if (!waited && is(waited.error(), Code::kTimeout) && ctx.check()) return true;
      TRY(waited);
    }
    auto head = TRY(receive_head(ctx));
    if (head.status == 100) return true;
    if (head.status < 200) continue;
    early_head_ = std::move(head);
    return false;
  }
}

Result<MessageHead> Exchange::receive_final_head(Ctx& ctx) {
  if (early_head_) return *std::exchange(early_head_, std::nullopt);
  auto limited = options_.head_timeout > Duration::zero() ? ctx.with_timeout(options_.head_timeout)
                                                          : ctx.with_deadline(Ctx::kNever);
  for (;;) {
    auto head = receive_head(limited);
    if (!head && is(head.error(), Code::kTimeout) && limited.deadline() < ctx.deadline()) {
      return fail(Code::kTimeout, "no response within " + format_duration(options_.head_timeout));
    }
    if (!head || head->status >= 200) return head;
  }
}

/// The next head, interim responses (RFC 9110 §15.2) included.
Result<MessageHead> Exchange::receive_head(Ctx& ctx) {
  auto head = TRY(reader_.read_head(ctx, kind_).map_error(as_peers_fault));
  if (!head) return fail(Code::kUnavailable, "the peer closed the connection without an answer");
  if (head->status == 101) return fail(Code::kInternal, "the peer switched protocols unasked");
  if (head->status < 200 && ++interim_responses_ > kMostInterimResponses) {
    return fail(Code::kInternal, "the peer sends interim responses without end");
  }
  return *std::move(head);
}

/// Sending failed with `cause`. A peer that refused the request may have said why before it stopped reading.
Result<MessageHead> Exchange::receive_early_head(Ctx& ctx, const Error& cause) {
  if (!answered_ && !is(cause, Code::kUnavailable)) return fail(cause);
  auto limited = ctx.with_timeout(kEarlyAnswerTimeout);
  auto head = receive_final_head(limited);
  // A reset, if anything, tells less than the failed write did.
  if (!head && (is(head.error(), Code::kUnavailable) || is(head.error(), Code::kTimeout))) return fail(cause);
  return head;
}

}  // namespace klutch::http
