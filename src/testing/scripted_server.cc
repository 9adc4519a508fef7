// SPDX-License-Identifier: Apache-2.0
#include "testing/scripted_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"
#include "base/strings.h"
#include "http/tcp_transport.h"

namespace klutch::testing {
namespace {

constexpr std::size_t kMostReceived = std::size_t{64} << 20;

http::Listener listen(Ctx& ctx) {
  auto listener = http::Listener::listen(ctx.loop(), {.host = "127.0.0.1", .port = 0, .unix_path = {}});
  CHECK(listener.has_value());
  return *std::move(listener);
}

/// Of a head; 0 without one.
std::size_t content_length(std::string_view head) {
  for (auto line : split(head, '\n')) {
    if (!starts_with_ignore_case(line, "content-length:")) continue;
    const auto text = trim(line.substr(15));
    std::size_t length = 0;
    std::from_chars(text.data(), text.data() + text.size(), length);
    return length;
  }
  return 0;
}

}  // namespace

Result<std::string> Peer::read_until(Ctx& ctx, std::string_view end) {
  for (;;) {
    const auto found = seen_.received.find(end, used_);
    if (found != std::string::npos) {
      auto text = seen_.received.substr(used_, found + end.size() - used_);
      used_ = found + end.size();
      return text;
    }
    if (!TRY(fill(ctx))) return fail(Code::kUnavailable, "the client closed before the script's turn");
  }
}

Result<std::string> Peer::read_request(Ctx& ctx) {
  auto head = TRY(read_until(ctx, "\r\n\r\n"));
  const auto length = content_length(head);
  while (seen_.received.size() - used_ < length) {
    if (!TRY(fill(ctx))) return fail(Code::kUnavailable, "the client closed inside its request");
  }
  used_ += length;
  return head;
}

Result<> Peer::read_to_end(Ctx& ctx) {
  while (TRY(fill(ctx))) {
  }
  return {};
}

Result<> Peer::send(Ctx& ctx, std::string_view bytes) {
  TRY(transport_->write(ctx, bytes));
  seen_.sent += bytes.size();
  return {};
}

Result<> Peer::drip(Ctx& ctx, std::string_view bytes, Duration pause) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    TRY(send(ctx, bytes.substr(i, 1)));
    TRY(ctx.sleep(pause));
  }
  return {};
}

Result<> Peer::send_endlessly(Ctx& ctx, std::string_view bytes, std::size_t most) {
  CHECK(!bytes.empty());
  while (seen_.sent < most) TRY(send(ctx, bytes));
  return {};
}

void Peer::reset() {
  auto* tcp = dynamic_cast<http::TcpTransport*>(transport_.get());
  CHECK(tcp != nullptr);
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(tcp->descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  tcp->close();
}

Result<> Peer::start_tls(Ctx& ctx, const http::TlsServer& tls) {
  auto secured = http::accept_tls(ctx, std::move(transport_), tls);
  if (!secured) {
    seen_.handshake_error = secured.error().message();
    return fail(secured.error());
  }
  transport_ = *std::move(secured);
  seen_.client_chain = transport_->tls()->peer_chain;
  return {};
}

Result<bool> Peer::fill(Ctx& ctx) {
  std::array<char, 16 * 1024> buffer;
  const auto n = TRY(transport_->read_some(ctx, buffer));
  CHECK(seen_.received.size() < kMostReceived);
  seen_.received.append(buffer.data(), n);
  return n > 0;
}

ScriptedServer::ScriptedServer(Ctx& ctx, std::vector<Script> scripts, std::shared_ptr<http::TlsServer> tls)
    : ctx_(ctx),
      scripts_(std::move(scripts)),
      tls_(std::move(tls)),
      listener_(listen(ctx)),
      tasks_(ctx, async::TaskGroup::OnError::kKeepGoing) {
  CHECK(!scripts_.empty());
  tasks_.spawn("scripted server", [this](Ctx& task) { return serve(task); });
}

ScriptedServer::~ScriptedServer() {
  tasks_.stop(ctx_);
}

std::string ScriptedServer::url(std::string_view path) const {
  return (tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port()) + std::string(path);
}

Result<> ScriptedServer::settle(Ctx& ctx) {
  const auto ended = [](const Conversation& seen) { return seen.ended; };
  while (!std::all_of(conversations_.begin(), conversations_.end(), ended)) {
    TRY(ctx.sleep(std::chrono::milliseconds(1)));
  }
  return {};
}

Result<> ScriptedServer::serve(Ctx& ctx) {
  for (;;) {
    auto transport = TRY(listener_.accept(ctx));
    const auto number = conversations_.size();
    conversations_.emplace_back();
    tasks_.spawn("script", [this, number, transport = std::move(transport)](Ctx& task) mutable {
      auto result = converse(task, std::move(transport), number);
      conversations_[number].ended = true;
      return result;
    });
  }
}

Result<> ScriptedServer::converse(Ctx& ctx, std::unique_ptr<http::Transport> transport, std::size_t number) {
  Peer peer(std::move(transport), conversations_[number]);
  if (tls_) TRY(peer.start_tls(ctx, *tls_));
  return scripts_[std::min(number, scripts_.size() - 1)](ctx, peer);
}

}  // namespace klutch::testing
