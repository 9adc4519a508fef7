// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/ctx.h"
#include "base/result.h"
#include "http/proxy.h"
#include "http/tls.h"
#include "http/transport.h"
#include "http/url.h"

// Private to http/: the way from here to an origin, with a proxy and TLS where they are wanted.

namespace klutch::http {

struct Route {
  /// Only scheme, host and port count.
  Url url;
  /// Set for https.
  std::optional<TlsClient> tls = {};
  /// Null for a direct connection.
  std::shared_ptr<const ProxyServer> proxy = {};

  /// A plain request goes to a proxy with the whole URL in its first line (RFC 9112 §3.2.2).
  [[nodiscard]] bool forwards_through_proxy() const noexcept { return proxy != nullptr && !url.is_https(); }
  /// Equal for routes that may share a connection, as long as both exist.
  [[nodiscard]] std::string key() const;
};

struct DialOptions {
  Duration timeout;
  /// For https:// proxies; none: the authorities of the system.
  std::optional<TlsClient> proxy_tls = {};
  std::string user_agent = {};
};

/// An error of reading a response, as the caller of a client should see it: what a peer sends that is no
/// proper HTTP (kBadRequest, kUnsupported) is kInternal, because the caller's request is not to blame.
Error as_peers_fault(const Error& error);

/// Connects. Errors as connect() and start_tls(); kUnavailable when `timeout` passes first or the proxy
/// refuses, kUnauthenticated when the proxy wants other credentials.
Result<std::unique_ptr<Transport>> dial(Ctx& ctx, const Route& route, const DialOptions& options);

}  // namespace klutch::http
