// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"

// HTTP/1.1 framing (RFC 9112) without I/O: bytes in, head and body pieces out. Strict where laxness lets two
// parties disagree about where a message ends (request smuggling): both Content-Length and Transfer-Encoding,
// conflicting lengths, unknown codings, bare CR or LF in a head, and line folding are errors. Memory is
// bounded by the limits whatever the peer sends. Used by one fiber.

namespace klutch::http {

struct MessageLimits {
  std::size_t head_bytes = 64 * 1024;  ///< start line and fields together
  std::size_t fields = 128;
  std::uint64_t body_bytes = std::numeric_limits<std::uint64_t>::max();
  /// Chunk extensions and trailers together; their content is thrown away.
  std::size_t chunk_overhead_bytes = 16 * 1024;
};

/// Start line and fields of a request or response.
struct MessageHead {
  std::string method = {};  ///< requests
  std::string target = {};  ///< requests: as sent, not decoded
  int status = 0;           ///< responses
  int version = 11;         ///< 10 or 11
  Headers headers = {};
};

class MessageParser {
 public:
  enum class Kind {
    kRequest,
    kResponse,
    kResponseToHead,  ///< has no body whatever its fields say
  };

  MessageParser(Kind kind, const MessageLimits& limits);
  ~MessageParser();
  MessageParser(MessageParser&&) noexcept;
  MessageParser& operator=(MessageParser&&) noexcept;

  /// Takes bytes from the front of `input` and says how many. Returns early when the head is complete, when a
  /// piece of body is found (see piece()), and at the end of the message; bytes after the end are left alone.
  /// Zero means: give more bytes than these. Errors: kBadRequest for what is no HTTP/1.x message, kTooLarge
  /// past a limit; nothing more can then be parsed.
  Result<std::size_t> feed(std::string_view input);
  /// The peer has closed. An error unless the message is complete or may end so.
  Result<> feed_end();

  [[nodiscard]] bool head_complete() const noexcept;
  [[nodiscard]] bool complete() const noexcept;
  /// The body bytes of the last feed(), a part of its input. Empty if there were none.
  [[nodiscard]] std::string_view piece() const noexcept;

  /// The head; complete when head_complete().
  [[nodiscard]] const MessageHead& head() const noexcept;
  [[nodiscard]] MessageHead take_head();

  /// Valid when the head is complete:
  [[nodiscard]] bool keep_alive() const noexcept;
  [[nodiscard]] bool has_body() const noexcept;
  [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Appends a request head, fields as given, to `out`. kInvalid if method, target or a field is malformed.
Result<> append_request_head(std::string& out, std::string_view method, std::string_view target,
                             const Headers& headers);
/// Appends a response head to `out`. kInvalid if a field is malformed. `more` is further whole field lines,
/// each with its CRLF, which the caller vouches for.
Result<> append_response_head(std::string& out, int status, const Headers& headers,
                              std::string_view more = {});

}  // namespace klutch::http
