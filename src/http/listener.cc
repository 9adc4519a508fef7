// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <cstring>
#include <utility>

#include "async/asio_bridge.h"
#include "base/os/port_holder.h"
#include "http/tcp_transport.h"

namespace klutch::http {
namespace {

namespace asio = boost::asio;
using Protocol = asio::generic::stream_protocol;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

/// How long accept() waits when the process has no descriptor left for a new connection.
constexpr auto kOutOfDescriptorsPause = std::chrono::milliseconds(100);

std::string peer_name(const Protocol::endpoint& endpoint) {
  if (endpoint.protocol().family() == AF_UNIX) return "unix";
  Tcp::endpoint tcp;
  tcp.resize(endpoint.size());
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  return Address{tcp.address().to_string(), tcp.port(), {}}.to_string();
}

/// Removes a socket file that nobody serves; one that somebody serves stays, and bind() then says so.
void remove_stale_socket(const asio::local::stream_protocol::endpoint& endpoint) {
  struct stat info{};
  if (::lstat(endpoint.path().c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  asio::io_context io;
  asio::local::stream_protocol::socket probe(io);
  error_code ec;
  probe.connect(endpoint, ec);
  if (ec == asio::error::connection_refused) ::unlink(endpoint.path().c_str());
}

}  // namespace

struct Listener::Impl {
  explicit Impl(async::Loop& loop) : acceptor(loop.core().io) {}
  ~Impl() {
    if (acceptor.is_open() && !address.unix_path.empty()) ::unlink(address.unix_path.c_str());
  }

  error_code open(const Protocol::endpoint& endpoint) {
    error_code ec;
    acceptor.open(endpoint.protocol(), ec);
    if (ec) return ec;
    if (address.unix_path.empty()) {
      acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    } else {
      ::fchmod(acceptor.native_handle(), 0600);  // the file that bind() makes takes its mode from here
    }
    acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    return ec;
  }

  asio::basic_socket_acceptor<Protocol> acceptor;
  Address address;
};

Listener::Listener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listener::~Listener() = default;
Listener::Listener(Listener&&) noexcept = default;
Listener& Listener::operator=(Listener&&) noexcept = default;

const Address& Listener::address() const noexcept {
  return impl_->address;
}

Result<Listener> Listener::listen(async::Loop& loop, const Address& address) {
  auto impl = std::make_unique<Impl>(loop);
  impl->address = address;
  error_code ec;
  if (!address.unix_path.empty()) {
    const asio::local::stream_protocol::endpoint endpoint(address.unix_path);
    remove_stale_socket(endpoint);
    ec = impl->open(endpoint);
  } else {
    const auto ip = asio::ip::make_address(address.host == "localhost" ? "127.0.0.1" : address.host, ec);
    if (ec)
      return fail(Code::kInvalid,
                  "cannot listen on " + address.to_string() + ": the host must be an IP address");
    ec = impl->open(Tcp::endpoint(ip, address.port));
  }
  if (ec) {
    // Whoever is told that a port is taken asks next by whom.
    const bool taken = ec == boost::system::errc::address_in_use && address.unix_path.empty();
    const std::string holder = taken ? os::find_port_holder(address.port) : "";
    return fail(Code::kUnavailable, "cannot listen on " + address.to_string() + ": " + ec.message() +
                                        (holder.empty() ? "" : ", " + holder + " has it"));
  }
  if (address.unix_path.empty() && address.port == 0) {
    Tcp::endpoint bound;
    const auto local = impl->acceptor.local_endpoint(ec);
    bound.resize(local.size());
    std::memcpy(bound.data(), local.data(), local.size());
    impl->address.port = bound.port();
  }
  return Listener(std::move(impl));
}

Result<std::unique_ptr<Transport>> Listener::accept(Ctx& ctx) {
  for (;;) {
    if (!impl_->acceptor.is_open()) return fail(Code::kGone, "the listener is closed");
    StreamSocket socket(async::io_context_of(ctx));
    Protocol::endpoint peer;
    const auto outcome = async::run_io(
        ctx, [&](async::IoHandler handler) { impl_->acceptor.async_accept(socket, peer, handler); },
        [&] {
          error_code ignored;
          impl_->acceptor.cancel(ignored);
        });
    if (!outcome.ec)
      return std::unique_ptr<Transport>(std::make_unique<TcpTransport>(std::move(socket), peer_name(peer)));
    TRY(to_result(outcome.wake, "a connection"));
    if (outcome.ec == asio::error::no_descriptors ||
        outcome.ec == boost::system::errc::too_many_files_open_in_system ||
        outcome.ec == asio::error::no_buffer_space || outcome.ec == asio::error::no_memory) {
      TRY(ctx.sleep(kOutOfDescriptorsPause));
    }
    // Anything else concerns one connection that is gone already.
  }
}

void Listener::close() noexcept {
  if (!impl_->acceptor.is_open()) return;
  if (!impl_->address.unix_path.empty()) ::unlink(impl_->address.unix_path.c_str());
  error_code ignored;
  impl_->acceptor.close(ignored);
}

}  // namespace klutch::http
