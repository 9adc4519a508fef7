// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <functional>

#include "http/client.h"
#include "http/gzip.h"
#include "testing/fiber_test.h"
#include "testing/scripted_server.h"
#include "testing/test_pki.h"

// What the client makes of servers that are broken or evil. Every case asserts the same: the code of the
// error, that its message names peer and cause, that the client took in a bounded number of bytes, that its
// memory did not grow with what it was sent, and that no fiber or file descriptor stayed behind. A client
// that hangs fails by the 30 seconds of the test.

namespace klutch::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Peer;
using testing::ScriptedServer;
using Script = ScriptedServer::Script;

/// Far less than what the scripts offer, more than the buffers of two sockets.
constexpr std::size_t kMostBytesTaken = std::size_t{32} << 20;
constexpr long kMostGrowthKilobytes = 24 * 1024;
/// The deadline of cases that can end in no other way.
constexpr auto kShort = milliseconds(200);
constexpr auto kGenerous = seconds(20);

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

long peak_memory_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

constexpr bool measures_memory() {
#if defined(KLUTCH_ASAN) || defined(KLUTCH_TSAN)
  return false;  // sanitizers keep freed memory
#else
  return true;
#endif
}

/// Reads the request, then does `next`.
Script after_request(Script next) {
  return [next = std::move(next)](Ctx& ctx, Peer& peer) -> Result<> {
    TRY(peer.read_request(ctx));
    return next(ctx, peer);
  };
}

/// Reads the request, sends `bytes` and closes.
Script answers(std::string bytes) {
  return after_request([bytes = std::move(bytes)](Ctx& ctx, Peer& peer) { return peer.send(ctx, bytes); });
}

/// Sends `first`, then `rest` for ever.
Script floods(std::string first, std::string rest) {
  return after_request([=](Ctx& ctx, Peer& peer) -> Result<> {
    TRY(peer.send(ctx, first));
    return peer.send_endlessly(ctx, rest);
  });
}

/// Sends `bytes` and keeps the connection open.
Script answers_and_waits(std::string bytes) {
  return after_request([=](Ctx& ctx, Peer& peer) -> Result<> {
    TRY(peer.send(ctx, bytes));
    return peer.stay_silent(ctx);
  });
}

/// Sends `first` at once and `rest` a byte at a time.
Script drips(std::string first, std::string rest) {
  return after_request([=](Ctx& ctx, Peer& peer) -> Result<> {
    TRY(peer.send(ctx, first));
    return peer.drip(ctx, rest, milliseconds(20));
  });
}

Result<> says_nothing(Ctx& ctx, Peer& peer) {
  return peer.stay_silent(ctx);
}

/// Sends `bytes` and resets the connection.
Script answers_and_resets(std::string bytes) {
  return after_request([=](Ctx& ctx, Peer& peer) -> Result<> {
    TRY(peer.send(ctx, bytes));
    TRY(ctx.sleep(milliseconds(1)));
    peer.reset();
    return {};
  });
}

struct Case {
  std::string_view name;
  Script script;
  Code code;
  std::string_view says;
};

/// Before and after every case.
struct Books {
  explicit Books(Ctx& ctx) : fibers(ctx.loop().fiber_count()), descriptors(open_descriptors()) {}
  std::size_t fibers;
  std::size_t descriptors;
  long memory = peak_memory_kilobytes();
};

void expect_error(const Result<Response>& result, const Case& test, const ScriptedServer& server) {
  ASSERT_FALSE(result) << test.name << ": gave status " << result->status;
  EXPECT_EQ(result.error().code(), test.code) << test.name << ": " << result.error().message();
  const auto& message = result.error().message();
  EXPECT_NE(message.find(test.says), std::string::npos) << test.name << ": " << message;
  EXPECT_NE(message.find("127.0.0.1:" + std::to_string(server.port())), std::string::npos) << message;
  EXPECT_LT(message.size(), 1000U) << test.name;
}

