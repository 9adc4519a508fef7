// SPDX-License-Identifier: Apache-2.0
#include "kube/client/http_client.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "http/status_error.h"
#include "json/parse.h"
#include "kube/api/status.h"
#include "kube/client/authenticator.h"
#include "kube/client/request_headers.h"
#include "kube/client/retry_policy.h"
#include "kube/client/tls_source.h"
#include "obs/build_info.h"
#include "obs/log.h"

namespace klutch::kube {
namespace {

constexpr std::size_t kMaxErrorBytes = std::size_t{1} << 20;
/// Larger texts are parsed on the pool for blocking calls: 1 MiB takes some milliseconds.
constexpr std::size_t kParsedAtOnce = 256 * 1024;
constexpr std::size_t kShownBytes = 80;
constexpr std::size_t kMostWarnings = 200;
constexpr std::size_t kJsonDepth = 256;

const obs::Logger& client_log() {
  static const obs::Logger kLog("kube.client");
  return kLog;
}

/// An answer that was accepted, its body still to come.
struct Accepted {
  http::StreamingResponse response;
  Instant deadline;
  Instant begin;
  int attempt = 1;
};

http::ClientOptions pool_options(const HttpClientOptions& options, const http::ProxyRules& proxy,
                                 std::size_t connections) {
  return {.proxy = proxy,
          .user_agent = options.user_agent,
          .connections_per_host = connections,
          .connections = connections,
          .observer = options.http_observer};
}

Result<http::ProxyRules> proxy_rules(const ClientConfig& config) {
  if (config.proxy_url.empty()) return http::ProxyRules::from_environment();
  return http::ProxyRules::fixed(config.proxy_url).map_error(context(config.label + ": proxy-url"));
}

/// Errors that name the object come from the server as they are; the others say what was asked for.
Error name_request(Error error, const Request& request) {
  const auto* status = error.detail<Status>();
  if (status != nullptr && !status->kind.empty()) return error;
  return error.with_context("cannot " + request.to_string());
}

/// Whether there is no point in reading the body.
bool announces_more(const http::Headers& headers, std::size_t limit) {
  const auto text = headers.get("Content-Length");
  if (!text) return false;
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), length);
  return error == std::errc() && end == text->data() + text->size() && length > limit;
}

class HttpWatchStream final : public WatchStream {
 public:
  HttpWatchStream(std::unique_ptr<http::BodyReader> body, std::string what)
      : body_(std::move(body)), what_(std::move(what)) {}

  Result<std::optional<WatchEvent>> next(Ctx& ctx) override {
    for (;;) {
      auto event = TRY(decoder_.next().map_error(context(what_)));
      if (event) return event;
      const auto piece = TRY(body_->read(ctx));
      if (!piece.empty()) {
        TRY(decoder_.feed(piece).map_error(context(what_)));
        continue;
      }
      if (decoder_.has_partial_line()) {
        return fail(Code::kUnavailable, what_ + ": the server broke off in the middle of an event");
      }
      return std::optional<WatchEvent>();
    }
  }

 private:
  std::unique_ptr<http::BodyReader> body_;
  std::string what_;
  WatchDecoder decoder_;
};

}  // namespace

struct HttpClient::State {
  State(Ctx& ctx, const ClientConfig& client_config, HttpClientOptions&& client_options,
        const http::ProxyRules& proxy, TlsSource&& tls_source)
      : loop(ctx.loop()),
        server(client_config.server),
        label(client_config.label),
        user_label(client_config.credentials.label),
        disable_compression(client_config.disable_compression),
        options(std::move(client_options)),
        impersonation(impersonation_headers(client_config.impersonate)),
        tls(std::move(tls_source)),
        requests(loop, pool_options(options, proxy, options.connections)),
        watches(loop, pool_options(options, proxy, options.watches)),
        bucket(options.rate) {}

