// SPDX-License-Identifier: Apache-2.0
#include "testing/fault_proxy_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "async/task_group.h"
#include "base/check.h"
#include "base/strings.h"
#include "http/query.h"
#include "http/tcp_transport.h"

namespace klutch::testing {
namespace {

constexpr std::size_t kLargestBody = std::size_t{128} << 20;
constexpr std::size_t kReplayed = 20;
constexpr auto kForever = std::chrono::hours(1);

/// What a request is about, by its path alone.
struct RequestNames {
  std::string verb = "raw";
  std::string resource = {};
  bool continued = false;
  bool initial_events = false;

  [[nodiscard]] ServerFaults::Facts facts() const { return {verb, resource, continued, initial_events}; }
};

RequestNames classify(const http::MessageHead& head) {
  RequestNames names;
  const auto parts = split_once(head.target, "?");
  const auto path = split(parts ? parts->first : std::string_view(head.target), '/');
  const auto query = http::Query::parse_form(parts ? parts->second : "");
  // "/api/v1/..." has an empty piece first.
  std::size_t at = path.size() > 3 && path[1] == "api" ? 3 : path.size() > 4 && path[1] == "apis" ? 4 : 0;
  if (at == 0 || !query) return names;
  if (path[at] == "namespaces" && path.size() > at + 2 && path[at + 2] != "status") at += 2;
  names.resource = path[at];
  const bool collection = path.size() == at + 1;
  const auto watch = query->get("watch").value_or("");
  if (head.method == "GET") {
    names.verb = !collection ? "get" : watch == "1" || watch == "true" ? "watch" : "list";
  } else if (head.method == "DELETE") {
    names.verb = collection ? "deletecollection" : "delete";
  } else {
    names.verb = head.method == "POST" ? "create" : head.method == "PUT" ? "update" : "patch";
  }
  names.continued = names.verb == "list" && !query->get("continue").value_or("").empty();
  names.initial_events = query->get("sendInitialEvents") == "true";
  return names;
}

/// Without what concerns one connection only.
http::Headers end_to_end(const http::Headers& headers) {
  http::Headers kept = headers;
  for (const auto* name : {"Connection", "Keep-Alive", "TE", "Transfer-Encoding", "Content-Length", "Upgrade",
                           "Expect", "Host", "Date"}) {
    kept.erase(name);
  }
  return kept;
}

std::string without_initial_events(const std::string& target) {
  const auto parts = split_once(target, "?");
  if (!parts) return target;
  http::Query kept;
  const auto query = http::Query::parse_form(parts->second);
  for (const auto& [name, value] : *query) {
    if (name != "sendInitialEvents" && name != "resourceVersionMatch") kept.add(name, value);
  }
  return std::string(parts->first) + "?" + kept.to_string();
}

}  // namespace

ProxyConnection::ProxyConnection(ProxyTarget& target, std::unique_ptr<http::Transport> transport)
    : target_(target), transport_(std::move(transport)) {
  auto* tcp = dynamic_cast<http::TcpTransport*>(transport_.get());
  CHECK(tcp != nullptr);
  descriptor_ = tcp->descriptor();
}

void ProxyConnection::reset() {
  if (!transport_) return;  // in the middle of its handshake
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  transport_->close();
}

/// One request on its way.
struct HttpProxyConnection::Exchange {
  http::MessageHead head = {};
  std::string body = {};
  std::optional<Fault> fault = {};
  bool watch = false;
  bool keep_alive = true;
  std::deque<std::string> latest = {};  // events, for kReplayEvents

