// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "async/ctx.h"
#include "async/loop.h"
#include "base/result.h"
#include "http/client_observer.h"
#include "http/headers.h"
#include "http/message.h"
#include "http/message_parser.h"
#include "http/proxy.h"
#include "http/tls.h"
#include "http/url.h"

// The HTTP client: kept-alive connections in a bounded pool, verified TLS, proxies, deadlines everywhere.
// Belongs to one loop; any number of its fibers may use it at once. A status of 400 or more is a response,
// not an error: see status_error.h. Errors name the method and URL (without query) and the cause:
// kUnavailable when the peer cannot be reached or breaks off, kInternal when it does not speak proper HTTP,
// kUnauthenticated when its certificate is not accepted, kTooLarge past a limit, kInvalid for a request that
// cannot be sent, kTimeout and kCancelled from the Ctx.
//
//   http::Client client(ctx.loop(), {});
//   const auto response = TRY(client.send(ctx, {.url = TRY(http::Url::parse("https://example.com/"))}));

namespace klutch::http {

struct ClientOptions {
  /// For https. None: the authorities of the system, no certificate of our own.
  std::optional<TlsClient> tls = {};
  /// For https:// proxies. None: the authorities of the system.
  std::optional<TlsClient> proxy_tls = {};
  ProxyRules proxy = {};
  /// Sent unless a request has its own; empty: none.
  std::string user_agent = "klutch";

  /// Open at once, watches included; who wants more waits its turn.
  std::size_t connections_per_host = 256;
  std::size_t connections = 1024;
  std::size_t idle_connections_per_host = 16;
  /// Connections are not reused after so long without use, or of this age.
  Duration idle_timeout = std::chrono::seconds(90);
  Duration max_age = std::chrono::minutes(30);

  /// For the connection, with proxy and TLS. Passing it is kUnavailable: nothing was sent yet.
  Duration connect_timeout = std::chrono::seconds(10);
  /// From the end of the request to the response's head; 0: only the deadline of the Ctx.
  Duration response_head_timeout = Duration::zero();
  /// Between two pieces of a body; 0: only the deadline of the Ctx.
  Duration idle_read_timeout = Duration::zero();
  /// How long a body waits for "100 Continue" where a request asks for it; then it is sent anyway.
  Duration continue_timeout = std::chrono::seconds(1);

  /// What is accepted of a response; body_bytes counts for open() and before decompression.
  MessageLimits limits = {};
  /// The largest body send() collects, decompressed.
  std::size_t response_bytes = std::size_t{16} * 1024 * 1024;

  /// Told of every request; may be null. See client_metrics.h.
  std::shared_ptr<ClientObserver> observer = {};
};

struct ClientRequest {
  std::string method = "GET";
  Url url;
  /// Framing is the client's own business: Content-Length, Transfer-Encoding, Connection, Expect and Upgrade
  /// are refused with kInvalid. Host may be set.
  Headers headers = {};
  Body body = {};
  /// If set, `body` is ignored and this produces it, sent in chunks. Such a request is never repeated.
  BodyProducer stream = {};

  /// Sends the body only when the server has agreed to take it (RFC 9110 §10.1.1).
  bool expect_continue = false;
  /// Asks for gzip and undoes it, unless the headers have an Accept-Encoding.
  bool decompress = true;
  /// Redirects to follow. None leads from https to http. At another origin only harmless headers and no
  /// client certificate are shown, and a body is not repeated (kForbidden).
  int follow_redirects = 0;
  /// In place of ClientOptions::tls.
  std::optional<TlsClient> tls = {};
  /// In place of ClientOptions::response_bytes if not 0.
  std::size_t response_bytes = 0;
};

/// A response whose body is still on its way.
struct StreamingResponse {
  int status = 0;
  Headers headers = {};
  /// Never null. Read to its end, the connection serves the next request; destroyed before, it is closed. May
  /// outlive the Client.
  std::unique_ptr<BodyReader> body;
  /// Where it came from, after redirects.
  Url url;
};

class Client {
 public:
  /// Counts since construction, and the connections of this moment.
  struct Statistics {
    std::size_t opened = 0;   ///< connections made
    std::size_t reused = 0;   ///< requests that found an open one
    std::size_t retried = 0;  ///< requests repeated because a kept connection had ended
    std::size_t active = 0;
    std::size_t idle = 0;
  };

  Client(async::Loop& loop, ClientOptions options);
  /// Closes idle connections; those in use end with their response.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends `request`, with the obs::TraceContext of `ctx` if it has one, and gives the whole response. It is
  /// sent a second time only if it is idempotent (RFC 9110 §9.2.2) and a kept connection turns out to have
  /// ended before a byte of the response.
  Result<Response> send(Ctx& ctx, ClientRequest request);
  /// The same as soon as the head of the response is there.
  Result<StreamingResponse> open(Ctx& ctx, ClientRequest request);

  /// Closes the idle connections now, for example after new certificates.
  void close_idle();
  [[nodiscard]] Statistics statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::http
