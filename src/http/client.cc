// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "http/connection_pool.h"
#include "http/exchange.h"
#include "http/gzip.h"
#include "http/redirect.h"

namespace klutch::http {
namespace {

/// A redirect's body up to this size is read, so that the connection can be used again.
constexpr std::size_t kDrainedBytes = 64 * 1024;
constexpr auto kDrainTimeout = std::chrono::seconds(1);

/// RFC 9110 §9.2.2.
bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

std::string name_of(const ClientRequest& request) {
  return "cannot " + std::string(utf8_prefix(request.method, 20)) + " " + request.url.for_log();
}

/// The body as callers see it: of limited size, with errors that say which request they belong to.
class NamedBody final : public BodyReader {
 public:
  NamedBody(std::unique_ptr<BodyReader> body, std::string what, std::uint64_t limit)
      : body_(std::move(body)), what_(std::move(what)), limit_(limit) {}

  Result<std::string_view> read(Ctx& ctx) override {
    auto piece = body_ ? body_->read(ctx) : too_large();
    if (!piece) return fail(as_peers_fault(piece.error()).with_context(what_));
    if (piece->size() > left_) {
      body_.reset();  // closes the connection
      return too_large().map_error(context(what_));
    }
    left_ -= piece->size();
    return piece;
  }

 private:
  [[nodiscard]] Result<std::string_view> too_large() const {
    return fail(Code::kTooLarge, "the body is larger than " + std::to_string(limit_) + " bytes");
  }

  std::unique_ptr<BodyReader> body_;
  std::string what_;
  std::uint64_t limit_;
  std::uint64_t left_ = limit_;
};

bool has_content(const ClientRequest& request, int status) {
  return request.method != "HEAD" && status != 204 && status != 304;
}

/// Decompresses where the client itself asked for compression.
std::unique_ptr<BodyReader> dress(std::unique_ptr<BodyReader> body, const ClientRequest& request, int status,
                                  Headers& headers, std::uint64_t limit) {
  const auto coding = headers.joined("Content-Encoding");
  const bool asked = request.decompress && !request.headers.contains("Accept-Encoding");
  if (asked && is_inflatable(coding) && has_content(request, status)) {
    headers.erase("Content-Encoding");
    headers.erase("Content-Length");
    body = inflating_reader(std::move(body), coding, {});
  }
  return std::make_unique<NamedBody>(std::move(body), name_of(request), limit);
}

ConnectionPool::Options pool_options(const ClientOptions& options) {
  return {
      .per_host = std::max<std::size_t>(1, options.connections_per_host),
      .total = std::max<std::size_t>(1, options.connections),
      .idle_per_host = options.idle_connections_per_host,
      .idle_timeout = options.idle_timeout,
      .max_age = options.max_age,
      .dial = {.timeout = options.connect_timeout,
               .proxy_tls = options.proxy_tls,
               .user_agent = options.user_agent},
  };
}

}  // namespace

struct Client::State {
  State(async::Loop& own_loop, ClientOptions client_options)
      : loop(own_loop),
        options(std::move(client_options)),
        proxy(std::make_shared<ProxyRules>(options.proxy)),
        pool(std::make_shared<ConnectionPool>(pool_options(options))) {}

  /// The TLS settings of a request; those of the system are loaded when first needed.
  Result<TlsClient> tls_for(const ClientRequest& request) {
    if (request.tls) return *request.tls;
    if (!options.tls) options.tls = TRY(TlsClient::create({}));
    return *options.tls;
  }

  Result<Route> route_for(const ClientRequest& request) {
    Route route{.url = request.url};
    if (request.url.is_https()) route.tls = TRY(tls_for(request));
    // Connections may outlive the client, and with them the rules.
    if (const auto* server = proxy->proxy_for(request.url)) route.proxy = {proxy, server};
    return route;
  }

  Exchange::Options exchange_options(std::uint64_t body_limit) const {
    auto limits = options.limits;
    limits.body_bytes = std::min(limits.body_bytes, body_limit);
    return {limits, options.response_head_timeout, options.idle_read_timeout, options.continue_timeout};
  }

