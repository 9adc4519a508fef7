// SPDX-License-Identifier: Apache-2.0
#include "http/message_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace klutch::http {
namespace {

constexpr std::size_t kFirstBuffer = 4 * 1024;
constexpr std::size_t kLargestPiece = 16 * 1024;

}  // namespace

MessageReader::MessageReader(Transport& transport, const MessageLimits& limits)
    : transport_(transport), limits_(limits) {}

MessageReader::~MessageReader() = default;

Result<bool> MessageReader::wait_for_message(Ctx& ctx) {
  auto waited = wait_for_bytes(ctx);
  // A connection that is reset while nothing is under way has simply ended.
  if (!waited && is(waited.error(), Code::kUnavailable)) return false;
  return waited;
}

Result<bool> MessageReader::wait_for_bytes(Ctx& ctx) {
  if (begin_ < end_) return true;
  release_buffer_if_empty();
  if (complete()) parser_.reset();
  TRY(transport_.wait_readable(ctx));
  return fill(ctx);
}

Result<std::optional<MessageHead>> MessageReader::read_head(Ctx& ctx, MessageParser::Kind kind) {
  CHECK(complete());
  if (broken_) return fail(*broken_);
  const bool request = kind == MessageParser::Kind::kRequest;
  // A response is under way from its first byte on: why it does not come matters.
  if (!TRY(request ? wait_for_message(ctx) : wait_for_bytes(ctx))) return std::nullopt;
  parser_.emplace(kind, limits_);
  for (;;) {
    auto used = parser_->feed({buffer_.data() + begin_, end_ - begin_});
    if (!used) return fail(*(broken_ = std::move(used).error()));
    begin_ += *used;
    if (parser_->head_complete()) return parser_->take_head();
    auto more = fill(ctx);
    if (!more) return fail(*(broken_ = std::move(more).error()));
    if (!*more) return fail(*(broken_ = Error(Code::kUnavailable, "the peer closed inside a message head")));
  }
}

Result<std::string_view> MessageReader::read(Ctx& ctx) {
  if (broken_) return fail(*broken_);
  CHECK(parser_.has_value());
  while (!parser_->complete()) {
    if (begin_ < end_) {
      auto used = parser_->feed({buffer_.data() + begin_, end_ - begin_});
      if (!used) return fail(*(broken_ = std::move(used).error()));
      begin_ += *used;
      if (!parser_->piece().empty()) return parser_->piece();
      if (parser_->complete()) break;
      if (*used > 0) continue;
    }
    auto more = fill(ctx);
    if (!more) return fail(*(broken_ = std::move(more).error()));
    if (*more) continue;
    if (!parser_->feed_end()) {
      return fail(*(broken_ = Error(Code::kUnavailable, "the peer closed before the end of the body")));
    }
  }
  return std::string_view();
}

bool MessageReader::complete() const noexcept {
  return !parser_ || parser_->complete();
}

std::string MessageReader::take_rest() {
  std::string rest = buffer_.substr(begin_, end_ - begin_);
  begin_ = end_ = 0;
  return rest;
}

/// At least one more byte behind end_; false when the peer has closed. The parser's limits bound the buffer:
/// it fails before it asks for more than they allow.
Result<bool> MessageReader::fill(Ctx& ctx) {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const bool in_body = parser_ && parser_->head_complete() && !parser_->complete();
  if (buffer_.empty()) buffer_.resize(kFirstBuffer);
  if (end_ == buffer_.size() || (in_body && buffer_.size() < kLargestPiece)) {
    buffer_.resize(std::max(buffer_.size() * 2, in_body ? kLargestPiece : kFirstBuffer));
  }
  const std::size_t n = TRY(transport_.read_some(ctx, {buffer_.data() + end_, buffer_.size() - end_}));
  end_ += n;
  received_ += n;
  return n > 0;
}

void MessageReader::release_buffer_if_empty() {
  if (begin_ < end_) return;
  begin_ = end_ = 0;
  std::string().swap(buffer_);
}

}  // namespace klutch::http
