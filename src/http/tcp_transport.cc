// SPDX-License-Identifier: Apache-2.0
#include "http/tcp_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "async/asio_bridge.h"

namespace klutch::http {
namespace {

/// Reads or writes in a row before other fibers get a turn.
constexpr unsigned kTurns = 32;

void set_options(int descriptor) {
  const int on = 1;
  // Fails harmlessly on Unix sockets.
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

}  // namespace

TcpTransport::TcpTransport(StreamSocket socket, std::string peer)
    : socket_(std::move(socket)), peer_(std::move(peer)) {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  set_options(socket_.native_handle());
}

tl::unexpected<Error> TcpTransport::broken(std::string_view cause) const {
  return fail(Code::kUnavailable, "connection with " + peer_ + ": " + std::string(cause));
}

Result<> TcpTransport::wait(Ctx& ctx, StreamSocket::wait_type what) {
  busy_ = 0;
  if (!socket_.is_open()) return broken("closed");
  const auto outcome = async::run_io(
      ctx, [&](async::IoHandler handler) { socket_.async_wait(what, handler); },
      [&] {
        boost::system::error_code ignored;
        socket_.cancel(ignored);
      });
  if (!outcome.ec) return {};
  TRY(to_result(outcome.wake, what == StreamSocket::wait_read ? "the peer to send" : "the peer to receive")
          .map_error(context("connection with " + peer_)));
  return broken(socket_.is_open() ? outcome.ec.message() : "closed");
}

void TcpTransport::be_fair(Ctx& ctx) {
  if (++busy_ < kTurns) return;
  busy_ = 0;
  ctx.yield();
}

Result<std::size_t> TcpTransport::read_some(Ctx& ctx, std::span<char> buffer) {
  TRY(ctx.check());
  for (;;) {
    if (!socket_.is_open()) return broken("closed");
    const ssize_t n = ::recv(descriptor(), buffer.data(), buffer.size(), 0);
    if (n >= 0) {
      be_fair(ctx);
      return static_cast<std::size_t>(n);
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return broken(std::strerror(errno));
    TRY(wait(ctx, StreamSocket::wait_read));
  }
}

Result<> TcpTransport::wait_readable(Ctx& ctx) {
  TRY(ctx.check());
  return wait(ctx, StreamSocket::wait_read);
}

Result<> TcpTransport::write(Ctx& ctx, std::string_view first, std::string_view second) {
  TRY(ctx.check());
  while (!first.empty() || !second.empty()) {
    if (!socket_.is_open()) return broken("closed");
    std::array<iovec, 2> parts = {iovec{const_cast<char*>(first.data()), first.size()},
                                  iovec{const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    const ssize_t n = ::sendmsg(descriptor(), &message, MSG_NOSIGNAL);
    if (n >= 0) {
      const auto from_first = std::min(static_cast<std::size_t>(n), first.size());
      first.remove_prefix(from_first);
      second.remove_prefix(static_cast<std::size_t>(n) - from_first);
      be_fair(ctx);
    } else if (errno == EAGAIN) {
      TRY(wait(ctx, StreamSocket::wait_write));
    } else if (errno != EINTR) {
      return broken(std::strerror(errno));
    }
  }
  return {};
}

void TcpTransport::shut_down(Ctx&) {
  if (socket_.is_open()) ::shutdown(descriptor(), SHUT_WR);
}

void TcpTransport::close() noexcept {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

bool TcpTransport::is_quiet() {
  if (!socket_.is_open()) return false;
  char byte = 0;
  return ::recv(descriptor(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

}  // namespace klutch::http
