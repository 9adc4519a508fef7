// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "base/strings.h"
#include "http/exchange.h"
#include "obs/trace.h"

namespace klutch::http {
namespace {

constexpr std::array<std::string_view, 8> kClientsBusiness = {
    "Content-Length", "Transfer-Encoding", "Connection",          "Keep-Alive",
    "Expect",         "Upgrade",           "Proxy-Authorization", "TE",
};

/// Methods for which a body of zero bytes is worth mentioning (RFC 9110 §8.6).
bool usually_has_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

Result<> check_request(const ClientRequest& request) {
  if (request.method == "CONNECT") return fail(Code::kInvalid, "method CONNECT is for proxies only");
  for (const auto name : kClientsBusiness) {
    if (request.headers.contains(name)) {
      return fail(Code::kInvalid, "header " + std::string(name) + " is set by the client itself");
    }
  }
  return {};
}

void add_trace(Headers& headers, const obs::TraceContext* trace) {
  if (!trace || headers.contains("traceparent")) return;
  headers.add("traceparent", obs::traceparent(*trace));
  if (!trace->state.empty()) headers.add("tracestate", trace->state);
}

}  // namespace

bool asks_to_continue(const ClientRequest& request) noexcept {
  return request.expect_continue && (request.stream || !request.body.empty());
}

Result<std::string> compose_head(const Ctx& ctx, const ClientRequest& request, const Route& route,
                                 std::string_view user_agent) {
  TRY(check_request(request));
  Headers headers;
  // Host first: RFC 9110 §7.2.
  headers.add("Host", request.headers.get("Host").value_or(request.url.authority()));
  if (!user_agent.empty() && !request.headers.contains("User-Agent")) headers.add("User-Agent", user_agent);
  for (const auto& field : request.headers) {
    if (!equal_ignore_case(field.name, "Host")) headers.add(field.name, field.value);
  }
  if (request.decompress && !headers.contains("Accept-Encoding")) headers.add("Accept-Encoding", "gzip");
  add_trace(headers, ctx.value<obs::TraceContext>());
  if (request.stream) {
    headers.add("Transfer-Encoding", "chunked");
  } else if (!request.body.empty() || usually_has_body(request.method)) {
    headers.add("Content-Length", std::to_string(request.body.size()));
  }
  if (asks_to_continue(request)) headers.add("Expect", "100-continue");
  if (route.forwards_through_proxy() && !route.proxy->authorization.empty()) {
    headers.add("Proxy-Authorization", route.proxy->authorization.reveal());
  }
  const auto target =
      route.forwards_through_proxy() ? request.url.origin() + request.url.target() : request.url.target();
  std::string head;
  TRY(append_request_head(head, request.method, target, headers));
  return head;
}

}  // namespace klutch::http
