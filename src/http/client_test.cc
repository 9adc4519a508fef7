// SPDX-License-Identifier: Apache-2.0
#include "http/client.h"

#include <gtest/gtest.h>

#include "async/event.h"
#include "http/gzip.h"
#include "testing/fiber_test.h"
#include "testing/scripted_server.h"

namespace klutch::http {
namespace {

using std::chrono::milliseconds;
using testing::Peer;
using testing::ScriptedServer;
using Script = ScriptedServer::Script;

ClientRequest get(const ScriptedServer& server, std::string_view path = "/") {
  return {.url = Url::parse(server.url(path)).value()};
}

ClientRequest post(const ScriptedServer& server, std::string body) {
  return {.method = "POST", .url = Url::parse(server.url()).value(), .body = std::move(body)};
}

/// Answers every request of the connection with `response`.
Script always(std::string response) {
  return [response](Ctx& ctx, Peer& peer) -> Result<> {
    for (;;) {
      TRY(peer.read_request(ctx));
      TRY(peer.send(ctx, response));
    }
  };
}

/// Answers requests with one response after the other, then closes.
Script in_turn(std::vector<std::string> responses) {
  return [responses](Ctx& ctx, Peer& peer) -> Result<> {
    for (const auto& response : responses) {
      TRY(peer.read_request(ctx));
      TRY(peer.send(ctx, response));
    }
    return {};
  };
}

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\n\r\nhello";

IO_FIBER_TEST(Client, SendsARequestAndCollectsTheResponse) {
  ScriptedServer server(ctx, {always(kHello)});
  Client client(ctx.loop(), {});
  auto request = get(server, "/a%20b?c=d");
  request.headers.add("X-Mine", "yes");
  const auto response = client.send(ctx, std::move(request));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body.view(), "hello");
  EXPECT_EQ(response->headers.joined("x-a"), "1, 2");
  EXPECT_EQ(server.conversations()[0].received,
            "GET /a%20b?c=d HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                "\r\nUser-Agent: klutch\r\nX-Mine: yes\r\n"
                "Accept-Encoding: gzip\r\n\r\n");
}

IO_FIBER_TEST(Client, SendsABodyWithItsLength) {
  ScriptedServer server(ctx, {always(kHello)});
  Client client(ctx.loop(), {.user_agent = ""});
  ASSERT_TRUE(client.send(ctx, post(server, "a=b")));
  EXPECT_TRUE(server.conversations()[0].received.ends_with("Content-Length: 3\r\n\r\na=b"));
  ASSERT_TRUE(client.send(ctx, post(server, "")));
  EXPECT_TRUE(server.conversations()[0].received.ends_with("Content-Length: 0\r\n\r\n"));
  EXPECT_EQ(server.conversations()[0].received.find("User-Agent"), std::string::npos);

  const std::string large(3'000'000, 'x');
  ASSERT_TRUE(client.send(ctx, post(server, large)));
  EXPECT_TRUE(server.conversations()[0].received.ends_with(large));
}

IO_FIBER_TEST(Client, StreamsABodyInChunks) {
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) -> Result<> {
                          TRY(peer.read_until(task, "\r\n0\r\n\r\n"));
                          return peer.send(task, kHello);
                        }});
  Client client(ctx.loop(), {});
  auto request = post(server, "ignored");
  request.stream = [](Ctx& task, BodyWriter& out) -> Result<> {
    TRY(out.write(task, "first"));
    TRY(out.write(task, ""));
    return out.write(task, std::string(17, '.'));
  };
  ASSERT_TRUE(client.send(ctx, std::move(request)));
  EXPECT_TRUE(server.conversations()[0].received.ends_with(
      "Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n11\r\n.................\r\n0\r\n\r\n"));
}

IO_FIBER_TEST(Client, AProducerThatFailsIsTheError) {
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) { return peer.stay_silent(task); }});
  Client client(ctx.loop(), {});
  auto request = post(server, "");
  request.stream = [](Ctx& task, BodyWriter& out) -> Result<> {
    TRY(out.write(task, "half"));
    return fail(Code::kNotFound, "the other half is missing");
  };
  EXPECT_EQ(client.send(ctx, std::move(request)).error().code(), Code::kNotFound);
  ASSERT_TRUE(server.settle(ctx)) << "the connection was closed";
}

