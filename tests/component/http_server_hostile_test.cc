// SPDX-License-Identifier: Apache-2.0
// A peer that sends what is no HTTP, or HTTP that two parties would read differently: every such message gets
// one precise status, never reaches a handler, and ends its connection.
#include "http/server.h"
#include "testing/fiber_test.h"
#include "testing/raw_client.h"
#include "testing/running_server.h"

namespace klutch::http {
namespace {

using klutch::testing::RawClient;
using klutch::testing::RunningServer;

/// Counts what reaches it, reads the body and answers with its size.
class Target {
 public:
  explicit Target(Ctx& ctx, ServerOptions options = {})
      : server_(ctx, std::move(options), [this](Ctx& inner, ServerRequest& request) -> Result<Response> {
          ++requests_;
          const auto body = TRY(request.read_body(inner));
          ++completed_;
          return Response{200, {}, Body(request.target + " " + std::to_string(body.size())), {}};
        }) {}

  [[nodiscard]] Address address() const { return server_.address(); }
  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] int completed() const { return completed_; }
  RunningServer& server() { return server_; }

 private:
  int requests_ = 0;
  int completed_ = 0;
  RunningServer server_;
};

std::string with_head(std::string_view fields, std::string_view body = "") {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

struct Hostile {
  const char* reason;
  std::string bytes;
  int status;
};

void expect_refused(Ctx& ctx, Target& target, const Hostile& test) {
  const int before = target.completed();
  auto client = RawClient::connect(ctx, target.address()).value();
  const auto response = client.exchange(ctx, test.bytes);
  ASSERT_TRUE(response.has_value()) << test.reason << ": " << response.error().message();
  EXPECT_EQ(response->head.status, test.status) << test.reason << ": " << response->body;
  EXPECT_EQ(response->head.headers.get("Connection"), "close") << test.reason;
  EXPECT_LT(response->body.size(), 300U) << test.reason;
  EXPECT_TRUE(client.closed(ctx)) << test.reason;
  EXPECT_EQ(target.completed(), before) << test.reason;
}

IO_FIBER_TEST(HostileRequest, GarbageIsRefusedPrecisely) {
  Target target(ctx);
  const std::vector<Hostile> cases = {
      {"words", "hello there\r\n\r\n", 400},
      {"binary", std::string("\x16\x03\x01\x00\x05\r\n\r\n", 9), 400},
      {"no target", "GET\r\n\r\n", 400},
      {"no version", "GET /\r\n\r\n", 400},
      {"version of another protocol", "GET / SIP/2.0\r\n\r\n", 505},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: h\r\n\r\n", 505},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"method with separator", "G(T / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"tab for space", "GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"a foreign expectation", with_head("Expect: the-best\r\nContent-Length: 1\r\n", "x"), 417},
  };
  for (const auto& test : cases) expect_refused(ctx, target, test);
  EXPECT_EQ(target.requests(), 0);
}

IO_FIBER_TEST(HostileRequest, HeadersThatCouldSmuggleAreRefused) {
  Target target(ctx);
  const std::vector<Hostile> cases = {
      {"length and chunked", with_head("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
       400},
      {"chunked and length", with_head("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
       400},
      {"two lengths", with_head("Content-Length: 1\r\nContent-Length: 2\r\n", "xx"), 400},
      {"the same length twice", with_head("Content-Length: 1\r\nContent-Length: 1\r\n", "x"), 400},
      {"a list of lengths", with_head("Content-Length: 1, 1\r\n", "x"), 400},
      {"negative length", with_head("Content-Length: -1\r\n", "x"), 400},
      {"signed length", with_head("Content-Length: +1\r\n", "x"), 400},
      {"hexadecimal length", with_head("Content-Length: 0x1\r\n", "x"), 400},
      {"overflowing length", with_head("Content-Length: 99999999999999999999999\r\n", "x"), 400},
      {"unknown coding", with_head("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 501},
      {"coding before chunked", with_head("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked twice", with_head("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 501},
      {"chunked in two headers",
       with_head("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"chunked not last", with_head("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), 501},
      {"space before colon", with_head("Content-Length : 1\r\n", "x"), 400},
      {"folded header", with_head("X: a\r\n b\r\n"), 400},
      {"folded first header", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
      {"header without colon", with_head("nonsense\r\n"), 400},
      {"header without name", with_head(": x\r\n"), 400},
      {"NUL in a value", with_head(std::string("X: a\0b\r\n", 8)), 400},
      {"NUL in a name", with_head(std::string("X\0: b\r\n", 7)), 400},
      {"bare CR in a value", with_head("X: a\rb\r\n"), 400},
      {"bare LF ends the request line", "GET / HTTP/1.1\nHost: h\n\n", 505},
      {"bare LF ends a field", with_head("X: a\nY: b\n"), 400},
      {"bare LF inside", with_head("X: a\nContent-Length: 5\r\n"), 400},
      {"chunked for HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
  };
  for (const auto& test : cases) expect_refused(ctx, target, test);
  EXPECT_EQ(target.requests(), 0);
}

IO_FIBER_TEST(HostileRequest, BrokenChunksNeverLookComplete) {
  Target target(ctx);
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<Hostile> cases = {
      {"size that is no number", with_head(chunked, "zz\r\n"), 400},
      {"negative size", with_head(chunked, "-1\r\nx\r\n"), 400},
      {"size beyond 64 bits", with_head(chunked, "10000000000000000\r\nx\r\n"), 400},
      {"data longer than its size", with_head(chunked, "1\r\nxy\r\n0\r\n\r\n"), 400},
      {"size ended by LF", with_head(chunked, "1\nx\r\n0\r\n\r\n"), 400},
      {"endless extension", with_head(chunked, "1;" + std::string(100'000, 'e')), 413},
      {"endless trailers", with_head(chunked, "0\r\nT: " + std::string(100'000, 't')), 413},
  };
  for (const auto& test : cases) {
    // What is no framing may be noticed while the answer to what came before is already being made.
    const int before = target.completed();
    auto client = RawClient::connect(ctx, target.address()).value();
    static_cast<void>(client.send(ctx, test.bytes));
    const auto response = client.receive(ctx);
    ASSERT_TRUE(response.has_value()) << test.reason << ": " << response.error().message();
    EXPECT_EQ(response->head.status, test.status) << test.reason << ": " << response->body;
    EXPECT_EQ(target.completed(), before) << test.reason;
    EXPECT_TRUE(client.closed(ctx)) << test.reason;
  }
}

IO_FIBER_TEST(HostileRequest, HalfRequestsEndWithTheirConnection) {
  Target target(ctx);
  for (const std::string& half :
       {std::string("GET"), std::string("GET / HTTP/1.1\r\nHost:"),
        with_head("Content-Length: 10\r\n", "12345"), with_head("Transfer-Encoding: chunked\r\n", "5\r\n123"),
        with_head("Transfer-Encoding: chunked\r\n", "5\r\n12345\r\n")}) {
    auto client = RawClient::connect(ctx, target.address()).value();
    ASSERT_TRUE(client.send(ctx, half).has_value());
    client.transport().shut_down(ctx);
    EXPECT_TRUE(client.closed(ctx)) << half << ": nothing is answered to half a request";
  }
  EXPECT_EQ(target.completed(), 0);
}

IO_FIBER_TEST(HostileRequest, AHeadIsReadNoFurtherThanItsLimit) {
  Target target(ctx);
  const std::string one_field = "X-Filler: " + std::string(1000, 'x') + "\r\n";
  struct Case {
    const char* reason;
    std::string start;
    std::string more;
    int status;
  };
  const Case cases[] = {
      {"endless headers", "GET / HTTP/1.1\r\nHost: h\r\n", one_field, 431},
      {"one endless header", "GET / HTTP/1.1\r\nHost: h\r\nX: ", std::string(1000, 'x'), 431},
      {"many tiny headers", "GET / HTTP/1.1\r\nHost: h\r\n", "a:\r\n", 431},
      {"endless target", "GET /", std::string(1000, 'x'), 414},
      {"endless method", "", std::string(1000, 'G'), 414},
  };
  for (const auto& test : cases) {
    auto client = RawClient::connect(ctx, target.address()).value();
    ASSERT_TRUE(client.send(ctx, test.start).has_value());
    std::uint64_t taken = 0;
    std::string block;
    while (block.size() < 64 * 1024) block += test.more;
    while (taken < (1ULL << 30U) && client.send(ctx, block)) taken += block.size();
    // What the kernels of both sides hold, and what is read to let the answer arrive; not a gigabyte.
    EXPECT_LT(taken, 32U << 20U) << test.reason;
  }
  for (const auto& test : cases) {
    auto client = RawClient::connect(ctx, target.address()).value();
    std::string head = test.start;
    while (head.size() < 80 * 1024) head += test.more;
    const auto response = client.exchange(ctx, head);
    ASSERT_TRUE(response.has_value()) << test.reason << ": " << response.error().message();
    EXPECT_EQ(response->head.status, test.status) << test.reason;
  }
  EXPECT_EQ(target.requests(), 0);
}

IO_FIBER_TEST(HostileRequest, ATargetWithinTheHeadHasItsOwnLimit) {
  Target target(ctx);
  auto client = RawClient::connect(ctx, target.address()).value();
  EXPECT_EQ(
      client.exchange(ctx, "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n")->head.status,
      414);
}

IO_FIBER_TEST(HostileRequest, ABodyIsReadNoFurtherThanItsLimit) {
  Target target(ctx);
  auto client = RawClient::connect(ctx, target.address()).value();
  ASSERT_TRUE(client.send(ctx, with_head("Transfer-Encoding: chunked\r\n")).has_value());
  const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  std::uint64_t taken = 0;
  while (taken < (1ULL << 30U) && client.send(ctx, chunk)) taken += chunk.size();
  EXPECT_LT(taken, 32U << 20U);
  EXPECT_EQ(target.completed(), 0);
}

IO_FIBER_TEST(HostileRequest, SmuggledBytesAreARequestOfTheirOwnOrNothing) {
  Target target(ctx);
  auto client = RawClient::connect(ctx, target.address()).value();
  ASSERT_TRUE(
      client
          .send(ctx,
                "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodyPOST /b HTTP/1.1\r\nHost: h\r\n"
                "Transfer-Encoding: chunked\r\n\r\n3;ext=\"\r\n\"\r\nabc\r\n0\r\n\r\n")
          .has_value());
  EXPECT_EQ(client.receive(ctx)->body, "/a 4");
  EXPECT_EQ(client.receive(ctx)->head.status, 400) << "a line break inside a quoted chunk extension";
  EXPECT_TRUE(client.closed(ctx));
}

IO_FIBER_TEST(HostileRequest, AThousandPipelinedRequestsAreAnsweredInOrder) {
  Target target(ctx);
  auto client = RawClient::connect(ctx, target.address()).value();
  std::string all;
  for (int i = 0; i < 1000; ++i) all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  async::TaskGroup tasks(ctx);
  tasks.spawn("sender", [&](Ctx& task) { return client.send(task, all); });
  for (int i = 0; i < 1000; ++i) {
    const auto response = client.receive(ctx);
    ASSERT_TRUE(response.has_value()) << i;
    ASSERT_EQ(response->body, "/" + std::to_string(i) + " 0");
  }
  EXPECT_TRUE(tasks.wait(ctx).has_value());
}

}  // namespace
}  // namespace klutch::http
