// SPDX-License-Identifier: Apache-2.0
#include "http/dial.h"

#include <cstdint>

#include "base/duration.h"
#include "base/strings.h"
#include "http/message_reader.h"

namespace klutch::http {
namespace {

constexpr int kMostProxyInterims = 8;

Address address_of(const Url& url) {
  return {.host = url.host(), .port = url.port(), .unix_path = {}};
}

Result<std::unique_ptr<Transport>> connect_to_proxy(Ctx& ctx, const Url& proxy, const DialOptions& options) {
  if (!proxy.is_https()) return connect(ctx, address_of(proxy), nullptr);
  const auto tls = options.proxy_tls ? *options.proxy_tls : TRY(TlsClient::create({}));
  return connect(ctx, address_of(proxy), &tls);
}

Result<> check_tunnel(int status) {
  if (status >= 200 && status < 300) return {};
  const auto line = std::to_string(status) + " " + std::string(reason_phrase(status));
  if (status == 407) return fail(Code::kUnauthenticated, "the proxy wants other credentials: " + line);
  return fail(Code::kUnavailable, "the proxy refuses: " + line);
}

/// RFC 9110 §9.3.6.
Result<> open_tunnel(Ctx& ctx, Transport& transport, const Route& route, const std::string& user_agent) {
  const auto target = route.url.host_and_port();
  Headers headers{{"Host", target}};
  if (!user_agent.empty()) headers.add("User-Agent", user_agent);
  const auto& authorization = route.proxy->authorization;
  if (!authorization.empty()) headers.add("Proxy-Authorization", authorization.reveal());
  std::string head;
  TRY(append_request_head(head, "CONNECT", target, headers));
  const auto written = transport.write(ctx, head);
  wipe_string(head);
  TRY(written);

  MessageReader reader(transport, {});
  for (int interim = 0;; ++interim) {
    const auto response =
        TRY(reader.read_head(ctx, MessageParser::Kind::kResponseToHead).map_error(as_peers_fault));
    if (!response) return fail(Code::kUnavailable, "the proxy closed the connection");
    if (response->status >= 200) {
      TRY(check_tunnel(response->status));
      break;
    }
    if (interim == kMostProxyInterims) return fail(Code::kInternal, "the proxy answers without end");
  }
  if (!reader.take_rest().empty()) return fail(Code::kInternal, "the proxy sent bytes of its own");
  return {};
}

Result<std::unique_ptr<Transport>> dial_within(Ctx& ctx, const Route& route, const DialOptions& options) {
  if (!route.proxy) return connect(ctx, address_of(route.url), route.tls ? &*route.tls : nullptr);
  const auto via = context("cannot connect through proxy " + route.proxy->url.origin());
  auto transport = TRY(connect_to_proxy(ctx, route.proxy->url, options).map_error(via));
  if (!route.url.is_https()) return transport;
  TRY(open_tunnel(ctx, *transport, route, options.user_agent).map_error(via));
  return start_tls(ctx, std::move(transport), *route.tls, route.url.host());
}

}  // namespace

Error as_peers_fault(const Error& error) {
  return is(error, Code::kBadRequest) || is(error, Code::kUnsupported) ? error.with_code(Code::kInternal)
                                                                       : error;
}

std::string Route::key() const {
  std::string key = url.origin();
  if (tls) key += " tls=" + std::to_string(reinterpret_cast<std::uintptr_t>(&tls->state()));
  if (proxy) key += " proxy=" + std::to_string(reinterpret_cast<std::uintptr_t>(proxy.get()));
  return key;
}

Result<std::unique_ptr<Transport>> dial(Ctx& ctx, const Route& route, const DialOptions& options) {
  auto limited = ctx.with_timeout(options.timeout);
  auto transport = dial_within(limited, route, options);
  if (!transport && is(transport.error(), Code::kTimeout) && ctx.check()) {
    return fail(Code::kUnavailable, "cannot connect to " + route.url.host_and_port() + " within " +
                                        format_duration(options.timeout) + ": " +
                                        transport.error().message());
  }
  return transport;
}

}  // namespace klutch::http
