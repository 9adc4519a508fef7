// SPDX-License-Identifier: Apache-2.0
// Responses that are produced while they are sent.
#include "async/event.h"
#include "http/server.h"
#include "testing/fiber_test.h"
#include "testing/raw_client.h"
#include "testing/running_server.h"

namespace klutch::http {
namespace {

using klutch::testing::RawClient;
using klutch::testing::RunningServer;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Handler streaming(std::function<Result<>(Ctx&, BodyWriter&)> produce, Headers headers = {}) {
  return [produce, headers](Ctx&, ServerRequest&) -> Result<Response> {
    return Response{200, headers, {}, [produce](Ctx& ctx, BodyWriter& out) { return produce(ctx, out); }};
  };
}

Result<> abc(Ctx& ctx, BodyWriter& out) {
  TRY(out.write(ctx, "a"));
  TRY(out.write(ctx, ""));
  return out.write(ctx, std::string(100'000, 'b'));
}

IO_FIBER_TEST(ServerStream, IsChunkedAndKeepsTheConnection) {
  RunningServer server(ctx, {}, streaming(abc));
  auto client = RawClient::connect(ctx, server.address()).value();
  for (int i = 0; i < 2; ++i) {
    const auto response = client.exchange(ctx, kGet);
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->head.headers.get("Transfer-Encoding"), "chunked");
    EXPECT_FALSE(response->head.headers.contains("Content-Length"));
    EXPECT_EQ(response->body.size(), 100'001U);
  }
}

IO_FIBER_TEST(ServerStream, EndsWithTheConnectionForHttp10) {
  RunningServer server(ctx, {}, streaming(abc));
  auto client = RawClient::connect(ctx, server.address()).value();
  const auto response = client.exchange(ctx, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(response.has_value());
  EXPECT_FALSE(response->head.headers.contains("Transfer-Encoding"));
  EXPECT_EQ(response->head.headers.get("Connection"), "close");
  EXPECT_EQ(response->body.size(), 100'001U);
}

IO_FIBER_TEST(ServerStream, HasTheLengthItWasGiven) {
  RunningServer server(ctx, {}, streaming(abc, {{"Content-Length", "100001"}}));
  auto client = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(client.exchange(ctx, kGet)->head.headers.get("Content-Length"), "100001");
  EXPECT_EQ(client.exchange(ctx, kGet)->body.size(), 100'001U);
  EXPECT_TRUE(client.exchange(ctx, "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", true)->body.empty());
}

IO_FIBER_TEST(ServerStream, NeverLooksCompleteWhenItIsNot) {
  for (const char* length : {"", "100000", "100002"}) {
    const auto fails = [length](Ctx& inner, BodyWriter& out) -> Result<> {
      TRY(abc(inner, out));
      if (*length == '\0') return fail(Code::kInternal, "the source broke off");
      return {};
    };
    Headers headers;
    if (*length != '\0') headers.add("Content-Length", length);
    RunningServer server(ctx, {}, streaming(fails, headers));
    auto client = RawClient::connect(ctx, server.address()).value();
    const auto response = client.exchange(ctx, kGet);
    ASSERT_FALSE(response.has_value()) << length;
    EXPECT_EQ(response.error().code(), Code::kUnavailable) << length;
  }
}

IO_FIBER_TEST(ServerStream, EndsWhenTheClientGoesAwayEvenWithoutEvents) {
  async::Event ended;
  Code seen{};
  RunningServer server(ctx, {}, streaming([&](Ctx& inner, BodyWriter& out) -> Result<> {
                         TRY(out.write(inner, "first"));
                         const auto slept = inner.sleep(std::chrono::hours(1));
                         const auto written = out.write(inner, "second");
                         seen = written ? Code{} : written.error().code();
                         ended.set();
                         return slept;
                       }));
  {
    auto client = RawClient::connect(ctx, server.address()).value();
    ASSERT_TRUE(client.send(ctx, kGet).has_value());
    ASSERT_TRUE(*client.reader().wait_for_message(ctx));
  }
  ASSERT_TRUE(ended.wait(ctx).has_value());
  EXPECT_EQ(seen, Code::kUnavailable);
}

IO_FIBER_TEST(ServerStream, HearsOfTheDrainAndEndsInOrder) {
  async::Event running;
  RunningServer server(ctx, {}, streaming([&](Ctx& inner, BodyWriter& out) -> Result<> {
                         running.set();
                         EXPECT_EQ(inner.sleep(std::chrono::hours(1)).error().code(), Code::kCancelled);
                         return out.write(inner, "last words");
                       }));
  auto client = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(client.send(ctx, kGet).has_value());
  ASSERT_TRUE(running.wait(ctx).has_value());
  server.cancel();
  const auto response = client.receive(ctx);
  ASSERT_TRUE(response.has_value()) << response.error().message();
  EXPECT_EQ(response->body, "last words");
  EXPECT_TRUE(client.closed(ctx));
  EXPECT_TRUE(server.stop().has_value());
}

IO_FIBER_TEST(ServerStream, APipelinedRequestIsNoGoodBye) {
  RunningServer server(ctx, {}, streaming(abc));
  auto client = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(client.send(ctx, std::string(kGet) + std::string(kGet)).has_value());
  EXPECT_EQ(client.receive(ctx)->body.size(), 100'001U);
  EXPECT_EQ(client.receive(ctx)->body.size(), 100'001U);
}

}  // namespace
}  // namespace klutch::http