IO_FIBER_TEST(Client, KeepsConnectionsAndReusesThem) {
  ScriptedServer server(ctx, {always(kHello)});
  Client client(ctx.loop(), {});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send(ctx, get(server)));
  EXPECT_EQ(server.conversations().size(), 1U);
  const auto counts = client.statistics();
  EXPECT_EQ(counts.opened, 1U);
  EXPECT_EQ(counts.reused, 4U);
  EXPECT_EQ(counts.active, 0U);
  EXPECT_EQ(counts.idle, 1U);
  client.close_idle();
  EXPECT_EQ(client.statistics().idle, 0U);
  ASSERT_TRUE(server.settle(ctx));
}

IO_FIBER_TEST(Client, DoesNotReuseWhatMustNotBeReused) {
  struct Case {
    std::string response;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "the server says close"},
      {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       "a second response unasked"},
  };
  for (const auto& [response, reason] : cases) {
    ScriptedServer server(ctx, {always(response)});
    Client client(ctx.loop(), {});
    ASSERT_TRUE(client.send(ctx, get(server))) << reason;
    ASSERT_TRUE(client.send(ctx, get(server))) << reason;
    EXPECT_EQ(server.conversations().size(), 2U) << reason;
  }
}

IO_FIBER_TEST(Client, OldConnectionsAreReplaced) {
  ScriptedServer server(ctx, {always(kHello)});
  Client impatient(ctx.loop(), {.idle_timeout = Duration::zero()});
  ASSERT_TRUE(impatient.send(ctx, get(server)));
  ASSERT_TRUE(impatient.send(ctx, get(server)));
  EXPECT_EQ(impatient.statistics().opened, 2U);
  Client aging(ctx.loop(), {.max_age = Duration::zero()});
  ASSERT_TRUE(aging.send(ctx, get(server)));
  ASSERT_TRUE(aging.send(ctx, get(server)));
  EXPECT_EQ(aging.statistics().opened, 2U);
}

IO_FIBER_TEST(Client, RepeatsAnIdempotentRequestOnceWhenAKeptConnectionEnded) {
  // The first connection ends on the second request: only then can the client know.
  const Script ends_on_second = [](Ctx& task, Peer& peer) -> Result<> {
    TRY(peer.read_request(task));
    TRY(peer.send(task, kHello));
    TRY(peer.read_request(task));
    return {};
  };
  for (const std::string_view method : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PATCH"}) {
    ScriptedServer server(ctx, {ends_on_second, always("HTTP/1.1 204 No Content\r\n\r\n")});
    Client client(ctx.loop(), {});
    ASSERT_TRUE(client.send(ctx, get(server)));
    auto request = get(server);
    request.method = method;
    const auto response = client.send(ctx, std::move(request));
    if (method == "POST" || method == "PATCH") {
      ASSERT_FALSE(response) << method;
      EXPECT_EQ(response.error().code(), Code::kUnavailable);
      EXPECT_EQ(server.conversations().size(), 1U);
    } else {
      ASSERT_TRUE(response) << method << response.error().message();
      EXPECT_EQ(response->status, 204);
      EXPECT_EQ(client.statistics().retried, 1U);
    }
  }
}

IO_FIBER_TEST(Client, DoesNotRepeatOnceAByteCameNorOnAFreshConnection) {
  const Script half_of_second = [](Ctx& task, Peer& peer) -> Result<> {
    TRY(peer.read_request(task));
    TRY(peer.send(task, kHello));
    TRY(peer.read_request(task));
    return peer.send(task, "H");
  };
  ScriptedServer server(ctx, {half_of_second, always(kHello)});
  Client client(ctx.loop(), {});
  ASSERT_TRUE(client.send(ctx, get(server)));
  EXPECT_EQ(client.send(ctx, get(server)).error().code(), Code::kUnavailable);
  EXPECT_EQ(server.conversations().size(), 1U);

  ScriptedServer rude(ctx, {[](Ctx& task, Peer& peer) -> Result<> {
                        TRY(peer.read_request(task));
                        return {};
                      }});
  EXPECT_EQ(client.send(ctx, get(rude)).error().code(), Code::kUnavailable);
  EXPECT_EQ(rude.conversations().size(), 1U);
}