  Result<http::ClientRequest> compose(Ctx& ctx, const Request& request, const Credential& credential,
                                      std::string_view etag) {
    auto url = TRY(server.join(request.path));
    if (!request.query.empty()) url = TRY(url.with_query(request.query.to_string()));
    http::ClientRequest composed{.method = request.method, .url = std::move(url), .headers = impersonation};
    auto& headers = composed.headers;
    headers.add("Accept", request.accept);
    if (!request.content_type.empty()) headers.add("Content-Type", request.content_type);
    if (!etag.empty()) headers.add("If-None-Match", etag);
    if (credential.authorization) headers.add("Authorization", credential.authorization->reveal());
    composed.body = request.body;
    // A compressor would hold events back.
    composed.decompress = !disable_compression && request.verb != Verb::kWatch;
    if (server.is_https()) composed.tls = TRY(tls.get(ctx, credential.identity));
    return composed;
  }

  static bool is_about_many(const Request& request) {
    return request.verb == Verb::kList || request.verb == Verb::kDeleteCollection;
  }
  [[nodiscard]] Duration timeout_of(const Request& request) const {
    return is_about_many(request) ? options.list_timeout : options.request_timeout;
  }
  [[nodiscard]] std::size_t limit_of(const Request& request) const {
    return is_about_many(request) ? options.list_bytes : options.object_bytes;
  }

  Result<> obey_rate(Ctx& ctx) {
    if (options.rate.per_second <= 0) return {};
    const auto wait = bucket.reserve(ctx.now());
    return wait > Duration::zero() ? ctx.sleep(wait) : Result<>();
  }

  void observe(const Request& request, const Accepted& accepted, Instant end, const Error* error) const {
    if (!options.observer) return;
    options.observer->request_finished({.request = request,
                                        .attempt = accepted.attempt,
                                        .status = accepted.response.status,
                                        .error = error,
                                        .duration = end - accepted.begin});
  }

  void observe_failure(const Request& request, int attempt, Duration duration, const Error& error,
                       int status) const {
    if (!options.observer) return;
    options.observer->request_finished(
        {.request = request, .attempt = attempt, .status = status, .error = &error, .duration = duration});
  }

  void pass_on_warnings(const http::Headers& headers) {
    for (const auto& text : warning_texts(headers)) {
      if (options.on_warning) {
        options.on_warning(text);
      } else if (warned.size() < kMostWarnings && warned.insert(text).second) {
        client_log().warn("the API server warns", {{"reason", text}, {"server", server.for_log()}});
      }
    }
  }

  /// The error that an answer stands for which is no success.
  Result<Error> refusal(Ctx& ctx, http::StreamingResponse& answer) const {
    http::Response response{.status = answer.status, .headers = std::move(answer.headers)};
    if (answer.status < 400) {
      const auto location = response.headers.get("Location");
      const auto target =
          location ? answer.url.resolve(*location) : Result<http::Url>(fail(Code::kInvalid, ""));
      return Error(Code::kInternal, std::to_string(answer.status) + " " +
                                        std::string(http::reason_phrase(answer.status)) +
                                        (target ? " to " + target->for_log() : std::string()) +
                                        ": API servers do not redirect");
    }
    auto body = http::read_all(ctx, *answer.body, kMaxErrorBytes);
    if (!body && is(body.error(), Code::kCancelled)) return fail(body.error());
    if (body) response.body = *std::move(body);
    auto error = error_from_kube_response(response, options.clock->now());
    if (answer.status == 401) {
      return error.with_context(label + " does not accept " + user_label);
    }
    return error;
  }

  /// How long to wait before the same request; nothing if it is not to be repeated.
  [[nodiscard]] std::optional<Duration> wait_before_repeating(const Ctx& ctx, const Request& request,
                                                              int status, const Error& error,
                                                              int repeated) const {
    if (!error.retry_after() || !may_repeat(request, status) || repeated >= options.retries) return {};
    const Duration wait = *error.retry_after();
    // An answer now is better than a deadline that passes in sleep.
    if (wait > options.longest_wait || wait >= ctx.remaining()) return {};
    return wait;
  }

