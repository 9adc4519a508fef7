// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/ctx.h"
#include "base/result.h"
#include "http/message.h"
#include "http/message_parser.h"
#include "http/query.h"
#include "http/tls.h"

// A request as a handler sees it: target split and decoded once, so that no two handlers can disagree about
// what it names. Belongs to the fiber that runs the handler and lives until the response has been sent.

namespace klutch::http {

/// The body of a request: bounded, and read only when the handler asks for it.
class RequestBody : public BodyReader {
 public:
  /// Reading fails with kTooLarge past this many bytes; at once if the request announces more.
  virtual void set_limit(std::uint64_t bytes) = 0;
};

/// A body that is in memory already, for tests and requests made by the program itself.
class BufferedRequestBody final : public RequestBody {
 public:
  explicit BufferedRequestBody(std::string bytes = {}) : bytes_(std::move(bytes)) {}
  Result<std::string_view> read(Ctx& ctx) override;
  void set_limit(std::uint64_t bytes) override { limit_ = bytes; }

 private:
  std::string bytes_;
  std::uint64_t limit_ = UINT64_MAX;
  bool given_ = false;
};

class ServerRequest {
 public:
  /// Checks and splits `head` (RFC 9112 §3.2, RFC 9110 §7.2). kBadRequest for a target that is malformed, has
  /// dot segments or hides a NUL, and for a missing, repeated or malformed Host; kUnsupported for CONNECT and
  /// TRACE; kTooLarge for too many query parameters. `body` must outlive the request.
  static Result<ServerRequest> from_head(MessageHead head, RequestBody& body);

  std::string method;
  /// Path and query as sent, without scheme and authority; "*" for OPTIONS of the whole server.
  std::string target;
  /// Host and port the client meant; empty if an HTTP/1.0 client does not say.
  std::string authority;
  /// The path's segments, percent-decoded after splitting: "/a/b%2Fc/" -> {"a", "b/c", ""}.
  std::vector<std::string> segments;
  /// Decoded ('+' is a space), in the order sent, repeated names included.
  Query query;
  Headers headers;
  int version = 11;

  /// The pattern of the route that took the request, such as "/pods/{name}". Empty before routing. Bounded in
  /// number, unlike the path: good for metrics.
  std::string_view route;
  /// What the pattern's parameters stand for.
  std::vector<std::pair<std::string_view, std::string_view>> parameters;
  /// The segments that a pattern's {tail...} stands for.
  std::span<const std::string> tail;

  /// The peer's address, without port where there is one; "unix" for Unix sockets.
  std::string peer;
  /// Null over plain text. Valid as long as the request.
  const TlsSession* tls = nullptr;
  /// X-Request-Id if the client sent a sane one, else made by the server.
  std::string id;
  // The trace the request belongs to is in its Ctx: ctx.value<obs::TraceContext>().

  /// The path as sent, not decoded.
  [[nodiscard]] std::string_view path() const noexcept;
  /// What the route parameter `name` stands for; for a tail see there. Asking for one that the pattern lacks
  /// is a programmer error.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;

  [[nodiscard]] RequestBody& body() const noexcept { return *body_; }
  /// The whole body. kTooLarge past `limit` bytes, or past the server's own limit if none is given; for the
  /// rest see BodyReader.
  Result<std::string> read_body(Ctx& ctx, std::optional<std::uint64_t> limit = std::nullopt);

 private:
  ServerRequest(MessageHead head, RequestBody& body);
  Result<> split_path();
  Result<> split_query();
  Result<> find_authority();

  RequestBody* body_;
};

/// Answers one request. An Error becomes a response through the server's ErrorRenderer. Called from many
/// fibers in turn, so what it holds is shared.
using Handler = std::function<Result<Response>(Ctx&, ServerRequest&)>;

/// Whether `text` is host[:port] as Host and absolute-form targets have it (RFC 3986 §3.2), without user
/// information. The empty text is one.
bool is_authority(std::string_view text) noexcept;

}  // namespace klutch::http
