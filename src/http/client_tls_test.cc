// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>

#include "http/client.h"
#include "obs/trace.h"
#include "testing/fiber_test.h"
#include "testing/scripted_server.h"
#include "testing/test_pki.h"

namespace klutch::http {
namespace {

using test::TestPki;
using testing::Peer;
using testing::ScriptedServer;

Result<> answer(Ctx& ctx, Peer& peer) {
  for (;;) {
    TRY(peer.read_request(ctx));
    TRY(peer.send(ctx, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  }
}

std::shared_ptr<TlsServer> tls_server(KeyPair identity) {
  return TlsServer::create({.identity = std::move(identity)}).value();
}

ClientRequest get(const std::string& url) {
  return {.url = Url::parse(url).value()};
}

IO_FIBER_TEST(ClientTls, KeepsVerifiedConnections) {
  const TestPki pki;
  ScriptedServer server(ctx, {answer}, tls_server(pki.server()));
  Client client(ctx.loop(), {.tls = pki.trusting_client()});
  for (int i = 0; i < 5; ++i) {
    const auto response = client.send(ctx, get(server.url()));
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->body.view(), "ok");
  }
  EXPECT_EQ(server.conversations().size(), 1U) << "session tickets do not make a connection unquiet";
}

IO_FIBER_TEST(ClientTls, RefusesServersThatAreNotWhoTheyShouldBe) {
  const TestPki pki;
  const TestPki other("other root");
  struct Case {
    KeyPair identity;
    std::string_view cause;
  };
  const std::vector<Case> cases = {
      {pki.expired_server(), "expired"},
      {pki.server_for({"other.example"}), "mismatch"},
      {other.server(), "issuer"},
  };
  for (const auto& [identity, cause] : cases) {
    ScriptedServer server(ctx, {answer}, tls_server(identity));
    Client client(ctx.loop(), {.tls = pki.trusting_client()});
    auto request = get(server.url());
    request.headers.add("Authorization", "Bearer hunter2");
    const auto error = client.send(ctx, std::move(request)).error();
    EXPECT_EQ(error.code(), Code::kUnauthenticated) << error.message();
    EXPECT_NE(error.message().find(cause), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("127.0.0.1:" + std::to_string(server.port())), std::string::npos);
    ASSERT_TRUE(server.settle(ctx));
    EXPECT_EQ(server.conversations()[0].received, "") << "nothing was sent";
  }
}

IO_FIBER_TEST(ClientTls, AServerNameOfOnesOwnIsWhatIsVerified) {
  const TestPki pki;
  ScriptedServer server(ctx, {answer}, tls_server(pki.server_for({"api.example"})));
  const auto tls = TlsClient::create({.trusted = pki.trusted(), .server_name = "api.example"}).value();
  Client client(ctx.loop(), {.tls = tls});
  EXPECT_TRUE(client.send(ctx, get(server.url())));
}

IO_FIBER_TEST(ClientTls, ARefusedClientCertificateIsTheError) {
  const TestPki pki;
  const TestPki other("other root");
  const auto strict =
      TlsServer::create({.identity = pki.server(),
                         .client_authorities = pki.trusted(),
                         .client_certificate = TlsServer::Options::ClientCertificate::kRequired})
          .value();
  ScriptedServer server(ctx, {answer}, strict);
  Client client(ctx.loop(), {});
  const auto code = [&](const std::shared_ptr<const KeyPair>& identity) {
    auto request = get(server.url());
    request.tls = TlsClient::create({.trusted = pki.trusted(), .identity = identity}).value();
    const auto response = client.send(ctx, std::move(request));
    return response ? Code::kTerminal : response.error().code();
  };
  EXPECT_EQ(code(nullptr), Code::kUnauthenticated);
  EXPECT_EQ(code(std::make_shared<KeyPair>(other.client("me"))), Code::kUnauthenticated);
  EXPECT_EQ(code(std::make_shared<KeyPair>(pki.client("me"))), Code::kTerminal) << "the right one works";
}

IO_FIBER_TEST(ClientTls, ConnectionsAreNotSharedBetweenIdentities) {
  const TestPki pki;
  const auto asking =
      TlsServer::create({.identity = pki.server(), .client_authorities = pki.trusted()}).value();
  ScriptedServer server(ctx, {answer}, asking);
  Client client(ctx.loop(), {.tls = pki.trusting_client()});
  for (const auto* name : {"alice", "bob"}) {
    auto request = get(server.url());
    // Each settings object is gone before the next is made, so that they may get the same address.
    request.tls =
        TlsClient::create({.trusted = pki.trusted(), .identity = std::make_shared<KeyPair>(pki.client(name))})
            .value();
    ASSERT_TRUE(client.send(ctx, std::move(request)));
  }
  ASSERT_TRUE(client.send(ctx, get(server.url())));
  EXPECT_EQ(server.conversations().size(), 3U);
}

IO_FIBER_TEST(ClientTls, ATunnelLeadsThroughAProxy) {
  const TestPki pki;
  const auto target = tls_server(pki.server_for({"target.example"}));
  ScriptedServer proxy(ctx, {[&](Ctx& task, Peer& peer) -> Result<> {
                         TRY(peer.read_request(task));
                         TRY(peer.send(task, "HTTP/1.1 200 Connection established\r\n\r\n"));
                         TRY(peer.start_tls(task, *target));
                         return answer(task, peer);
                       }});
  const auto address = "http://user:hunter2@127.0.0.1:" + std::to_string(proxy.port());
  Client client(ctx.loop(), {.tls = pki.trusting_client(), .proxy = ProxyRules::fixed(address).value()});
  for (int i = 0; i < 2; ++i) {
    auto request = get("https://target.example/secret");
    request.headers.add("Authorization", "for the target");
    const auto response = client.send(ctx, std::move(request));
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->body.view(), "ok");
  }
  ASSERT_EQ(proxy.conversations().size(), 1U) << "a tunnel is kept too";
  const auto& seen = proxy.conversations()[0].received;
  EXPECT_TRUE(
      seen.starts_with("CONNECT target.example:443 HTTP/1.1\r\nHost: target.example:443\r\n"
                       "User-Agent: klutch\r\nProxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n\r\n"
                       "GET /secret HTTP/1.1\r\n"))
      << seen;
  EXPECT_EQ(seen.find("Proxy-Authorization", 140), std::string::npos) << "not for the target";
}

/// Carries bytes from one stream to the other until the first ends.
Result<> relay(Ctx& ctx, Transport& from, Transport& to) {
  std::array<char, 4096> buffer;
  for (;;) {
    const auto n = TRY(from.read_some(ctx, buffer));
    if (n == 0) return {};
    TRY(to.write(ctx, {buffer.data(), n}));
  }
}

IO_FIBER_TEST(ClientTls, ATunnelMayLeadThroughAProxyThatSpeaksTlsItself) {
  const TestPki pki;
  const TestPki proxy_pki("proxy root");
  ScriptedServer target(ctx, {answer}, tls_server(pki.server()));
  const auto carry = [&](Ctx& task, Peer& peer) -> Result<> {
    TRY(peer.read_request(task));
    const auto onward = TRY(connect(task, {"127.0.0.1", target.port(), {}}, nullptr));
    TRY(peer.send(task, "HTTP/1.1 200 OK\r\n\r\n"));
    return async::with_tasks(task, [&](async::TaskGroup& tasks) -> Result<> {
      tasks.spawn("back", [&](Ctx& back) { return relay(back, *onward, peer.transport()); });
      TRY(relay(task, peer.transport(), *onward));
      tasks.cancel();
      return {};
    });
  };
  ScriptedServer proxy(ctx, {carry}, tls_server(proxy_pki.server()));
  Client client(ctx.loop(), {.tls = pki.trusting_client(),
                             .proxy_tls = proxy_pki.trusting_client(),
                             .proxy = ProxyRules::fixed(proxy.url()).value()});
  for (const std::size_t size : {0U, 3U, 300'000U}) {
    auto request = get(target.url("/hidden"));
    request.method = "POST";
    request.body = std::string(size, 'x');
    const auto response = client.send(ctx, std::move(request));
    ASSERT_TRUE(response) << response.error().message();
    EXPECT_EQ(response->body.view(), "ok");
  }
  EXPECT_EQ(proxy.conversations()[0].received.find("/hidden"), std::string::npos) << "the proxy sees nothing";

  Client careful(ctx.loop(), {.tls = proxy_pki.trusting_client(),
                              .proxy_tls = proxy_pki.trusting_client(),
                              .proxy = ProxyRules::fixed(proxy.url()).value()});
  EXPECT_EQ(careful.send(ctx, get(target.url())).error().code(), Code::kUnauthenticated)
      << "both ends are verified";
}

IO_FIBER_TEST(ClientTls, APlainRequestGoesToTheProxyWithItsWholeUrl) {
  ScriptedServer proxy(ctx, {answer});
  const auto address = "http://user:hunter2@127.0.0.1:" + std::to_string(proxy.port());
  Client client(ctx.loop(), {.proxy = ProxyRules::fixed(address).value()});
  ASSERT_TRUE(client.send(ctx, get("http://target.example:8080/a?b")));
  EXPECT_TRUE(proxy.conversations()[0].received.starts_with(
      "GET http://target.example:8080/a?b HTTP/1.1\r\nHost: target.example:8080\r\n"));
  EXPECT_NE(proxy.conversations()[0].received.find("Proxy-Authorization: Basic dXNlcjpodW50ZXIy\r\n"),
            std::string::npos);
}

IO_FIBER_TEST(ClientTls, AProxyThatRefusesIsTheError) {
  struct Case {
    std::string response;
    Code code;
    std::string_view says;
  };
  const std::vector<Case> cases = {
      {"HTTP/1.1 407 x\r\nContent-Length: 0\r\n\r\n", Code::kUnauthenticated, "407"},
      {"HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n", Code::kUnavailable, "403 Forbidden"},
      {"HTTP/1.1 200 x\r\n\r\nearly bytes", Code::kInternal, "bytes of its own"},
      {"", Code::kUnavailable, "closed"},
      {"SSH-2.0-x\r\n", Code::kInternal, "not an HTTP/1"},
  };
  const TestPki pki;
  for (const auto& [response, code, says] : cases) {
    ScriptedServer proxy(ctx, {[&](Ctx& task, Peer& peer) -> Result<> {
                           TRY(peer.read_request(task));
                           return peer.send(task, response);
                         }});
    const auto origin = "http://127.0.0.1:" + std::to_string(proxy.port());
    Client client(ctx.loop(), {.tls = pki.trusting_client(), .proxy = ProxyRules::fixed(origin).value()});
    const auto error = client.send(ctx, get("https://target.example/")).error();
    EXPECT_EQ(error.code(), code) << error.message();
    EXPECT_NE(error.message().find(says), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("proxy " + origin), std::string::npos) << error.message();
  }
}

IO_FIBER_TEST(ClientTls, AConnectionThatTakesTooLongIsUnavailable) {
  ScriptedServer silent(ctx, {[](Ctx& task, Peer& peer) { return peer.stay_silent(task); }});
  const TestPki pki;
  Client client(ctx.loop(), {.tls = pki.trusting_client(), .connect_timeout = std::chrono::milliseconds(20)});
  const auto error = client.send(ctx, get("https://127.0.0.1:" + std::to_string(silent.port()))).error();
  EXPECT_EQ(error.code(), Code::kUnavailable) << "nothing was sent, so the effect is known";
  EXPECT_NE(error.message().find("within 20ms"), std::string::npos) << error.message();
}

IO_FIBER_TEST(ClientTrace, TheTraceOfTheContextGoesAlong) {
  ScriptedServer server(ctx, {answer});
  Client client(ctx.loop(), {});
  auto trace = obs::new_trace();
  trace.state = "vendor=1";
  auto traced = ctx.with_value(std::make_shared<const obs::TraceContext>(trace));
  ASSERT_TRUE(client.send(traced, get(server.url())));
  const auto& seen = server.conversations()[0].received;
  EXPECT_NE(seen.find("traceparent: " + obs::traceparent(trace) + "\r\n"), std::string::npos) << seen;
  EXPECT_NE(seen.find("tracestate: vendor=1\r\n"), std::string::npos) << seen;
  ASSERT_TRUE(client.send(ctx, get(server.url())));
  EXPECT_EQ(seen.find("traceparent", seen.find("GET", 1)), std::string::npos) << "no trace, no header";
}

}  // namespace
}  // namespace klutch::http
