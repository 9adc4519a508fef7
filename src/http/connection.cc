// SPDX-License-Identifier: Apache-2.0
#include "http/connection.h"

#include <array>
#include <exception>
#include <utility>

#include "base/strings.h"
#include "http/incoming_body.h"

namespace klutch::http {
namespace {

/// A client that asks again at all mostly does so within this time.
constexpr auto kSoon = std::chrono::seconds(1);
constexpr std::size_t kLingerBytes = 256 * 1024;

std::string without_port(const std::string& peer) {
  const auto colon = peer.rfind(':');
  if (colon == std::string::npos) return peer;
  std::string host = peer.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host;
}

MessageLimits message_limits(const ServerLimits& limits) {
  MessageLimits message;
  message.head_bytes = limits.head_bytes;
  message.fields = limits.fields;
  return message;  // the body's limit is IncomingBody's, so that a handler can change it
}

/// What to answer to bytes that `parser` could not make a request of; 0 for nothing.
int refusal_status(const Error& error, const MessageParser& parser) {
  const bool has_request_line = !parser.head().method.empty();
  switch (error.code()) {
    case Code::kBadRequest: return 400;
    case Code::kTimeout: return 408;
    case Code::kTooLarge: return has_request_line ? 431 : 414;
    case Code::kUnsupported: return has_request_line ? 501 : 505;
    default: return 0;
  }
}

/// An id that can be put into a log line as it is.
bool is_sane_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 64 &&
         id.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
             "0123456789-_.:/+=") == std::string_view::npos;
}

}  // namespace

Connection::Connection(ServerCore& core, std::unique_ptr<Transport> plain)
    : core_(core), transport_(std::move(plain)), peer_(without_port(transport_->peer())) {
  place_ = core_.connections.insert(core_.connections.end(), this);
  core_.observer().connection_opened();
}

Connection::~Connection() {
  core_.connections.erase(place_);
  core_.observer().connection_closed();
}

void Connection::run(Ctx& ctx) {
  if (core_.options.tls && !shake_hands(ctx)) return;
  reader_.emplace(*transport_, message_limits(core_.options.limits));
  while (serve_next(ctx)) {
  }
}

bool Connection::shake_hands(Ctx& ctx) {
  auto limited = ctx.with_timeout(core_.options.timeouts.handshake);
  auto secured = accept_tls(limited, std::move(transport_), *core_.options.tls);
  if (!secured) {
    core_.observer().handshake_failed(peer_, secured.error());
    return false;
  }
  transport_ = *std::move(secured);
  return true;
}

bool Connection::is_idle() const {
  return idle_ && transport_->is_quiet();
}

void Connection::close() noexcept {
  if (transport_) transport_->close();
}

void Connection::cancel_stream() {
  if (stream_ != nullptr) stream_->cancel();
}

bool Connection::serve_next(Ctx& ctx) {
  if (!wait_for_request(ctx)) return false;
  auto limited = ctx.with_timeout(core_.options.timeouts.head);
  auto head = reader_->read_head(limited, MessageParser::Kind::kRequest);
  if (head && !*head) return false;
  if (!head) {
    refuse(ctx, refusal_status(head.error(), reader_->parser()), head.error());
    return false;
  }
  if ((*head)->target.size() > core_.options.limits.target_bytes) {
    refuse(ctx, 414, Error(Code::kTooLarge, "the request target is too long"));
    return false;
  }
  return answer(ctx, *std::move(*head));
}

bool Connection::wait_for_request(Ctx& ctx) {
  core_.connections.splice(core_.connections.end(), core_.connections, place_);
  idle_ = true;
  const auto& timeouts = core_.options.timeouts;
  auto limited = ctx.with_timeout(is_fresh() ? timeouts.head : timeouts.idle);
  auto soon = limited.with_timeout(kSoon);
  auto arrived = reader_->wait_for_message(soon);
  if (!arrived && is(arrived.error(), Code::kTimeout) && limited.check()) {
    ctx.trim_stack();
    arrived = reader_->wait_for_message(limited);
  }
  idle_ = false;
  if (arrived && *arrived) return true;
  transport_->shut_down(ctx);
  return false;
}

bool Connection::wants_to_stay(const ServerRequest& request, bool client_keeps_alive) const {
  const auto most = core_.options.limits.requests_per_connection;
  return client_keeps_alive && !core_.draining && (!most || requests_ < *most) && request.version >= 10;
}

