// SPDX-License-Identifier: Apache-2.0
#include "http/response_sender.h"

#include <algorithm>
#include <charconv>

#include "base/strings.h"
#include "http/message_parser.h"

namespace klutch::http {
namespace {

/// What the peer has to take within write_stall.
constexpr std::size_t kSlice = 64 * 1024;
/// A body up to this size goes out in one write with its head.
constexpr std::size_t kJoined = 16 * 1024;

std::optional<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void append_number(std::string& out, std::uint64_t value, int base) {
  char digits[24];
  const auto result = std::to_chars(digits, digits + sizeof digits, value, base);
  out.append(digits, result.ptr);
}

bool has_no_body(int status) noexcept {
  return status == 204 || status == 304;
}

}  // namespace

/// RFC 9112 §6.3. What the handler set itself about the connection and the framing is taken out of its
/// fields, so that it cannot contradict what is sent.
Result<> ResponseSender::choose_framing(Response& response, ResponseFacts& facts) {
  if (response.status < 200 || response.status > 999) {
    return fail(Code::kInvalid, "a handler gave status " + std::to_string(response.status));
  }
  auto& headers = response.headers;
  if (headers.lists("Connection", "close")) facts.keep_alive = false;
  headers.erase("Connection");
  headers.erase("Transfer-Encoding");
  std::optional<std::uint64_t> announced;
  if (const auto text = headers.get("Content-Length")) {
    announced = parse_length(*text);
    if (!announced) return fail(Code::kInvalid, "a handler gave a malformed Content-Length");
    headers.erase("Content-Length");
  }

  if (has_no_body(response.status)) {
    framing_ = Framing::kNone;
  } else if (!response.stream) {
    framing_ = facts.head_only ? Framing::kNone : Framing::kLength;
    length_left_ = facts.head_only && response.body.empty() ? announced.value_or(0) : response.body.size();
  } else if (facts.head_only) {
    framing_ = Framing::kNone;
    length_left_ = announced.value_or(0);
  } else if (announced) {
    framing_ = Framing::kLength;
    length_left_ = *announced;
  } else {
    framing_ = facts.version >= 11 ? Framing::kChunked : Framing::kClose;
    if (framing_ == Framing::kClose) facts.keep_alive = false;
  }
  return {};
}

Result<> ResponseSender::start(Ctx& ctx, Response& response, ResponseFacts& facts) {
  TRY(choose_framing(response, facts));
  std::string lines;
  lines.reserve(128);
  if (!response.headers.contains("Date")) lines += core_.date.get();
  const bool unknown_length = response.stream && framing_ == Framing::kNone && length_left_ == 0;
  if (framing_ == Framing::kChunked) {
    lines += "Transfer-Encoding: chunked\r\n";
  } else if (framing_ != Framing::kClose && !has_no_body(response.status) && !unknown_length) {
    lines += "Content-Length: ";
    append_number(lines, length_left_, 10);
    lines += "\r\n";
  }
  if (!facts.keep_alive) {
    lines += "Connection: close\r\n";
  } else if (facts.version < 11) {
    lines += "Connection: keep-alive\r\n";
  }
  std::string head;
  const bool joined = framing_ == Framing::kLength && !response.stream && response.body.size() <= kJoined;
  head.reserve(512 + (joined ? response.body.size() : 0));
  TRY(append_response_head(head, response.status, response.headers, lines));
  started_ = true;
  if (framing_ == Framing::kNone || response.stream) return send(ctx, head);
  return send_body(ctx, std::move(head), response.body.view());
}

Result<> ResponseSender::send_body(Ctx& ctx, std::string head, std::string_view body) {
  if (body.size() <= kJoined) {
    head += body;
    TRY(send(ctx, head));
  } else {
    TRY(send(ctx, head));
    for (std::size_t at = 0; at < body.size(); at += kSlice) TRY(send(ctx, body.substr(at, kSlice)));
  }
  body_bytes_ = body.size();
  return {};
}

Result<> ResponseSender::write(Ctx& ctx, std::string_view piece) {
  if (framing_ == Framing::kNone) return {};
  if (framing_ == Framing::kLength && piece.size() > length_left_) {
    gone_ = true;
    return fail(Code::kInvalid, "a stream is longer than its Content-Length");
  }
  while (!piece.empty()) {
    const auto slice = piece.substr(0, kSlice);
    if (framing_ == Framing::kChunked) {
      chunk_.clear();
      append_number(chunk_, slice.size(), 16);
      chunk_.append("\r\n").append(slice).append("\r\n");
      TRY(send(ctx, chunk_));
    } else {
      TRY(send(ctx, slice));
    }
    if (framing_ == Framing::kLength) length_left_ -= slice.size();
    body_bytes_ += slice.size();
    piece.remove_prefix(slice.size());
  }
  if (chunk_.capacity() > kJoined) std::string().swap(chunk_);
  return {};
}

Result<> ResponseSender::finish(Ctx& ctx) {
  if (framing_ == Framing::kLength && length_left_ > 0) {
    gone_ = true;
    return fail(Code::kInvalid, "a stream is shorter than its Content-Length");
  }
  if (framing_ != Framing::kChunked) return {};
  return send(ctx, "0\r\n\r\n");
}

Result<> ResponseSender::send(Ctx& ctx, std::string_view bytes) {
  if (gone_) return fail(Code::kUnavailable, "the client has gone away");
  auto limited = ctx.shielded(core_.options.timeouts.write_stall).with_deadline(ctx.deadline());
  auto sent = transport_.write(limited, bytes);
  if (sent) return {};
  gone_ = true;
  if (ctx.now() >= ctx.deadline())
    return fail(Code::kTimeout, "the deadline passed while writing the response");
  if (is(sent.error(), Code::kTimeout))
    return fail(Code::kUnavailable, "the client takes the response too slowly");
  return fail(Code::kUnavailable, "the client has gone away: " + sent.error().message());
}

}  // namespace klutch::http