IO_FIBER_TEST(Client, AKeptConnectionThatTheServerClosedIsNotTried) {
  ScriptedServer server(ctx, {in_turn({kHello}), always(kHello)});
  Client client(ctx.loop(), {});
  ASSERT_TRUE(client.send(ctx, get(server)));
  ASSERT_TRUE(server.settle(ctx));
  ASSERT_TRUE(client.send(ctx, post(server, "precious"))) << "even what must not be repeated gets through";
  EXPECT_EQ(client.statistics().retried, 0U);
}

IO_FIBER_TEST(Client, WaitsItsTurnAtTheCapOfAHost) {
  std::size_t now = 0;
  std::size_t most = 0;
  const Script slow = [&](Ctx& task, Peer& peer) -> Result<> {
    for (;;) {
      TRY(peer.read_request(task));
      most = std::max(most, ++now);
      TRY(task.sleep(milliseconds(2)));
      --now;
      TRY(peer.send(task, kHello));
    }
  };
  ScriptedServer server(ctx, {slow});
  Client client(ctx.loop(), {.connections_per_host = 3});
  std::size_t done = 0;
  const auto all = async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    for (int i = 0; i < 20; ++i) {
      tasks.spawn("request", [&](Ctx& task) -> Result<> {
        TRY(client.send(task, get(server)));
        ++done;
        return {};
      });
    }
    return {};
  });
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ(done, 20U);
  EXPECT_EQ(most, 3U);
  EXPECT_EQ(server.conversations().size(), 3U);
}

IO_FIBER_TEST(Client, TheTotalCapCountsIdleConnectionsOfOtherHosts) {
  ScriptedServer one(ctx, {always(kHello)});
  ScriptedServer two(ctx, {always(kHello)});
  ScriptedServer three(ctx, {always(kHello)});
  Client client(ctx.loop(), {.connections = 2});
  ASSERT_TRUE(client.send(ctx, get(one)));
  ASSERT_TRUE(client.send(ctx, get(two)));
  EXPECT_EQ(client.statistics().idle, 2U);
  ASSERT_TRUE(client.send(ctx, get(three)));
  EXPECT_EQ(client.statistics().idle, 2U) << "the longest idle one made room";
  ASSERT_TRUE(one.settle(ctx)) << "and that was the first";
}

IO_FIBER_TEST(Client, AWaitForAConnectionObeysTheDeadline) {
  ScriptedServer server(ctx, {always("HTTP/1.1 200 OK\r\n\r\nendless")});
  Client client(ctx.loop(), {.connections_per_host = 1});
  const auto held = client.open(ctx, get(server));
  ASSERT_TRUE(held);
  auto limited = ctx.with_timeout(milliseconds(20));
  EXPECT_EQ(client.send(limited, get(server)).error().code(), Code::kTimeout);
}

IO_FIBER_TEST(Client, OpenGivesTheBodyPieceByPiece) {
  async::Event more;
  ScriptedServer server(ctx, {[&](Ctx& task, Peer& peer) -> Result<> {
                          TRY(peer.read_request(task));
                          TRY(peer.send(task, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
                          TRY(peer.send(task, "3\r\none\r\n"));
                          TRY(more.wait(task));
                          TRY(peer.send(task, "3\r\ntwo\r\n0\r\n\r\n"));
                          return peer.stay_silent(task);
                        }});
  Client client(ctx.loop(), {});
  auto response = client.open(ctx, get(server));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body->read(ctx).value(), "one");
  more.set();
  EXPECT_EQ(response->body->read(ctx).value(), "two");
  EXPECT_EQ(client.statistics().active, 1U);
  EXPECT_EQ(response->body->read(ctx).value(), "");
  EXPECT_EQ(client.statistics().idle, 1U) << "back in the pool at the end";
  EXPECT_EQ(response->body->read(ctx).value(), "") << "the end stays the end";
}

IO_FIBER_TEST(Client, ABodyDroppedEarlyClosesItsConnection) {
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) -> Result<> {
                          TRY(peer.read_request(task));
                          TRY(peer.send(task, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf."));
                          return peer.stay_silent(task);
                        }});
  Client client(ctx.loop(), {});
  {
    ASSERT_TRUE(client.open(ctx, get(server)));
  }
  EXPECT_EQ(client.statistics().active, 0U);
  EXPECT_EQ(client.statistics().idle, 0U);
  ASSERT_TRUE(server.settle(ctx));
}

