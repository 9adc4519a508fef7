// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <utility>
#include <vector>

#include "async/asio_bridge.h"
#include "http/tcp_transport.h"

namespace klutch::http {
namespace {

namespace asio = boost::asio;
using Endpoint = asio::generic::stream_protocol::endpoint;
using Tcp = asio::ip::tcp;

constexpr std::size_t kMostAddresses = 8;

/// What a name look-up leaves behind. The look-up runs in a thread of Asio's that cannot be interrupted, so a
/// waiter that gives up just stops listening.
struct Lookup {
  async::Suspension* waiter = nullptr;
  boost::system::error_code ec;
  std::vector<Endpoint> endpoints;
};

Result<std::vector<Endpoint>> resolve(Ctx& ctx, const Address& address) {
  if (!address.unix_path.empty()) {
    return std::vector<Endpoint>{asio::local::stream_protocol::endpoint(address.unix_path)};
  }
  boost::system::error_code not_numeric;
  const auto numeric = asio::ip::make_address(address.host, not_numeric);
  if (!not_numeric) return std::vector<Endpoint>{Tcp::endpoint(numeric, address.port)};

  const auto lookup = std::make_shared<Lookup>();
  async::Suspension suspension(ctx);
  lookup->waiter = &suspension;
  Tcp::resolver resolver(async::io_context_of(ctx));
  resolver.async_resolve(address.host, std::to_string(address.port),
                         [lookup](boost::system::error_code ec, const Tcp::resolver::results_type& results) {
                           if (lookup->waiter == nullptr) return;
                           lookup->ec = ec;
                           for (const auto& result : results) {
                             if (lookup->endpoints.size() < kMostAddresses)
                               lookup->endpoints.push_back(result.endpoint());
                           }
                           lookup->waiter->wake();
                         });
  const auto wake = suspension.wait();
  lookup->waiter = nullptr;
  TRY(to_result(wake, "the address of a host name")
          .map_error(context("cannot connect to " + address.to_string())));
  if (lookup->ec) {
    return fail(Code::kUnavailable, "cannot connect to " + address.to_string() + ": " + lookup->ec.message());
  }
  return std::move(lookup->endpoints);
}

Result<std::unique_ptr<Transport>> connect_to(Ctx& ctx, const Endpoint& endpoint, const std::string& name) {
  StreamSocket socket(async::io_context_of(ctx));
  const auto outcome = async::run_io(
      ctx, [&](async::IoHandler handler) { socket.async_connect(endpoint, handler); },
      [&] {
        boost::system::error_code ignored;
        socket.close(ignored);
      });
  if (outcome.ec) {
    TRY(to_result(outcome.wake, "a connection").map_error(context("cannot connect to " + name)));
    return fail(Code::kUnavailable, "cannot connect to " + name + ": " + outcome.ec.message());
  }
  return std::unique_ptr<Transport>(std::make_unique<TcpTransport>(std::move(socket), name));
}

/// Tries one endpoint after the other; each gets its share of the time that is left, so that a silent first
/// address leaves some for the second.
Result<std::unique_ptr<Transport>> connect_plain(Ctx& ctx, const Address& address) {
  const auto endpoints = TRY(resolve(ctx, address));
  const std::string name = address.to_string();
  Result<std::unique_ptr<Transport>> result =
      fail(Code::kUnavailable, "cannot connect to " + name + ": no address");
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const auto share = static_cast<Duration::rep>(endpoints.size() - i);
    auto limited =
        ctx.with_timeout(ctx.deadline() == Ctx::kNever ? Duration::max() : ctx.remaining() / share);
    result = connect_to(limited, endpoints[i], name);
    if (result || ctx.cancelled()) break;
  }
  return result;
}

}  // namespace

Result<std::unique_ptr<Transport>> connect(Ctx& ctx, const Address& address, const TlsClient* tls) {
  TRY(ctx.check());
  auto plain = TRY(connect_plain(ctx, address));
  if (tls == nullptr) return plain;
  return start_tls(ctx, std::move(plain), *tls, address.host);
}

}  // namespace klutch::http
