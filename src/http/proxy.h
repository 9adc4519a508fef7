// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "http/url.h"

// Which proxy a request goes through: the environment rules that curl and Go programs share (HTTP_PROXY,
// HTTPS_PROXY, NO_PROXY), or one proxy for everything (`proxy-url` of a kubeconfig). Made once, immutable,
// cheap to copy, usable from any thread. A setting that is wrong is an error here, where Go would silently
// connect directly.

namespace klutch::http {

struct ProxyServer {
  /// Scheme, host and port; no path.
  Url url;
  /// The value of Proxy-Authorization ("Basic ..."); empty without credentials.
  Secret authorization;
};

class ProxyRules {
 public:
  /// As in the environment variables of these names; empty: not set.
  struct Settings {
    std::string_view http_proxy = {};
    std::string_view https_proxy = {};
    std::string_view no_proxy = {};
  };

  /// No proxy at all.
  ProxyRules() = default;

  /// A proxy is "http://[user:password@]host[:port]", "https://..." or "host:port". `no_proxy` lists, with
  /// commas: "*", addresses, CIDR blocks, "example.com" (and what is below), ".example.com" (only what is
  /// below); addresses and names may end in ":port". Localhost and loopback addresses never use a proxy.
  /// kInvalid naming the variable; kUnsupported for socks5.
  static Result<ProxyRules> create(const Settings& settings);
  /// From HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or else their lower-case names. HTTP_PROXY is left out where
  /// REQUEST_METHOD is set: in a CGI program the request could choose it.
  static Result<ProxyRules> from_environment();
  /// `proxy_url` for every request, loopback included. Errors as create().
  static Result<ProxyRules> fixed(std::string_view proxy_url);

  /// The proxy for a request to `url`, null for a direct connection. Valid while this or a copy lives.
  [[nodiscard]] const ProxyServer* proxy_for(const Url& url) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace klutch::http