IO_FIBER_TEST(Client, ABodyMayOutliveItsClient) {
  ScriptedServer server(ctx, {always(kHello)});
  std::optional<Client> client(std::in_place, ctx.loop(), ClientOptions{});
  auto response = client->open(ctx, get(server));
  ASSERT_TRUE(response);
  client.reset();
  EXPECT_EQ(read_all(ctx, *response->body, 100).value(), "hello");
  ASSERT_TRUE(server.settle(ctx)) << "nobody keeps the connection";
}

IO_FIBER_TEST(Client, ResponsesWithoutABodyEndWithTheirHead) {
  struct Case {
    std::string_view method;
    std::string response;
  };
  const std::vector<Case> cases = {
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Encoding: gzip\r\n\r\n"},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
      {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n"},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"GET",
       "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"},
  };
  for (const auto& [method, text] : cases) {
    ScriptedServer server(ctx, {always(text)});
    Client client(ctx.loop(), {});
    for (int i = 0; i < 2; ++i) {
      auto request = get(server);
      request.method = method;
      const auto response = client.send(ctx, std::move(request));
      ASSERT_TRUE(response) << text << response.error().message();
      EXPECT_TRUE(response->body.empty()) << text;
    }
    EXPECT_EQ(server.conversations().size(), 1U) << text;
  }
}

IO_FIBER_TEST(Client, ABodyMayEndWithTheConnection) {
  ScriptedServer server(ctx, {in_turn({"HTTP/1.1 200 OK\r\n\r\nuntil the end"})});
  Client client(ctx.loop(), {});
  EXPECT_EQ(client.send(ctx, get(server))->body.view(), "until the end");
}

IO_FIBER_TEST(Client, UndoesCompressionItAskedFor) {
  const std::string text(5000, 'z');
  const auto wire = gzip(text);
  const std::string response =
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + std::to_string(wire.size()) +
      "\r\n\r\n" + wire;
  ScriptedServer server(ctx, {always(response)});
  Client client(ctx.loop(), {});
  const auto plain = client.send(ctx, get(server));
  EXPECT_EQ(plain->body.view(), text);
  EXPECT_FALSE(plain->headers.contains("Content-Encoding"));
  EXPECT_FALSE(plain->headers.contains("Content-Length"));

  auto own = get(server);
  own.headers.add("Accept-Encoding", "gzip, br");
  EXPECT_EQ(client.send(ctx, std::move(own))->body.view(), wire) << "the caller does it himself";
  EXPECT_EQ(server.conversations().size(), 1U) << "decoding to the end frees the connection";
}

IO_FIBER_TEST(Client, WaitsForContinueBeforeTheBody) {
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) -> Result<> {
                          TRY(peer.read_until(task, "\r\n\r\n"));
                          TRY(task.sleep(milliseconds(5)));
                          EXPECT_TRUE(peer.transport().is_quiet()) << "the body waits";
                          TRY(peer.send(task, "HTTP/1.1 100 Continue\r\n\r\n"));
                          TRY(peer.read_until(task, "body"));
                          TRY(peer.send(task, kHello));
                          return peer.stay_silent(task);
                        }});
  Client client(ctx.loop(), {.continue_timeout = std::chrono::seconds(20)});
  auto request = post(server, "body");
  request.expect_continue = true;
  EXPECT_EQ(client.send(ctx, std::move(request))->body.view(), "hello");
  EXPECT_NE(server.conversations()[0].received.find("Expect: 100-continue\r\n"), std::string::npos);
  EXPECT_EQ(client.statistics().idle, 1U);
}

