// SPDX-License-Identifier: Apache-2.0
#include "http/incoming_body.h"

#include <string>

namespace klutch::http {

IncomingBody::IncomingBody(Transport& transport, MessageReader& reader, const ServerOptions& options)
    : transport_(transport),
      reader_(reader),
      options_(options),
      length_(reader.parser().content_length()),
      limit_(options.limits.body_bytes),
      window_left_(options.timeouts.body_window) {}

tl::unexpected<Error> IncomingBody::give_up(int status, Error error) {
  failed_status_ = status;
  return fail(*(error_ = std::move(error)));
}

Result<std::string_view> IncomingBody::read(Ctx& ctx) {
  if (error_) return fail(*error_);
  if (reader_.complete()) return std::string_view();
  if (length_.value_or(0) > limit_ || received_ > limit_) {
    return give_up(413,
                   Error(Code::kTooLarge, "the body is larger than " + std::to_string(limit_) + " bytes"));
  }
  if (expects_continue_) {
    expects_continue_ = false;
    auto limited = ctx.with_timeout(options_.timeouts.write_stall);
    if (auto sent = transport_.write(limited, "HTTP/1.1 100 Continue\r\n\r\n"); !sent)
      return give_up(0, sent.error());
  }
  const auto piece = TRY(read_timed(ctx));
  received_ += piece.size();
  if (received_ > limit_) {
    return give_up(413,
                   Error(Code::kTooLarge, "the body is larger than " + std::to_string(limit_) + " bytes"));
  }
  return piece;
}

/// Only the time spent waiting counts: a handler that is slow to read is not the client's fault.
Result<std::string_view> IncomingBody::read_timed(Ctx& ctx) {
  const auto& timeouts = options_.timeouts;
  auto limited = ctx.with_timeout(window_left_);
  const auto started = ctx.now();
  auto piece = reader_.read(limited);
  window_left_ -= ctx.now() - started;
  if (!piece) {
    const auto code = piece.error().code();
    if (code == Code::kTimeout && ctx.check()) {
      return give_up(408, Error(Code::kTimeout, "the request body arrives too slowly"));
    }
    const int status = code == Code::kBadRequest ? 400 : code == Code::kTooLarge ? 413 : 0;
    return give_up(status, std::move(piece).error());
  }
  window_bytes_ += piece->size();
  const std::chrono::duration<double> window = timeouts.body_window;
  if (static_cast<double>(window_bytes_) >=
      static_cast<double>(timeouts.body_bytes_per_second) * window.count()) {
    window_bytes_ = 0;
    window_left_ = timeouts.body_window;
  } else if (window_left_ <= Duration::zero()) {
    return give_up(408, Error(Code::kTimeout, "the request body arrives too slowly"));
  }
  return piece;
}

bool IncomingBody::can_be_discarded() const noexcept {
  if (reader_.complete()) return true;
  // A client that still waits for 100 may send the body or not (RFC 9110 §10.1.1): nobody can tell.
  if (error_ || expects_continue_ || !length_) return false;
  return *length_ - received_ <= options_.limits.discarded_bytes;
}

bool IncomingBody::discard(Ctx& ctx) {
  if (!can_be_discarded()) return false;
  limit_ = UINT64_MAX;
  while (!reader_.complete()) {
    if (!read(ctx)) return false;
  }
  return true;
}

}  // namespace klutch::http