void run(Ctx& ctx, const Case& test, ClientOptions options, const std::shared_ptr<TlsServer>& tls = nullptr) {
  const Books before(ctx);
  {
    ScriptedServer server(ctx, {test.script}, tls);
    Client client(ctx.loop(), std::move(options));
    const auto scheme = test.name.starts_with("TLS") ? "https" : "http";
    const auto url = scheme + std::string("://127.0.0.1:") + std::to_string(server.port()) + "/";
    {
      auto limited = ctx.with_timeout(test.code == Code::kTimeout ? Duration(kShort) : Duration(kGenerous));
      expect_error(client.send(limited, {.url = Url::parse(url).value()}), test, server);
    }
    EXPECT_EQ(client.statistics().active, 0U) << test.name;
    EXPECT_EQ(client.statistics().idle, 0U) << test.name << ": such a connection must not serve again";
    EXPECT_TRUE(server.settle(ctx)) << test.name << ": the server saw no end of the connection";
    for (const auto& seen : server.conversations()) EXPECT_LT(seen.sent, kMostBytesTaken) << test.name;
    EXPECT_LE(server.conversations().size(), 1U) << test.name << ": a fresh connection is tried once";
  }
  EXPECT_EQ(ctx.loop().fiber_count(), before.fibers) << test.name;
  EXPECT_EQ(open_descriptors(), before.descriptors) << test.name;
  if (measures_memory()) {
    EXPECT_LT(peak_memory_kilobytes() - before.memory, kMostGrowthKilobytes) << test.name;
  }
}

const std::string kOk = "HTTP/1.1 200 OK\r\n";
const std::string kChunked = kOk + "Transfer-Encoding: chunked\r\n\r\n";