  Result<Accepted> attempt(Ctx& ctx, http::Client& client, const Request& request,
                           const CredentialPtr& credential, std::string_view etag) {
    const auto timeout = timeout_of(request);
    auto limited = timeout > Duration::zero() ? ctx.with_timeout(timeout) : ctx.with_deadline(Ctx::kNever);
    const auto begin = ctx.now();
    auto composed = TRY(compose(limited, request, *credential, etag));
    auto response = client.open(limited, std::move(composed));
    if (!response) return fail(response.error());
    return Accepted{.response = *std::move(response), .deadline = limited.deadline(), .begin = begin};
  }

  /// Sends `request` until it is accepted, refused for good, or not to be repeated.
  Result<Accepted> perform(Ctx& ctx, http::Client& client, const Request& request,
                           std::string_view etag = {}) {
    CHECK(&ctx.loop() == &loop);
    auto credential = TRY(authenticator->get(ctx));
    bool renewed_credential = false;
    bool renewed_authorities = false;
    int repeated = 0;
    for (int number = 1;; ++number) {
      TRY(obey_rate(ctx));
      const auto begin = ctx.now();
      auto accepted = attempt(ctx, client, request, credential, etag);
      if (!accepted) {
        observe_failure(request, number, ctx.now() - begin, accepted.error(), 0);
        const bool unknown_authority = is(accepted.error(), Code::kUnauthenticated);
        if (unknown_authority && !std::exchange(renewed_authorities, true) && tls.renew(ctx)) continue;
        return fail(accepted.error());
      }
      accepted->attempt = number;
      pass_on_warnings(accepted->response.headers);
      const int status = accepted->response.status;
      if (status < 300 || (status == 304 && !etag.empty())) return accepted;

      auto limited = ctx.with_deadline(accepted->deadline);
      const auto error = TRY(refusal(limited, accepted->response));
      observe_failure(request, number, ctx.now() - begin, error, status);
      if (status == 401 && !std::exchange(renewed_credential, true)) {
        if (auto next = TRY(authenticator->renew(ctx, credential))) {
          credential = std::move(next);
          continue;
        }
      }
      const auto wait = wait_before_repeating(ctx, request, status, error, repeated);
      if (!wait) return fail(name_request(error, request));
      ++repeated;
      client_log().debug("the API server asks to wait",
                         {{"verb", to_string(request.verb)}, {"status", status}, {"retry_after", *wait}});
      TRY(ctx.sleep(*wait));
      credential = TRY(authenticator->get(ctx));
    }
  }

  [[nodiscard]] Result<Object> parse(Ctx& ctx, const Request& request, const http::Headers& headers,
                                     std::string&& body) const {
    const auto type = headers.get("Content-Type").value_or("");
    const bool wants_json = request.accept.find("json") != std::string::npos;
    if (!is_json(type)) {
      if (request.verb == Verb::kRaw && !wants_json) return Object(body);
      return fail(Code::kInternal,
                  "cannot " + request.to_string() + ": " + server.for_log() + " answered with " +
                      (type.empty() ? "no content type" : quote(type, kShownBytes)) +
                      " instead of JSON; is that an API server? It begins " + quote(trim(body), kShownBytes));
    }
    const json::ParseOptions limits{.max_depth = kJsonDepth, .max_bytes = limit_of(request)};
    auto object = body.size() <= kParsedAtOnce ? json::parse(body, limits)
                                               : ctx.blocking([&] { return json::parse(body, limits); });
    if (object) return object;
    const bool broken = is(object.error(), Code::kBadRequest);
    return fail(object.error()
                    .with_code(broken ? Code::kInternal : object.error().code())
                    .with_context("cannot " + request.to_string() + ": the answer is no JSON"));
  }