  [[nodiscard]] bool has(Fault::Kind kind) const { return fault && fault->kind == kind; }
};

Result<> HttpProxyConnection::run(Ctx& ctx) {
  if (target_.tls) {
    auto limited = ctx.with_timeout(std::chrono::seconds(10));
    transport_ = TRY(http::accept_tls(limited, std::move(transport_), *target_.tls));
  }
  http::MessageReader reader(*transport_, {});
  while (TRY(serve_next(ctx, reader))) {
  }
  transport_->shut_down(ctx);
  return {};
}

Result<bool> HttpProxyConnection::serve_next(Ctx& ctx, http::MessageReader& reader) {
  auto head = TRY(reader.read_head(ctx, http::MessageParser::Kind::kRequest));
  if (!head) return false;
  if (head->headers.contains("Expect")) TRY(transport_->write(ctx, "HTTP/1.1 100 Continue\r\n\r\n"));
  Exchange exchange;
  exchange.body = TRY(http::read_all(ctx, reader, kLargestBody));
  exchange.keep_alive = reader.parser().keep_alive();
  const auto names = classify(*head);
  exchange.watch = names.verb == "watch";
  exchange.fault = target_.faults->take(names.facts());
  exchange.head = *std::move(head);

  // Beside the fiber that relays, one that notices when the client has gone.
  async::TaskGroup relaying(ctx);
  async::TaskGroup watching(ctx);
  Result<bool> again = false;
  relaying.spawn("relay", [&](Ctx& task) -> Result<> {
    again = relay(task, exchange);
    watching.cancel();
    return {};
  });
  watching.spawn("client watch", [&](Ctx& task) -> Result<> {
    const auto arrived = reader.wait_for_message(task);
    const bool gone = arrived ? !*arrived : !is(arrived.error(), Code::kCancelled);
    if (gone) relaying.cancel();
    return {};
  });
  const auto waited = relaying.wait(ctx);
  watching.stop(ctx);
  TRY(Result<>(waited));
  return again;
}

/// Whether the connection can take another request.
Result<bool> HttpProxyConnection::relay(Ctx& ctx, Exchange& exchange) {
  if (exchange.fault) {
    if (exchange.has(Fault::Kind::kDropConnection)) return false;
    if (exchange.has(Fault::Kind::kResetConnection)) {
      reset();
      return false;
    }
    if (exchange.has(Fault::Kind::kStall)) {
      TRY(ctx.sleep(kForever));
      return false;
    }
    if (auto answer = replacement(*exchange.fault)) {
      return send(ctx, exchange, answer->status, answer->headers, answer->body.view());
    }
    if (exchange.has(Fault::Kind::kIgnoreInitialEvents)) {
      exchange.head.target = without_initial_events(exchange.head.target);
    }
  }
  auto url = TRY(http::Url::parse(target_.url->origin() + exchange.head.target));
  http::ClientRequest request{.method = exchange.head.method, .url = std::move(url)};
  request.headers = end_to_end(exchange.head.headers);
  if (!target_.authorization.empty()) request.headers.set("Authorization", target_.authorization);
  request.body = http::Body(exchange.body);
  request.decompress = false;
  auto response = TRY(target_.client->open(ctx, std::move(request)));
  if (exchange.watch && response.status == 200) return send_events(ctx, exchange, std::move(response));
  const auto body = TRY(http::read_all(ctx, *response.body, kLargestBody));
  return send(ctx, exchange, response.status, end_to_end(response.headers), body);
}

Result<bool> HttpProxyConnection::send(Ctx& ctx, const Exchange& exchange, int status, http::Headers headers,
                                       std::string_view body) {
  if (exchange.has(Fault::Kind::kLoseAnswer)) return false;
  if (exchange.has(Fault::Kind::kTruncatedJson)) body = body.substr(0, body.size() / 2);
  const bool bodiless = exchange.head.method == "HEAD" || status == 204 || status == 304;
  if (!bodiless) {
    const std::size_t more = exchange.has(Fault::Kind::kWrongLength) ? 10 : 0;
    headers.set("Content-Length", std::to_string(body.size() + more));
  }
  std::string head;
  TRY(http::append_response_head(head, status, headers));
  if (bodiless) body = {};
  if (exchange.has(Fault::Kind::kDrip)) {
    TRY(transport_->write(ctx, head));
    const auto size = body.size() / 64 + 1;
    for (std::size_t at = 0; at < body.size(); at += size) {
      TRY(transport_->write(ctx, body.substr(at, size)));
      TRY(ctx.sleep(exchange.fault->detail.pause));
    }
    return exchange.keep_alive;
  }
  const bool cut = exchange.has(Fault::Kind::kCutBody);
  TRY(transport_->write(ctx, head, cut ? body.substr(0, body.size() / 2) : body));
  return exchange.keep_alive && !cut && !exchange.has(Fault::Kind::kWrongLength);
}

Result<> HttpProxyConnection::chunk(Ctx& ctx, std::string_view bytes) {
  if (bytes.empty()) return {};
  constexpr char kDigits[] = "0123456789abcdef";
  std::string size;
  for (auto left = bytes.size(); left > 0; left /= 16) size.insert(size.begin(), kDigits[left % 16]);
  TRY(transport_->write(ctx, size + "\r\n", bytes));
  return transport_->write(ctx, "\r\n");
}

Result<bool> HttpProxyConnection::send_events(Ctx& ctx, Exchange& exchange,
                                              http::StreamingResponse response) {
  std::string head;
  auto headers = end_to_end(response.headers);
  headers.set("Transfer-Encoding", "chunked");
  TRY(http::append_response_head(head, response.status, headers));
  TRY(transport_->write(ctx, head));
  std::string buffer;
  std::size_t number = 0;
  if (exchange.fault && exchange.fault->detail.events == 0 &&
      !TRY(send_event(ctx, exchange, "{\"type\":\"ADDED\"}\n", 0))) {
    return false;
  }
  for (;;) {
    const auto piece = TRY(response.body->read(ctx));
    if (piece.empty()) break;
    buffer += piece;
    std::size_t begin = 0;
    for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n', begin)) {
      if (!TRY(
              send_event(ctx, exchange, std::string_view(buffer).substr(begin, end + 1 - begin), ++number))) {
        return false;
      }
      begin = end + 1;
    }
    buffer.erase(0, begin);
    CHECK(buffer.size() < kLargestBody);
  }
  TRY(chunk(ctx, buffer));
  TRY(transport_->write(ctx, "0\r\n\r\n"));
  return exchange.keep_alive;
}