bool Connection::answer(Ctx& ctx, MessageHead head) {
  ++requests_;
  IncomingBody body(*transport_, *reader_, core_.options);
  auto request = ServerRequest::from_head(std::move(head), body);
  if (!request) {
    const int status =
        is(request.error(), Code::kTooLarge) ? 414 : traits(request.error().code()).http_status;
    refuse(ctx, status, request.error());
    return false;
  }
  if (const auto expected = request->headers.get("Expect"); expected && request->version >= 11) {
    if (!equal_ignore_case(*expected, "100-continue")) {
      refuse(ctx, 417, Error(Code::kUnsupported, "unknown expectation"));
      return false;
    }
    if (!reader_->complete()) body.expect_continue();
  }
  request->peer = peer_;
  request->tls = transport_->tls();
  const auto client_id = request->headers.get("X-Request-Id");
  request->id = client_id && is_sane_id(*client_id) ? std::string(*client_id) : core_.new_request_id();

  const auto started = ctx.now();
  core_.observer().request_started();
  const bool client_keeps_alive = reader_->parser().keep_alive();
  const auto trace = core_.trace_of(request->headers);
  auto traced = core_.with_log_fields(ctx.with_value(trace), *request, *trace);
  Response response = call_handler(traced, *request);
  ResponseSender sender(*transport_, core_);
  ResponseFacts facts{request->method == "HEAD", request->version, false};
  bool complete = false;
  if (body.client_is_gone()) {
    response.status = 499;
  } else {
    if (body.failed_status() != 0) response.status = body.failed_status();
    facts.keep_alive = wants_to_stay(*request, client_keeps_alive) && body.can_be_discarded();
    complete = send(traced, *request, response, sender, facts);
  }
  core_.observer().request_finished({request->method,
                                     request->route,
                                     peer_,
                                     request->id,
                                     {},
                                     response.status,
                                     body.received(),
                                     sender.body_bytes(),
                                     ctx.now() - started,
                                     !complete});
  if (!complete) return false;
  if (facts.keep_alive && body.discard(ctx)) return true;
  linger(ctx);
  return false;
}

Response Connection::call_handler(Ctx& ctx, ServerRequest& request) {
  auto limited = core_.options.timeouts.handler ? ctx.with_timeout(*core_.options.timeouts.handler)
                                                : ctx.with_deadline(Ctx::kNever);
  Result<Response> result;
  try {
    result = core_.handler(limited, request);
  } catch (const std::exception& e) {
    result = fail(Code::kInternal, std::string("unexpected exception in a handler: ") + e.what());
  }
  if (result) return *std::move(result);
  if (is(result.error(), Code::kInternal)) {
    core_.observer().handler_failed(request.route, request.id, result.error());
  }
  return core_.options.render_error(result.error(), request);
}

bool Connection::send(Ctx& ctx, ServerRequest& request, Response& response, ResponseSender& sender,
                      ResponseFacts& facts) {
  auto sent = sender.start(ctx, response, facts);
  if (!sent && !sender.started()) {
    core_.observer().handler_failed(request.route, request.id, sent.error());
    response = core_.options.render_error(Error(Code::kInternal, sent.error().message()), request);
    sent = sender.start(ctx, response, facts);
  }
  if (!sent) return false;
  if (!response.stream || facts.head_only) return true;
  auto produced = run_stream(ctx, std::move(response.stream), sender);
  if (produced) produced = sender.finish(ctx);
  if (!produced && !sender.broken())
    core_.observer().handler_failed(request.route, request.id, produced.error());
  return produced.has_value();
}

/// The producer runs in a fiber of its own, so that the drain can cancel it alone, and beside it one that
/// waits for the client to go away: an event stream without events would never find out by writing.
Result<> Connection::run_stream(Ctx& ctx, BodyProducer producer, ResponseSender& sender) {
  using async::TaskGroup;
  TaskGroup stream(ctx);
  TaskGroup watch(ctx);
  stream_ = &stream;
  Result<> outcome;
  stream.spawn("response stream", [&, produce = std::move(producer)](Ctx& task) mutable -> Result<> {
    try {
      outcome = produce(task, sender);
    } catch (const std::exception& e) {
      outcome = fail(Code::kInternal, std::string("unexpected exception in a response stream: ") + e.what());
    }
    watch.cancel();
    return {};
  });
  if (reader_->complete()) {
    watch.spawn("client watch", [&](Ctx& task) -> Result<> {
      watch_client(task, sender, stream);
      return {};
    });
  }
  if (core_.draining) stream.cancel();
  auto ended = stream.wait(ctx);
  watch.stop(ctx);
  stream_ = nullptr;
  if (!outcome) return outcome;
  return ended;
}

void Connection::watch_client(Ctx& ctx, ResponseSender& sender, async::TaskGroup& producer) {
  const auto arrived = reader_->wait_for_message(ctx);
  if (arrived && *arrived) return;  // the next request, pipelined: whether the client stays will show later
  if (!arrived && is(arrived.error(), Code::kCancelled)) return;
  sender.client_is_gone();
  transport_->close();
  producer.cancel();
}

void Connection::refuse(Ctx& ctx, int status, const Error& error) {
  core_.observer().request_refused(peer_, status, error);
  if (status == 0) return;
  Response response;
  response.status = status;
  response.headers.add("Content-Type", "text/plain; charset=utf-8");
  response.body = Body(error.message() + "\n");
  ResponseSender sender(*transport_, core_);
  ResponseFacts facts{false, 11, false};
  if (sender.start(ctx, response, facts)) linger(ctx);
}

void Connection::linger(Ctx& ctx) {
  transport_->shut_down(ctx);
  if (reader_->complete() && transport_->is_quiet()) return;
  auto limited = ctx.with_timeout(core_.options.timeouts.linger);
  std::array<char, 4096> ignored;
  for (std::size_t total = 0; total < kLingerBytes;) {
    const auto n = transport_->read_some(limited, ignored);
    if (!n || *n == 0) return;
    total += *n;
  }
}

}  // namespace klutch::http
