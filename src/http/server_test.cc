// SPDX-License-Identifier: Apache-2.0
#include "http/server.h"

#include <unistd.h>

#include "async/event.h"

#include "http/router.h"
#include "testing/fiber_test.h"
#include "testing/raw_client.h"
#include "testing/running_server.h"

namespace klutch::http {
namespace {

using klutch::testing::RawClient;
using klutch::testing::RunningServer;
using std::chrono::seconds;

Response text(std::string body, int status = 200) {
  return Response{status, {}, Body(std::move(body)), {}};
}

Handler sample_routes() {
  Router router;
  router.get("/", [](Ctx&, ServerRequest&) -> Result<Response> { return text("hello"); })
      .get("/big", [](Ctx&, ServerRequest&) -> Result<Response> { return text(std::string(1'000'000, 'x')); })
      .get("/who",
           [](Ctx&, ServerRequest& request) -> Result<Response> {
             return text(request.peer + " " + request.id);
           })
      .get("/none", [](Ctx&, ServerRequest&) -> Result<Response> { return text("ignored", 204); })
      .get("/unchanged", [](Ctx&, ServerRequest&) -> Result<Response> { return text("ignored", 304); })
      .get("/close",
           [](Ctx&, ServerRequest&) -> Result<Response> {
             return Response{200, {{"Connection", "close"}}, Body("bye"), {}};
           })
      .post("/echo",
            [](Ctx& ctx, ServerRequest& request) -> Result<Response> {
              return text(TRY(request.read_body(ctx)));
            })
      .post("/short",
            [](Ctx& ctx, ServerRequest& request) -> Result<Response> {
              return text(TRY(request.read_body(ctx, 4)));
            })
      .post("/ignore", [](Ctx&, ServerRequest&) -> Result<Response> { return text("ignored"); })
      .get("/missing",
           [](Ctx&, ServerRequest&) -> Result<Response> { return fail(Code::kNotFound, "no such thing"); })
      .get("/throw", [](Ctx&, ServerRequest&) -> Result<Response> { throw std::runtime_error("secret"); })
      .get("/internal",
           [](Ctx&, ServerRequest&) -> Result<Response> { return fail(Code::kInternal, "secret"); })
      .get("/split",
           [](Ctx&, ServerRequest&) -> Result<Response> { return Response{200, {{"X", "a\r\nb"}}, {}, {}}; })
      .get("/sleep", [](Ctx& ctx, ServerRequest&) -> Result<Response> {
        TRY(ctx.sleep(seconds(3600)));
        return text("awake");
      });
  return std::move(router).to_handler();
}

std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(more) + "\r\n";
}

std::string post(std::string_view target, std::string_view body) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

IO_FIBER_TEST(Server, AnswersManyRequestsOnOneConnection) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  for (int i = 0; i < 3; ++i) {
    const auto response = client.exchange(ctx, get("/"));
    ASSERT_TRUE(response.has_value()) << response.error().message();
    EXPECT_EQ(response->head.status, 200);
    EXPECT_EQ(response->body, "hello");
    EXPECT_EQ(response->head.headers.get("Content-Length"), "5");
    EXPECT_TRUE(response->head.headers.contains("Date"));
    EXPECT_FALSE(response->head.headers.contains("Connection"));
  }
  EXPECT_EQ(client.exchange(ctx, get("/big"))->body.size(), 1'000'000U);
}

IO_FIBER_TEST(Server, AnswersPipelinedRequestsInOrder) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(
      client.send(ctx, get("/") + post("/echo", "1") + get("/missing") + post("/echo", "2")).has_value());
  EXPECT_EQ(client.receive(ctx)->body, "hello");
  EXPECT_EQ(client.receive(ctx)->body, "1");
  EXPECT_EQ(client.receive(ctx)->head.status, 404);
  EXPECT_EQ(client.receive(ctx)->body, "2");
}

IO_FIBER_TEST(Server, SendsNoBodyWhereThereIsNone) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  const auto head = client.exchange(ctx, "HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n", /*to_head=*/true);
  EXPECT_EQ(head->head.headers.get("Content-Length"), "1000000");
  const auto none = client.exchange(ctx, get("/none"));
  EXPECT_EQ(none->head.status, 204);
  EXPECT_FALSE(none->head.headers.contains("Content-Length"));
  EXPECT_EQ(client.exchange(ctx, get("/unchanged"))->head.status, 304);
  EXPECT_EQ(client.exchange(ctx, get("/"))->body, "hello") << "the connection is still in step";
}

