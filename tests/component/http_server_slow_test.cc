// SPDX-License-Identifier: Apache-2.0
// Peers that are slow, silent or gone: each costs a bounded time and memory, and nobody else notices. The
// limits are set low so that they are reached soon; nothing is asserted about when.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "async/event.h"
#include "base/os/memory.h"
#include "http/server.h"
#include "testing/fiber_test.h"
#include "testing/raw_client.h"
#include "testing/running_server.h"

namespace klutch::http {
namespace {

using klutch::testing::RawClient;
using klutch::testing::RunningServer;
using std::chrono::milliseconds;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Handler reads_body() {
  return [](Ctx& ctx, ServerRequest& request) -> Result<Response> {
    return Response{200, {}, Body(std::to_string(TRY(request.read_body(ctx)).size())), {}};
  };
}

/// Sends `bytes` one by one until the server has enough. Because it goes on sending after the server's
/// answer, the kernel may take that answer back with a reset; tests look at it only if it is there.
void drip(Ctx& ctx, RawClient& client, std::string_view bytes) {
  for (const char byte : bytes) {
    if (!client.send(ctx, std::string_view(&byte, 1)) || !ctx.sleep(milliseconds(2))) return;
  }
}

void expect_still_served(Ctx& ctx, RunningServer& server) {
  auto other = RawClient::connect(ctx, server.address()).value();
  const auto response = other.exchange(ctx, kGet);
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->head.status, 200);
}

void wait_for_connections(Ctx& ctx, RunningServer& server, std::size_t count) {
  while (server->open_connections() > count) ASSERT_TRUE(ctx.sleep(milliseconds(1)).has_value());
}

IO_FIBER_TEST(SlowPeer, AHeadThatDripsEndsAtItsDeadline) {
  ServerOptions options;
  options.timeouts.head = milliseconds(50);
  options.timeouts.linger = milliseconds(20);
  RunningServer server(ctx, options, reads_body());
  auto client = RawClient::connect(ctx, server.address()).value();
  drip(ctx, client, "GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1000, 'x'));
  const auto response = client.receive(ctx);
  if (response) {
    EXPECT_EQ(response->head.status, 408);
  }
  wait_for_connections(ctx, server, 0);
  expect_still_served(ctx, server);
}

IO_FIBER_TEST(SlowPeer, ABodyThatDripsEndsForItsRate) {
  ServerOptions options;
  options.timeouts.body_window = milliseconds(50);
  options.timeouts.linger = milliseconds(20);
  options.timeouts.body_bytes_per_second = 100'000;
  RunningServer server(ctx, options, reads_body());
  for (const char* framing :
       {"Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n10000\r\n"}) {
    auto client = RawClient::connect(ctx, server.address()).value();
    ASSERT_TRUE(client.send(ctx, "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(framing)).has_value());
    drip(ctx, client, std::string(1000, 'x'));
    const auto response = client.receive(ctx);
    if (response) {
      EXPECT_EQ(response->head.status, 408) << framing;
    }
    wait_for_connections(ctx, server, 0);
  }
  expect_still_served(ctx, server);
}

IO_FIBER_TEST(SlowPeer, AHandlerThatIsSlowIsNotTheClientsFault) {
  ServerOptions options;
  options.timeouts.body_window = milliseconds(20);
  options.timeouts.body_bytes_per_second = 100'000;
  RunningServer server(ctx, options, [](Ctx& inner, ServerRequest& request) -> Result<Response> {
    std::size_t size = 0;
    for (;;) {
      const auto piece = TRY(request.body().read(inner));
      if (piece.empty()) return Response{200, {}, Body(std::to_string(size)), {}};
      size += piece.size();
      TRY(inner.sleep(milliseconds(10)));
    }
  });
  auto client = RawClient::connect(ctx, server.address()).value();
  const auto response = client.exchange(
      ctx, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'x'));
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body, "100000");
}

IO_FIBER_TEST(SlowPeer, AReaderThatStopsIsCutOffAndHoldsUpNobody) {
  ServerOptions options;
  options.timeouts.write_stall = milliseconds(50);
  const auto big = std::make_shared<const std::string>(64U << 20U, 'x');
  RunningServer server(ctx, options, [&](Ctx&, ServerRequest& request) -> Result<Response> {
    if (request.path() == "/big") return Response{200, {}, Body(big), {}};
    return Response{200, {}, Body("small"), {}};
  });
  auto client = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(client.send(ctx, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n").has_value());
  ASSERT_TRUE(client.transport().wait_readable(ctx).has_value());
  expect_still_served(ctx, server);
  wait_for_connections(ctx, server, 0);
  EXPECT_EQ(client.receive(ctx).error().code(), Code::kUnavailable) << "cut off, not complete";
}

IO_FIBER_TEST(SlowPeer, AStreamIsProducedNoFasterThanItIsRead) {
  ServerOptions options;
  options.timeouts.write_stall = milliseconds(50);
  std::uint64_t produced = 0;
  Code ended{};
  RunningServer server(ctx, options, [&](Ctx&, ServerRequest&) -> Result<Response> {
    return Response{200, {}, {}, [&](Ctx& inner, BodyWriter& out) -> Result<> {
                      const std::string piece(64 * 1024, 'x');
                      for (;;) {
                        const auto written = out.write(inner, piece);
                        if (!written) {
                          ended = written.error().code();
                          return written;
                        }
                        produced += piece.size();
                      }
                    }};
  });
  auto client = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(client.send(ctx, kGet).has_value());
  ASSERT_TRUE(client.transport().wait_readable(ctx).has_value());
  wait_for_connections(ctx, server, 0);
  EXPECT_EQ(ended, Code::kUnavailable);
  EXPECT_LT(produced, 32U << 20U) << "what the kernels of both sides hold";
}

IO_FIBER_TEST(SlowPeer, FiveHundredSilentOnesCostLittle) {
  ServerOptions options;
  options.limits.connections = 600;
  RunningServer server(ctx, options, reads_body());
  expect_still_served(ctx, server);
  const auto before = os::memory_usage()->anonymous_bytes;
  std::vector<RawClient> silent;
  for (int i = 0; i < 500; ++i) silent.push_back(RawClient::connect(ctx, server.address()).value());
  while (server->open_connections() < 500) ctx.yield();
  for (int i = 0; i < 20; ++i) expect_still_served(ctx, server);
#if !defined(KLUTCH_ASAN) && !defined(KLUTCH_TSAN)
  EXPECT_LT(os::memory_usage()->anonymous_bytes - before, 500U * 24 * 1024) << "both ends together";
#else
  static_cast<void>(before);
#endif
  silent.clear();
  wait_for_connections(ctx, server, 0);
}

IO_FIBER_TEST(SlowPeer, OneThatNeverSaysAnythingIsClosed) {
  ServerOptions options;
  options.timeouts.head = milliseconds(20);
  options.timeouts.idle = milliseconds(20);
  RunningServer server(ctx, options, reads_body());
  auto silent = RawClient::connect(ctx, server.address()).value();
  EXPECT_TRUE(silent.closed(ctx));
  auto idle = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(idle.exchange(ctx, kGet).has_value());
  EXPECT_TRUE(idle.closed(ctx));
}

/// Connects with a socket of its own, sends, and resets instead of closing.
void send_and_reset(const Address& address, std::string_view bytes) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(address.port);
  inet_pton(AF_INET, address.host.c_str(), &peer.sin_addr);
  ASSERT_EQ(::connect(socket, reinterpret_cast<const sockaddr*>(&peer), sizeof peer), 0);
  ASSERT_EQ(::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  const linger reset{1, 0};
  ASSERT_EQ(::setsockopt(socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
  ::close(socket);
}

IO_FIBER_TEST(SlowPeer, AResetIsJustAnEnd) {
  int completed = 0;
  RunningServer server(ctx, {}, [&](Ctx& inner, ServerRequest& request) -> Result<Response> {
    TRY(request.read_body(inner));
    ++completed;
    return Response{200, {}, Body("ok"), {}};
  });
  for (const std::string& bytes :
       {std::string(), std::string("GET / HT"),
        std::string("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n12345"),
        std::string("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1")}) {
    for (int i = 0; i < 20; ++i) send_and_reset(server.address(), bytes);
  }
  EXPECT_EQ(completed, 0);
  expect_still_served(ctx, server);
  wait_for_connections(ctx, server, 0);
}

}  // namespace
}  // namespace klutch::http