  /// Reads what was accepted.
  Result<Document> collect(Ctx& ctx, const Request& request, Accepted& accepted) const {
    auto limited = ctx.with_deadline(accepted.deadline);
    auto& response = accepted.response;
    const auto limit = limit_of(request);
    const auto what = "cannot " + request.to_string();
    if (announces_more(response.headers, limit)) {
      return fail(Code::kTooLarge, what + ": the answer is larger than " + std::to_string(limit) + " bytes");
    }
    auto collected = http::read_all(limited, *response.body, limit);
    // Errors of the connection name the request themselves.
    if (!collected && is(collected.error(), Code::kTooLarge))
      return fail(collected.error().with_context(what));
    auto body = TRY(std::move(collected));
    Document document{.etag = std::string(response.headers.get("ETag").value_or("")),
                      .not_modified = response.status == 304};
    if (document.not_modified) return document;
    document.object = TRY(parse(limited, request, response.headers, std::move(body)));
    return document;
  }

  async::Loop& loop;
  http::Url server;
  std::string label;
  std::string user_label;
  bool disable_compression;
  HttpClientOptions options;
  http::Headers impersonation;
  TlsSource tls;
  std::unique_ptr<Authenticator> authenticator;
  http::Client requests;
  http::Client watches;
  async::TokenBucket bucket;
  std::set<std::string, std::less<>> warned;
};

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient>> HttpClient::make(Ctx& ctx, const ClientConfig& config,
                                                     HttpClientOptions options) {
  if (options.user_agent.empty()) options.user_agent = "klutch/" + std::string(obs::build_info().version);
  const auto proxy = TRY(proxy_rules(config));
  auto tls = TRY(TlsSource::create(ctx, config, options.reread_interval));
  if (config.server.is_https()) TRY(tls.get(ctx, nullptr));
  const AuthenticatorOptions authenticator_options{.clock = options.clock,
                                                   .reread_interval = options.reread_interval,
                                                   .exec_timeout = options.exec_timeout,
                                                   .interactive_timeout = options.interactive_timeout};
  auto state = std::make_unique<State>(ctx, config, std::move(options), proxy, std::move(tls));
  state->authenticator = TRY(Authenticator::create(ctx, config, authenticator_options));
  // Cannot fail once the credentials were checked; refuses what no header can carry.
  TRY(state->impersonation.check().map_error(
      context("cannot impersonate " + quote(config.impersonate.user))));
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(state)));
}

Result<Object> HttpClient::send(Ctx& ctx, const Request& request) {
  return TRY(fetch(ctx, request)).object;
}

Result<Document> HttpClient::fetch(Ctx& ctx, const Request& request, std::string_view etag) {
  auto accepted = TRY(state_->perform(ctx, state_->requests, request, etag));
  auto document = state_->collect(ctx, request, accepted);
  state_->observe(request, accepted, ctx.now(), document ? nullptr : &document.error());
  return document;
}

Result<std::unique_ptr<WatchStream>> HttpClient::open(Ctx& ctx, const Request& request) {
  auto accepted = TRY(state_->perform(ctx, state_->watches, request));
  auto& response = accepted.response;
  const auto type = std::string(response.headers.get("Content-Type").value_or(""));
  const auto what = "cannot " + request.to_string();
  if (!is_json(type)) {
    const Error error(Code::kInternal, what + ": " + state_->server.for_log() + " answered with " +
                                           (type.empty() ? "no content type" : quote(type, kShownBytes)) +
                                           " instead of JSON; is that an API server?");
    state_->observe(request, accepted, ctx.now(), &error);
    return fail(error);
  }
  state_->observe(request, accepted, ctx.now(), nullptr);
  return std::make_unique<HttpWatchStream>(std::move(response.body), what);
}

http::Client::Statistics HttpClient::request_statistics() const {
  return state_->requests.statistics();
}
http::Client::Statistics HttpClient::watch_statistics() const {
  return state_->watches.statistics();
}

}  // namespace klutch::kube