  /// One request, one response, be it a redirect.
  Result<StreamingResponse> exchange(Ctx& ctx, ClientRequest& request, std::uint64_t body_limit) {
    const auto route = TRY(route_for(request));
    auto head = TRY(compose_head(ctx, request, route, options.user_agent));
    const auto begin = ctx.now();
    bool reused = false;
    auto result = exchange_over(ctx, request, route, head, body_limit, reused);
    wipe_string(head);
    if (options.observer) {
      const auto host = request.url.host_and_port();
      options.observer->request_finished({.method = request.method,
                                          .host = host,
                                          .status = result ? result->status : 0,
                                          .error = result ? nullptr : &result.error(),
                                          .reused = reused,
                                          .duration = ctx.now() - begin});
    }
    return result;
  }

  Result<StreamingResponse> exchange_over(Ctx& ctx, ClientRequest& request, const Route& route,
                                          std::string_view head, std::uint64_t body_limit, bool& reused) {
    using Freshness = ConnectionPool::Freshness;
    for (auto freshness = Freshness::kAny;; freshness = Freshness::kNew) {
      auto lease = TRY(pool->acquire(ctx, route, freshness));
      reused = lease.reused();
      auto exchange = std::make_unique<Exchange>(std::move(lease), exchange_options(body_limit));
      auto response = exchange->perform(ctx, request, head);
      if (response) {
        auto body = dress(std::move(exchange), request, response->status, response->headers, body_limit);
        return StreamingResponse{response->status, std::move(response->headers), std::move(body),
                                 request.url};
      }
      if (!may_repeat(*exchange, request, response.error())) return fail(std::move(response).error());
      ++retried;
    }
  }

  static bool may_repeat(const Exchange& exchange, const ClientRequest& request, const Error& error) {
    return exchange.reused() && exchange.nothing_received() && is(error, Code::kUnavailable) &&
           is_idempotent(request.method) && !request.stream;
  }

  /// With redirects followed.
  Result<StreamingResponse> open(Ctx& ctx, ClientRequest& request, std::uint64_t body_limit) {
    CHECK(&ctx.loop() == &loop);
    for (int left = request.follow_redirects;; --left) {
      const auto from = request.url;
      const auto what = name_of(request);
      auto response = TRY(exchange(ctx, request, body_limit).map_error(context(what)));
      if (request.follow_redirects <= 0) return response;
      if (!TRY(apply_redirect(request, response.status, response.headers).map_error(context(what))))
        return response;
      if (left == 0) {
        return fail(Code::kUnavailable,
                    what + ": more than " + std::to_string(request.follow_redirects) + " redirects");
      }
      if (!from.same_origin(request.url)) request.tls = TRY(tls_for(request)).for_other_origin();
      drain(ctx, *response.body);
    }
  }

  static void drain(Ctx& ctx, BodyReader& body) {
    auto limited = ctx.with_timeout(kDrainTimeout);
    // Best effort: what cannot be drained is closed.
    if (!read_all(limited, body, kDrainedBytes)) return;
  }

  async::Loop& loop;
  ClientOptions options;
  std::shared_ptr<const ProxyRules> proxy;
  std::shared_ptr<ConnectionPool> pool;
  std::size_t retried = 0;
};

Client::Client(async::Loop& loop, ClientOptions options)
    : state_(std::make_unique<State>(loop, std::move(options))) {}

Client::~Client() {
  state_->pool->shut();
}

Result<Response> Client::send(Ctx& ctx, ClientRequest request) {
  const auto limit = request.response_bytes > 0 ? request.response_bytes : state_->options.response_bytes;
  auto response = TRY(state_->open(ctx, request, limit));
  auto body = TRY(read_all(ctx, *response.body, limit));
  return Response{response.status, std::move(response.headers), std::move(body), {}};
}

Result<StreamingResponse> Client::open(Ctx& ctx, ClientRequest request) {
  return state_->open(ctx, request, state_->options.limits.body_bytes);
}

void Client::close_idle() {
  state_->pool->close_idle();
}

Client::Statistics Client::statistics() const {
  const auto& pool = *state_->pool;
  return {pool.opened(), pool.reused(), state_->retried, pool.active(), pool.idle()};
}

}  // namespace klutch::http