IO_FIBER_TEST(HostileServer, GarbageIsNamedAsSuch) {
  const std::vector<Case> cases = {
      {"random text", answers("this is not HTTP at all\r\n\r\n"), Code::kInternal, "not an HTTP/1"},
      {"binary", answers(std::string("\x00\xff\xfe\x01\x02garbage\r\n\r\n", 14)), Code::kInternal,
       "not an HTTP/1"},
      {"HTTP/2 settings", answers(std::string("\0\0\0\4\0\0\0\0\0", 9)), Code::kInternal, "not an HTTP/1"},
      {"another version", answers("HTTP/2.0 200 OK\r\n\r\n"), Code::kInternal, "HTTP/1"},
      {"no status", answers("HTTP/1.1 OK\r\n\r\n"), Code::kInternal, "malformed"},
      {"a request", answers("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), Code::kInternal, "not an HTTP/1"},
      {"no colon", answers(kOk + "broken field\r\n\r\n"), Code::kInternal, "malformed"},
      {"space before colon", answers(kOk + "A : b\r\n\r\n"), Code::kInternal, "malformed"},
      {"NUL in a field", answers(kOk + "A: b" + std::string(1, '\0') + "c\r\n\r\n"), Code::kInternal,
       "malformed"},
      {"folded field", answers(kOk + "A: b\r\n c\r\n\r\n"), Code::kInternal, "folded"},
      {"bare line feeds", answers("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), Code::kInternal, "malformed"},
      {"unasked upgrade", answers("HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n"),
       Code::kInternal, "unasked"},
  };
  for (const auto& test : cases) run(ctx, test, {});
}

IO_FIBER_TEST(HostileServer, AmbiguousFramingIsRefused) {
  const std::vector<Case> cases = {
      {"two lengths", answers(kOk + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), Code::kInternal,
       "ength"},
      {"length and chunks", answers(kOk + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
       Code::kInternal, "malformed"},
      {"negative length", answers(kOk + "Content-Length: -1\r\n\r\n"), Code::kInternal, "malformed"},
      {"hexadecimal length", answers(kOk + "Content-Length: 0x10\r\n\r\n"), Code::kInternal, "malformed"},
      {"overflowing length", answers(kOk + "Content-Length: 18446744073709551617\r\n\r\n"), Code::kInternal,
       "malformed"},
      {"unknown coding", answers(kOk + "Transfer-Encoding: rot13, chunked\r\n\r\n"), Code::kInternal,
       "coding"},
      {"no chunk size", answers(kChunked + "\r\nabc"), Code::kInternal, "malformed"},
      {"negative chunk", answers(kChunked + "-5\r\nabcde\r\n"), Code::kInternal, "malformed"},
      {"overflowing chunk", answers(kChunked + "fffffffffffffffff\r\n"), Code::kInternal, "malformed"},
      {"chunk longer than it says", answers(kChunked + "3\r\nabcdef\r\n0\r\n\r\n"), Code::kInternal,
       "malformed"},
  };
  for (const auto& test : cases) run(ctx, test, {});
}

IO_FIBER_TEST(HostileServer, BreakingOffIsUnavailable) {
  const std::vector<Case> cases = {
      {"close at once", [](Ctx&, Peer&) -> Result<> { return {}; }, Code::kUnavailable, ""},
      {"close after the request", answers(""), Code::kUnavailable, "closed the connection without an answer"},
      {"half a head", answers("HTTP/1.1 200 OK\r\nConte"), Code::kUnavailable, "inside a message head"},
      {"alert of TLS on a plain port", answers(std::string("\x15\x03\x01\x00\x02\x02\x46", 7)),
       Code::kUnavailable, "inside a message head"},
      {"half a body", answers(kOk + "Content-Length: 10\r\n\r\nhalf"), Code::kUnavailable, "before the end"},
      {"half a chunk", answers(kChunked + "a\r\nhalf"), Code::kUnavailable, "before the end"},
      {"no last chunk", answers(kChunked + "4\r\nhalf\r\n"), Code::kUnavailable, "before the end"},
      {"no end of trailers", answers(kChunked + "0\r\nA: b\r\n"), Code::kUnavailable, "before the end"},
      {"interim response only", answers("HTTP/1.1 100 Continue\r\n\r\n"), Code::kUnavailable, "closed"},
      {"reset at once",
       [](Ctx&, Peer& peer) -> Result<> {
         peer.reset();
         return {};
       },
       Code::kUnavailable, ""},
      {"reset after the request", answers_and_resets(""), Code::kUnavailable, "reset"},
      {"reset in the head", answers_and_resets("HTTP/1.1 2"), Code::kUnavailable, "reset"},
      {"reset in the body", answers_and_resets(kOk + "Content-Length: 10\r\n\r\nhalf"), Code::kUnavailable,
       "reset"},
  };
  for (const auto& test : cases) run(ctx, test, {});
}

IO_FIBER_TEST(HostileServer, WhatNeverEndsIsCutOff) {
  const std::vector<Case> cases = {
      {"endless status line", floods("HTTP/1.1 200 ", "OKOKOKOKOKOKOKOK"), Code::kTooLarge, "head"},
      {"endless fields", floods(kOk, "A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
       Code::kTooLarge, "head"},
      {"endless small fields", floods(kOk, "A:\r\n"), Code::kTooLarge, "head"},
      {"one endless field", floods(kOk + "A: ", std::string(10'000, 'a')), Code::kTooLarge, "head"},
      {"endless interim responses", floods("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
       Code::kInternal, "interim responses without end"},
      {"endless body", floods(kOk + "\r\n", std::string(64 * 1024, 'x')), Code::kTooLarge, "body"},
      {"endless chunks", floods(kChunked, "10\r\n0123456789abcdef\r\n"), Code::kTooLarge, "body"},
      {"endless chunk extension", floods(kChunked + "5;", std::string(10'000, 'e')), Code::kTooLarge,
       "chunk"},
      {"endless chunk size", floods(kChunked, std::string(10'000, '0')), Code::kTooLarge, "chunk"},
      {"endless trailers", floods(kChunked + "0\r\n", "A: b\r\n"), Code::kTooLarge, "railers"},
      {"a gigabyte announced", answers_and_waits(kOk + "Content-Length: 1073741824\r\n\r\nx"),
       Code::kTooLarge, "body"},
      {"compression bomb",
       answers(kOk + "Content-Encoding: gzip\r\n\r\n" + gzip(std::string(std::size_t{64} << 20, '\0'))),
       Code::kTooLarge, "expands"},
  };
  for (const auto& test : cases) run(ctx, test, {.response_bytes = 1 << 20});
}

IO_FIBER_TEST(HostileServer, ABombInAStreamIsCutOffByItsRatio) {
  const auto bomb = kOk + "Content-Encoding: gzip\r\n\r\n" + gzip(std::string(std::size_t{256} << 20, '\0'));
  ScriptedServer server(ctx, {answers(bomb)});
  Client client(ctx.loop(), {});
  const auto before = peak_memory_kilobytes();
  auto response = client.open(ctx, {.url = Url::parse(server.url()).value()});
  ASSERT_TRUE(response);
  std::size_t taken = 0;
  for (;;) {
    const auto piece = response->body->read(ctx);
    if (!piece) {
      EXPECT_EQ(piece.error().code(), Code::kTooLarge) << piece.error().message();
      break;
    }
    ASSERT_FALSE(piece->empty());
    taken += piece->size();
  }
  EXPECT_LT(taken, std::size_t{64} << 20);
  if (measures_memory()) {
    EXPECT_LT(peak_memory_kilobytes() - before, kMostGrowthKilobytes);
  }
}

IO_FIBER_TEST(HostileServer, DamagedCompressionIsItsFault) {
  auto damaged = gzip("some text that is long enough to be damaged");
  damaged[damaged.size() / 2] ^= 0x55;
  const std::vector<Case> cases = {
      {"damaged gzip", answers(kOk + "Content-Encoding: gzip\r\n\r\n" + damaged), Code::kInternal,
       "compressed"},
      {"half of gzip", answers(kOk + "Content-Encoding: gzip\r\n\r\n" + gzip("text").substr(0, 12)),
       Code::kInternal, "ends too early"},
      {"no gzip at all", answers(kOk + "Content-Encoding: gzip\r\n\r\nplain"), Code::kInternal, "compressed"},
  };
  for (const auto& test : cases) run(ctx, test, {});
}

IO_FIBER_TEST(HostileServer, SilenceAndDripsEndWithTheDeadline) {
  const std::string slow(10'000, 'a');
  const std::vector<Case> cases = {
      {"never answers", after_request(says_nothing), Code::kTimeout, "send"},
      {"never reads", says_nothing, Code::kTimeout, ""},
      {"stops in the head", answers_and_waits("HTTP/1.1 200 OK\r\nA"), Code::kTimeout, ""},
      {"stops in the body", answers_and_waits(kOk + "Content-Length: 10\r\n\r\nhalf"), Code::kTimeout, ""},
      {"drips its head", drips(kOk + "A: ", slow), Code::kTimeout, ""},
      {"drips its body", drips(kOk + "\r\n", slow), Code::kTimeout, ""},
      {"drips chunks", drips(kChunked, "1\r\na\r\n1\r\nb\r\n1\r\nc\r\n" + slow), Code::kTimeout, ""},
      {"TLS never begins", says_nothing, Code::kTimeout, ""},
  };
  // Settings of its own: loading the system's authorities can take as long as the deadline.
  const ClientOptions options{.tls = test::TestPki().trusting_client()};
  for (const auto& test : cases) run(ctx, test, options);
}

IO_FIBER_TEST(HostileServer, TimeoutsOfTheClientsOwnNeedNoDeadline) {
  ScriptedServer silent(ctx, {after_request(says_nothing)});
  ScriptedServer stalls(ctx, {answers_and_waits(kOk + "Content-Length: 10\r\n\r\nhalf")});
  Client client(ctx.loop(),
                {.response_head_timeout = milliseconds(30), .idle_read_timeout = milliseconds(30)});
  const auto head = client.send(ctx, {.url = Url::parse(silent.url()).value()}).error();
  EXPECT_EQ(head.code(), Code::kTimeout);
  EXPECT_NE(head.message().find("no response within 30ms"), std::string::npos) << head.message();
  const auto body = client.send(ctx, {.url = Url::parse(stalls.url()).value()}).error();
  EXPECT_EQ(body.code(), Code::kTimeout);
  EXPECT_NE(body.message().find("no data within 30ms"), std::string::npos) << body.message();
}

IO_FIBER_TEST(HostileServer, AServerThatDoesNotReadABodyCostsOnlyTheDeadline) {
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) -> Result<> {
                          TRY(peer.read_until(task, "\r\n\r\n"));
                          return task.sleep(std::chrono::hours(1));
                        }});
  Client client(ctx.loop(), {});
  const auto body = std::make_shared<const std::string>(std::size_t{64} << 20, 'x');
  auto limited = ctx.with_timeout(kShort);
  const auto result =
      client.send(limited, {.method = "POST", .url = Url::parse(server.url()).value(), .body = body});
  EXPECT_EQ(result.error().code(), Code::kTimeout) << result.error().message();
}

IO_FIBER_TEST(HostileServer, CancellationEndsEveryWait) {
  ScriptedServer silent(ctx, {says_nothing});
  Client client(ctx.loop(), {});
  Code code = Code::kInternal;
  async::TaskGroup tasks(ctx);
  tasks.spawn("request", [&](Ctx& task) -> Result<> {
    code = client.send(task, {.url = Url::parse(silent.url()).value()}).error().code();
    return {};
  });
  ASSERT_TRUE(ctx.sleep(milliseconds(5)));
  tasks.stop(ctx);
  EXPECT_EQ(code, Code::kCancelled);
  EXPECT_EQ(client.statistics().active, 0U);
}

IO_FIBER_TEST(HostileServer, WrongCertificatesAndBrokenTlsAreNamed) {
  const test::TestPki pki;
  const test::TestPki stranger("stranger");
  const auto server_with = [](const KeyPair& identity) {
    return TlsServer::create({.identity = identity}).value();
  };
  const auto ok = answers(kOk + "Content-Length: 0\r\n\r\n");
  const ClientOptions options{.tls = pki.trusting_client()};
  run(ctx, {"TLS expired", ok, Code::kUnauthenticated, "expired"}, options,
      server_with(pki.expired_server()));
  run(ctx, {"TLS other name", ok, Code::kUnauthenticated, "mismatch"}, options,
      server_with(pki.server_for({"other.example"})));
  run(ctx, {"TLS other authority", ok, Code::kUnauthenticated, "issuer"}, options,
      server_with(stranger.server()));
  run(ctx, {"TLS client certificate as server", ok, Code::kUnauthenticated, "purpose"}, options,
      server_with(pki.client("me")));

  const auto speaks = [](std::string bytes) {
    return Script([=](Ctx& task, Peer& peer) -> Result<> {
      TRY(peer.send(task, bytes));
      return peer.read_to_end(task);
    });
  };
  const std::string hello_then_garbage("\x16\x03\x03\x00\x04\x02\x00\x00\xff", 9);
  const std::vector<Case> cases = {
      {"TLS to a plain port", speaks("HTTP/1.1 400 Bad Request\r\n\r\n"), Code::kUnavailable, "TLS"},
      {"TLS garbage", speaks(std::string(1000, '\xa5')), Code::kUnavailable, "TLS"},
      {"TLS broken hello", speaks(hello_then_garbage + std::string(300, 'x')), Code::kUnavailable, "TLS"},
      {"TLS refusing alert", speaks(std::string("\x15\x03\x03\x00\x02\x02\x28", 7)), Code::kUnavailable,
       "alert"},
      {"TLS closed in the handshake",
       [](Ctx& task, Peer& peer) -> Result<> {
         TRY(peer.read_until(task, std::string_view("\x01", 1)));
         return {};
       },
       Code::kUnavailable, "closed"},
      {"TLS endless handshake",
       [](Ctx& task, Peer& peer) {
         // Warning alerts may come at any time in TLS 1.2.
         return peer.send_endlessly(task, std::string("\x15\x03\x03\x00\x02\x01\x5a", 7));
       },
       Code::kUnavailable, "TLS"},
  };
  for (const auto& test : cases) run(ctx, test, options);
}

IO_FIBER_TEST(HostileServer, ATruncatedTlsStreamIsNotTheEndOfABody) {
  const test::TestPki pki;
  // Without close_notify, an attacker could have cut the connection.
  ScriptedServer server(ctx, {answers(kOk + "\r\nhalf of the truth")},
                        TlsServer::create({.identity = pki.server()}).value());
  Client client(ctx.loop(), {.tls = pki.trusting_client()});
  const auto result = client.send(ctx, {.url = Url::parse(server.url()).value()});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kUnavailable);
  EXPECT_NE(result.error().message().find("without ending TLS"), std::string::npos)
      << result.error().message();
}

}  // namespace
}  // namespace klutch::http