/// Passes on event `number`, or misbehaves at it; 0 is before the first. False if the watch has ended by
/// that.
Result<bool> HttpProxyConnection::send_event(Ctx& ctx, Exchange& exchange, std::string_view line,
                                             std::size_t number) {
  const auto* fault = exchange.fault ? &*exchange.fault : nullptr;
  const bool due = fault != nullptr && number >= fault->detail.events;
  if (due) {
    switch (fault->kind) {
      case Fault::Kind::kWatchEnds: TRY(transport_->write(ctx, "0\r\n\r\n")); return false;
      case Fault::Kind::kWatchCut: TRY(chunk(ctx, line.substr(0, line.size() / 2))); return false;
      case Fault::Kind::kWatchError:
        TRY(chunk(ctx, error_event(fault->detail.status)));
        TRY(transport_->write(ctx, "0\r\n\r\n"));
        return false;
      case Fault::Kind::kWatchStall: TRY(ctx.sleep(kForever)); return false;
      case Fault::Kind::kLoseAnswer: return false;
      default: break;
    }
  }
  if (number == 0) return true;
  if (exchange.has(Fault::Kind::kNoBookmarks) && line.starts_with(R"({"type":"BOOKMARK")")) return true;
  if (exchange.has(Fault::Kind::kDelayEvents)) TRY(ctx.sleep(fault->detail.pause));
  TRY(chunk(ctx, line));
  if (exchange.has(Fault::Kind::kDuplicateEvents)) TRY(chunk(ctx, line));
  if (exchange.has(Fault::Kind::kReplayEvents)) {
    exchange.latest.emplace_back(line);
    if (exchange.latest.size() > kReplayed) exchange.latest.pop_front();
    if (number == fault->detail.events) {
      for (const auto& event : exchange.latest) TRY(chunk(ctx, event));
    }
  }
  return true;
}

Result<> TcpProxyConnection::run(Ctx& ctx) {
  const auto fault = target_.faults->take({.verb = "connect"});
  if (fault && fault->detail.events == 0) {
    if (fault->kind == Fault::Kind::kDropConnection) return {};
    if (fault->kind == Fault::Kind::kResetConnection) {
      reset();
      return {};
    }
  }
  const auto address = TRY(http::Address::parse(target_.url->host_and_port()));
  const auto server = TRY(http::connect(ctx, address, nullptr));
  async::TaskGroup both(ctx);
  both.spawn("to server", [&](Ctx& task) -> Result<> {
    std::array<char, 16 * 1024> buffer;
    for (;;) {
      const auto n = TRY(transport_->read_some(task, buffer));
      if (n == 0) break;
      TRY(server->write(task, {buffer.data(), n}));
    }
    server->shut_down(task);
    return fail(Code::kUnavailable, "the client closed");
  });
  both.spawn("to client", [&](Ctx& task) -> Result<> {
    TRY(to_client(task, *server, fault));
    return fail(Code::kUnavailable, "the server closed");
  });
  return both.wait(ctx);
}

Result<> TcpProxyConnection::to_client(Ctx& ctx, http::Transport& server, const std::optional<Fault>& fault) {
  std::array<char, 16 * 1024> buffer;
  std::size_t sent = 0;
  for (;;) {
    const auto n = TRY(server.read_some(ctx, buffer));
    if (n == 0) break;
    std::string_view bytes(buffer.data(), n);
    if (fault && fault->kind == Fault::Kind::kDrip) {
      for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(bytes.size(), 64))) {
        TRY(transport_->write(ctx, bytes.substr(0, 64)));
        TRY(ctx.sleep(fault->detail.pause));
      }
      continue;
    }
    if (fault && sent + n > fault->detail.events) {
      TRY(transport_->write(ctx, bytes.substr(0, fault->detail.events - sent)));
      if (fault->kind == Fault::Kind::kStall) TRY(ctx.sleep(kForever));
      if (fault->kind == Fault::Kind::kResetConnection) reset();
      return {};
    }
    TRY(transport_->write(ctx, bytes));
    sent += n;
  }
  transport_->shut_down(ctx);
  return {};
}

}  // namespace klutch::testing
