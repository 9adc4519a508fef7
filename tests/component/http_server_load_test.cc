// SPDX-License-Identifier: Apache-2.0
// Many connections: what is opened is given back, caps hold, and a drain loses nothing that was accepted.
#include "base/os/usage.h"
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

Handler says_ok() {
  return [](Ctx&, ServerRequest&) -> Result<Response> { return Response{200, {}, Body("ok"), {}}; };
}

IO_FIBER_TEST(ServerLoad, TenThousandConnectionsLeaveNothingBehind) {
  RunningServer server(ctx, {}, says_ok());
  {
    auto warm = RawClient::connect(ctx, server.address()).value();
    ASSERT_TRUE(warm.exchange(ctx, kGet).has_value());
  }
  while (server->open_connections() > 0) ASSERT_TRUE(ctx.sleep(milliseconds(1)).has_value());
  const auto fibers = ctx.loop().fiber_count();
  const auto files = os::process_usage()->open_files;
  for (int wave = 0; wave < 40; ++wave) {
    std::vector<RawClient> clients;
    for (int i = 0; i < 250; ++i) clients.push_back(RawClient::connect(ctx, server.address()).value());
    for (std::size_t i = 0; i < clients.size(); i += 10)
      ASSERT_EQ(clients[i].exchange(ctx, kGet)->body, "ok");
    ASSERT_LE(server->open_connections(), 250U);
    clients.clear();
    while (server->open_connections() > 0) ASSERT_TRUE(ctx.sleep(milliseconds(1)).has_value());
  }
  EXPECT_EQ(ctx.loop().fiber_count(), fibers);
  EXPECT_EQ(os::process_usage()->open_files, files);
}

IO_FIBER_TEST(ServerLoad, TheCapOnConnectionsHoldsAndEveryoneIsServedInTheEnd) {
  ServerOptions options;
  options.limits.connections = 10;
  std::size_t most = 0;
  RunningServer server(ctx, options, [&](Ctx& inner, ServerRequest&) -> Result<Response> {
    inner.yield();
    return Response{200, {}, Body("ok"), {}};
  });
  int answered = 0;
  async::TaskGroup clients(ctx);
  for (int i = 0; i < 200; ++i) {
    clients.spawn("client", [&](Ctx& task) -> Result<> {
      auto client = TRY(RawClient::connect(task, server.address()));
      const auto response = TRY(client.exchange(task, kGet));
      most = std::max(most, server->open_connections());
      if (response.body == "ok") ++answered;
      return {};
    });
  }
  const auto ended = clients.wait(ctx);
  EXPECT_TRUE(ended.has_value()) << ended.error().message();
  EXPECT_EQ(answered, 200);
  EXPECT_LE(most, 10U);
}

IO_FIBER_TEST(ServerLoad, ADrainUnderLoadLosesNoAcceptedRequest) {
  for (int round = 0; round < 5; ++round) {
    int begun = 0;
    int finished = 0;
    RunningServer server(ctx, {}, [&](Ctx& inner, ServerRequest&) -> Result<Response> {
      ++begun;
      TRY(inner.sleep(milliseconds(1)));
      ++finished;
      return Response{200, {}, Body("ok"), {}};
    });
    int answered = 0;
    async::TaskGroup clients(ctx);
    for (int i = 0; i < 30; ++i) {
      clients.spawn("client", [&, address = server.address()](Ctx& task) -> Result<> {
        for (;;) {
          auto client = RawClient::connect(task, address);
          if (!client) return {};
          for (;;) {
            if (!client->send(task, kGet)) break;
            const auto response = client->receive(task);
            if (!response) break;
            ++answered;
            if (response->head.headers.get("Connection") == "close") break;
          }
        }
      });
    }
    while (answered < 200) ASSERT_TRUE(ctx.sleep(milliseconds(1)).has_value());
    EXPECT_TRUE(server.stop().has_value());
    EXPECT_TRUE(clients.wait(ctx).has_value());
    EXPECT_EQ(begun, finished);
    EXPECT_EQ(answered, begun) << "what reached a handler was answered, and the answer arrived";
  }
}

IO_FIBER_TEST(ServerLoad, ConnectionsTheKernelHadAcceptedAreServedBeforeTheEnd) {
  RunningServer server(ctx, {}, says_ok());
  auto first = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(first.exchange(ctx, kGet).has_value());
  // Connected and asked, while the server's fibers have had no turn: only the kernel knows of them.
  std::vector<RawClient> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(RawClient::connect(ctx, server.address()).value());
    ASSERT_TRUE(waiting.back().send(ctx, kGet).has_value());
  }
  server.cancel();
  for (auto& client : waiting) {
    const auto response = client.receive(ctx);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->body, "ok");
  }
  EXPECT_TRUE(server.stop().has_value());
}

}  // namespace
}  // namespace klutch::http