IO_FIBER_TEST(Client, ABodyThatIsNotWantedIsNotSent) {
  ScriptedServer server(
      ctx, {[](Ctx& task, Peer& peer) -> Result<> {
        TRY(peer.read_until(task, "\r\n\r\n"));
        TRY(peer.send(task, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno"));
        return peer.stay_silent(task);
      }});
  Client client(ctx.loop(), {.continue_timeout = std::chrono::seconds(20)});
  auto request = post(server, "body");
  request.expect_continue = true;
  const auto response = client.send(ctx, std::move(request));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 417);
  EXPECT_EQ(response->body.view(), "no");
  ASSERT_TRUE(server.settle(ctx)) << "a connection with half a request is closed";
  EXPECT_TRUE(server.conversations()[0].received.ends_with("\r\n\r\n"));
}

IO_FIBER_TEST(Client, AServerThatKnowsNoContinueGetsTheBodyAfterAWhile) {
  ScriptedServer server(ctx, {always(kHello)});
  Client client(ctx.loop(), {.continue_timeout = milliseconds(10)});
  auto request = post(server, "body");
  request.expect_continue = true;
  EXPECT_EQ(client.send(ctx, std::move(request))->body.view(), "hello");
}

IO_FIBER_TEST(Client, AnAnswerBeforeTheEndOfTheRequestIsTheAnswer) {
  const Script refuses = [](Ctx& task, Peer& peer) -> Result<> {
    TRY(peer.read_until(task, "\r\n\r\n"));
    TRY(peer.send(task, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"));
    return peer.read_to_end(task);
  };
  ScriptedServer server(ctx, {refuses});
  Client client(ctx.loop(), {});
  auto request = post(server, "");
  request.stream = [](Ctx& task, BodyWriter& out) -> Result<> {
    for (;;) {
      TRY(out.write(task, std::string(1000, 'x')));
      TRY(task.sleep(milliseconds(1)));
    }
  };
  const auto response = client.send(ctx, std::move(request));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(response->body.view(), "big");
  EXPECT_EQ(client.statistics().idle, 0U);
}

IO_FIBER_TEST(Client, RefusesRequestsThatCannotBeSent) {
  ScriptedServer server(ctx, {always(kHello)});
  Client client(ctx.loop(), {});
  for (const std::string_view name :
       {"Content-Length", "transfer-encoding", "Connection", "Upgrade", "Expect"}) {
    auto request = get(server);
    request.headers.add(name, "x");
    EXPECT_EQ(client.send(ctx, std::move(request)).error().code(), Code::kInvalid) << name;
  }
  auto split = get(server);
  split.headers.add("X", "a\r\nInjected: b");
  EXPECT_EQ(client.send(ctx, std::move(split)).error().code(), Code::kInvalid);
  for (const std::string_view method : {"", "G ET", "GET\r\n", "CONNECT"}) {
    auto request = get(server);
    request.method = method;
    EXPECT_EQ(client.send(ctx, std::move(request)).error().code(), Code::kInvalid) << method;
  }
  EXPECT_TRUE(server.conversations().empty());
}

IO_FIBER_TEST(Client, ErrorsNameTheRequestButNotItsQuery) {
  ScriptedServer server(ctx, {always(kHello)});
  server.close_listener();
  Client client(ctx.loop(), {});
  const auto error = client.send(ctx, get(server, "/path?token=hunter2")).error();
  EXPECT_EQ(error.code(), Code::kUnavailable);
  EXPECT_NE(error.message().find("cannot GET " + server.url("/path") + ": "), std::string::npos)
      << error.message();
  EXPECT_NE(error.message().find("refused"), std::string::npos) << error.message();
  EXPECT_EQ(error.message().find("hunter2"), std::string::npos);
}

IO_FIBER_TEST(Client, TellsItsObserverOfEveryRequest) {
  struct Seen final : ClientObserver {
    void request_finished(const ClientRecord& record) override {
      text += std::string(record.method) + " " + std::to_string(record.status) +
              (record.reused ? " reused" : "") + (record.error ? " failed" : "") + ";";
    }
    std::string text;
  };
  const auto seen = std::make_shared<Seen>();
  ScriptedServer server(ctx, {in_turn({kHello, kHello})});
  Client client(ctx.loop(), {.observer = seen});
  ASSERT_TRUE(client.send(ctx, get(server)));
  ASSERT_TRUE(client.send(ctx, get(server)));
  ASSERT_TRUE(server.settle(ctx));
  server.close_listener();
  ASSERT_FALSE(client.send(ctx, get(server)));
  EXPECT_EQ(seen->text, "GET 200;GET 200 reused;GET 0 failed;");
}

}  // namespace
}  // namespace klutch::http
