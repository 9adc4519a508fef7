// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <memory>
#include <string>

#include "http/transport.h"

// Private to http/: a plain socket. System calls are tried first and the reactor is asked only when they
// would block.

namespace klutch::http {

using StreamSocket = boost::asio::generic::stream_protocol::socket;

class TcpTransport final : public Transport {
 public:
  /// Takes over a connected socket.
  TcpTransport(StreamSocket socket, std::string peer);

  Result<std::size_t> read_some(Ctx& ctx, std::span<char> buffer) override;
  Result<> wait_readable(Ctx& ctx) override;
  Result<> write(Ctx& ctx, std::string_view first, std::string_view second) override;
  void shut_down(Ctx& ctx) override;
  void close() noexcept override;
  bool is_quiet() override;
  const std::string& peer() const noexcept override { return peer_; }
  const TlsSession* tls() const noexcept override { return nullptr; }

  Result<> wait(Ctx& ctx, StreamSocket::wait_type what);
  /// Call after a system call that did not have to wait: gives the other fibers their turn when a fast peer
  /// keeps this one busy.
  void be_fair(Ctx& ctx);
  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  /// Only while open: a closed number may belong to somebody else.
  [[nodiscard]] int descriptor() { return socket_.native_handle(); }
  /// An error of this connection, naming the peer.
  [[nodiscard]] tl::unexpected<Error> broken(std::string_view cause) const;

 private:
  StreamSocket socket_;
  std::string peer_;
  unsigned busy_ = 0;
};

}  // namespace klutch::http
