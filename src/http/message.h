// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "async/ctx.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "http/headers.h"

// What client and server share: heads, bodies and the two directions of a body in flight. Nothing here does
// I/O by itself. The shapes say nothing of HTTP/1.1, so that HTTP/2 can be put below without touching
// callers.

namespace klutch::http {

/// Bytes of a body: owned, or shared with other messages and threads without a copy.
class Body {
 public:
  Body() = default;
  Body(std::string bytes) : bytes_(std::move(bytes)) {}
  Body(std::string_view bytes) : bytes_(std::string(bytes)) {}
  Body(const char* bytes) : bytes_(std::string(bytes)) {}
  Body(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}

  [[nodiscard]] std::string_view view() const noexcept {
    const auto* shared = std::get_if<std::shared_ptr<const std::string>>(&bytes_);
    return shared != nullptr ? std::string_view(**shared) : std::string_view(std::get<std::string>(bytes_));
  }
  [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
  [[nodiscard]] bool empty() const noexcept { return view().empty(); }
  /// The bytes as a string of the caller's own; copies only if they are shared.
  [[nodiscard]] std::string take() && {
    auto* own = std::get_if<std::string>(&bytes_);
    return own != nullptr ? std::move(*own) : std::string(view());
  }

 private:
  std::variant<std::string, std::shared_ptr<const std::string>> bytes_;
};

/// A body that arrives piece by piece. Used by one fiber.
class BodyReader {
 public:
  virtual ~BodyReader() = default;
  /// The next piece, never empty, or an empty view at the end. Valid until the next call. Errors: kTimeout,
  /// kCancelled, kUnavailable when the peer breaks off, kBadRequest for broken framing, kTooLarge past the
  /// limit of bytes. After an error or the end every further call gives the same.
  virtual Result<std::string_view> read(Ctx& ctx) = 0;
};

/// A body that is sent piece by piece. Used by one fiber.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Sends `piece` and suspends while the peer is slow to take it. Errors: kTimeout, kCancelled, kUnavailable
  /// when the peer is gone; nothing more can then be written.
  virtual Result<> write(Ctx& ctx, std::string_view piece) = 0;
};

/// Writes a whole body through a BodyWriter; returns when it is complete.
using BodyProducer = UniqueFunction<Result<>(Ctx&, BodyWriter&)>;

/// A response, in memory or with a body that is produced while it is sent.
struct Response {
  int status = 200;
  Headers headers = {};
  Body body = {};
  /// If set, `body` is ignored. For watches, logs and large files.
  BodyProducer stream = {};
};

/// The phrase of RFC 9110 §15 for `status`, "Unknown" for others.
std::string_view reason_phrase(int status) noexcept;

/// Reads to the end. kTooLarge once more than `limit` bytes have come.
Result<std::string> read_all(Ctx& ctx, BodyReader& reader, std::size_t limit);

}  // namespace klutch::http