IO_FIBER_TEST(Server, ClosesWhenEitherSideAsksForIt) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(client.exchange(ctx, get("/", "Connection: close\r\n"))->head.headers.get("Connection"), "close");
  EXPECT_TRUE(client.closed(ctx));
  auto other = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(other.exchange(ctx, get("/close"))->head.headers.get("Connection"), "close");
  EXPECT_TRUE(other.closed(ctx));
}

IO_FIBER_TEST(Server, ServesHttp10Clients) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  const auto kept = client.exchange(ctx, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(kept->head.headers.get("Connection"), "keep-alive");
  EXPECT_EQ(client.exchange(ctx, "GET / HTTP/1.0\r\n\r\n")->body, "hello");
  EXPECT_TRUE(client.closed(ctx));
}

IO_FIBER_TEST(Server, AsksForTheBodyOnlyWhenTheHandlerReadsIt) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  const std::string head = " HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  EXPECT_EQ(client.exchange(ctx, "POST /echo" + head)->head.status, 100);
  EXPECT_EQ(client.exchange(ctx, "ok")->body, "ok");
  const auto refused = client.exchange(ctx, "POST /ignore" + head);
  EXPECT_EQ(refused->head.status, 200);
  EXPECT_EQ(refused->head.headers.get("Connection"), "close") << "nobody knows whether the body will come";
}

IO_FIBER_TEST(Server, ThrowsAwayALittleThatNobodyRead) {
  ServerOptions options;
  options.limits.discarded_bytes = 100;
  RunningServer server(ctx, options, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(client.exchange(ctx, post("/ignore", std::string(100, 'x')))->body, "ignored");
  const auto last = client.exchange(ctx, post("/ignore", std::string(101, 'x')));
  EXPECT_EQ(last->body, "ignored");
  EXPECT_EQ(last->head.headers.get("Connection"), "close");
  EXPECT_TRUE(client.closed(ctx));
}

IO_FIBER_TEST(Server, BoundsBodies) {
  ServerOptions options;
  options.limits.body_bytes = 10;
  RunningServer server(ctx, options, sample_routes());
  struct Case {
    const char* reason;
    std::string request;
    int status;
  };
  const Case cases[] = {
      {"at the server's limit", post("/echo", "0123456789"), 200},
      {"announced beyond it", post("/echo", "0123456789a"), 413},
      {"chunks beyond it",
       "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
       "chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n",
       413},
      {"beyond the handler's limit", post("/short", "12345"), 413},
      {"chunks",
       "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: "
       "x\r\n\r\n",
       200},
  };
  for (const auto& test : cases) {
    auto client = RawClient::connect(ctx, server.address()).value();
    const auto response = client.exchange(ctx, test.request);
    ASSERT_TRUE(response.has_value()) << test.reason << ": " << response.error().message();
    EXPECT_EQ(response->head.status, test.status) << test.reason;
  }
}

IO_FIBER_TEST(Server, HidesInternalErrors) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  for (const char* target : {"/throw", "/internal", "/split"}) {
    const auto response = client.exchange(ctx, get(target));
    EXPECT_EQ(response->head.status, 500) << target;
    EXPECT_EQ(response->body.find("secret"), std::string::npos) << target;
  }
  EXPECT_EQ(client.exchange(ctx, get("/missing"))->body, "no such thing\n");
}

