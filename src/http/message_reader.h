// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "base/result.h"
#include "http/message.h"
#include "http/message_parser.h"
#include "http/transport.h"

// Reads one HTTP/1.1 message after another from a Transport: MessageParser with a buffer. Shared by client
// and server. Holds no buffer while it waits for the first byte of a message. Used by one fiber.

namespace klutch::http {

class MessageReader final : public BodyReader {
 public:
  /// `transport` must outlive the reader.
  MessageReader(Transport& transport, const MessageLimits& limits);
  ~MessageReader() override;
  MessageReader(const MessageReader&) = delete;
  MessageReader& operator=(const MessageReader&) = delete;

  /// Suspends until the first byte of the next message is there; false when the peer closed instead.
  Result<bool> wait_for_message(Ctx& ctx);
  /// Reads a head; nothing when the peer closed before its first byte. The message before must have been read
  /// to its end. Errors: those of the parser, kUnavailable when the peer breaks off (for a request only after
  /// its first byte), kTimeout, kCancelled.
  Result<std::optional<MessageHead>> read_head(Ctx& ctx, MessageParser::Kind kind);
  /// The body of the message whose head was read last.
  Result<std::string_view> read(Ctx& ctx) override;

  /// Bytes read from the transport so far, of all messages.
  [[nodiscard]] std::uint64_t bytes_received() const noexcept { return received_; }
  /// The message has been read to its end.
  [[nodiscard]] bool complete() const noexcept;
  /// The parser of the present message. Only after read_head() gave one.
  [[nodiscard]] const MessageParser& parser() const noexcept { return *parser_; }
  /// Bytes read past the end of the present message, for a protocol upgrade. Empties the buffer.
  [[nodiscard]] std::string take_rest();

 private:
  Result<bool> wait_for_bytes(Ctx& ctx);
  Result<bool> fill(Ctx& ctx);
  void release_buffer_if_empty();

  Transport& transport_;
  MessageLimits limits_;
  std::optional<MessageParser> parser_;
  std::optional<Error> broken_;
  std::string buffer_;
  std::size_t begin_ = 0;  // unread bytes are buffer_[begin_, end_)
  std::size_t end_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace klutch::http