IO_FIBER_TEST(Server, ErrorsAreRenderedAsTheOwnerWishes) {
  ServerOptions options;
  options.render_error = render_error_as_json;
  RunningServer server(ctx, options, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(client.exchange(ctx, get("/missing"))->body,
            R"({"code":404,"reason":"NotFound","message":"no such thing"})");
}

IO_FIBER_TEST(Server, TakesSaneRequestIds) {
  RunningServer server(ctx, {}, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(client.exchange(ctx, get("/who", "X-Request-Id: abc-1\r\n"))->body, "127.0.0.1 abc-1");
  const auto replaced = client.exchange(ctx, get("/who", "X-Request-Id: \"evil\" id\r\n"))->body;
  EXPECT_EQ(replaced.find("evil"), std::string::npos);
  EXPECT_GT(replaced.size(), std::string("127.0.0.1 ").size());
}

IO_FIBER_TEST(Server, EndsHandlersAtTheirDeadline) {
  ServerOptions options;
  options.timeouts.handler = std::chrono::milliseconds(1);
  RunningServer server(ctx, options, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(client.exchange(ctx, get("/sleep"))->head.status, 504);
  EXPECT_EQ(client.exchange(ctx, get("/"))->head.status, 200);
}

IO_FIBER_TEST(Server, LimitsRequestsPerConnection) {
  ServerOptions options;
  options.limits.requests_per_connection = 2;
  RunningServer server(ctx, options, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  EXPECT_FALSE(client.exchange(ctx, get("/"))->head.headers.contains("Connection"));
  EXPECT_EQ(client.exchange(ctx, get("/"))->head.headers.get("Connection"), "close");
  EXPECT_TRUE(client.closed(ctx));
}

IO_FIBER_TEST(Server, ANewConnectionTakesThePlaceOfTheOneIdleLongest) {
  ServerOptions options;
  options.limits.connections = 2;
  RunningServer server(ctx, options, sample_routes());
  auto first = RawClient::connect(ctx, server.address()).value();
  auto second = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(second.exchange(ctx, get("/")).has_value());
  ASSERT_TRUE(first.exchange(ctx, get("/")).has_value());
  auto third = RawClient::connect(ctx, server.address()).value();
  EXPECT_EQ(third.exchange(ctx, get("/"))->head.status, 200);
  EXPECT_TRUE(second.closed(ctx));
  EXPECT_EQ(first.exchange(ctx, get("/"))->head.status, 200);
  EXPECT_EQ(server->open_connections(), 2U);
}

IO_FIBER_TEST(Server, ANewConnectionWaitsWhileAllAreBusy) {
  ServerOptions options;
  options.limits.connections = 1;
  async::Event go;
  RunningServer server(ctx, options, [&](Ctx& inner, ServerRequest&) -> Result<Response> {
    TRY(go.wait(inner));
    return text("done");
  });
  auto busy = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(busy.send(ctx, get("/", "Connection: close\r\n")).has_value());
  auto waiting = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(waiting.send(ctx, get("/")).has_value());
  for (int i = 0; i < 20; ++i) ctx.yield();
  go.set();
  EXPECT_EQ(busy.receive(ctx)->body, "done");
  EXPECT_EQ(waiting.receive(ctx)->body, "done");
}

IO_FIBER_TEST(Server, DrainLetsRunningRequestsEnd) {
  async::Event running;
  async::Event go;
  RunningServer server(ctx, {}, [&](Ctx& inner, ServerRequest&) -> Result<Response> {
    running.set();
    TRY(go.wait(inner));
    return text("done");
  });
  auto idle = RawClient::connect(ctx, server.address()).value();
  auto busy = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(busy.send(ctx, get("/")).has_value());
  ASSERT_TRUE(running.wait(ctx).has_value());
  go.set();
  ASSERT_TRUE(idle.exchange(ctx, get("/")).has_value());
  ASSERT_TRUE(busy.receive(ctx).has_value());
  go.clear(), running.clear();
  ASSERT_TRUE(busy.send(ctx, get("/")).has_value());
  ASSERT_TRUE(running.wait(ctx).has_value());
  server.cancel();
  EXPECT_TRUE(idle.closed(ctx)) << "idle connections close at once";
  go.set();
  const auto last = busy.receive(ctx);
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->body, "done");
  EXPECT_EQ(last->head.headers.get("Connection"), "close");
  EXPECT_TRUE(server.stop().has_value());
  EXPECT_FALSE(RawClient::connect(ctx, server.address()).has_value());
}

IO_FIBER_TEST(Server, DrainCancelsWhatDoesNotEnd) {
  ServerOptions options;
  options.timeouts.drain = std::chrono::milliseconds(1);
  RunningServer server(ctx, options, sample_routes());
  auto client = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(client.send(ctx, get("/sleep")).has_value());
  while (server->open_connections() == 0) ctx.yield();
  EXPECT_TRUE(server.stop().has_value());
  EXPECT_TRUE(client.closed(ctx));
}

IO_FIBER_TEST(Server, ListensOnSeveralAddresses) {
  ServerOptions options;
  const std::string path = "/tmp/klutch-server-test-" + std::to_string(::getpid()) + ".sock";
  options.addresses = {{"127.0.0.1", 0, {}}, {"", 0, path}};
  RunningServer server(ctx, options, sample_routes());
  ASSERT_EQ(server->addresses().size(), 2U);
  for (const auto& address : server->addresses()) {
    auto client = RawClient::connect(ctx, address).value();
    EXPECT_EQ(client.exchange(ctx, get("/"))->body, "hello") << address.to_string();
  }
}

}  // namespace
}  // namespace klutch::http
