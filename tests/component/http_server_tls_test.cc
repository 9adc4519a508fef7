// SPDX-License-Identifier: Apache-2.0
// The server behind TLS: who gets in, what a failing handshake costs others, certificates that change while
// serving.
#include <array>

#include "async/event.h"
#include "crypto/certificate.h"
#include "http/server.h"
#include "testing/fiber_test.h"
#include "testing/raw_client.h"
#include "testing/running_server.h"
#include "testing/test_pki.h"

namespace klutch::http {
namespace {

using klutch::testing::RawClient;
using klutch::testing::RunningServer;
using test::TestPki;

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

struct Counts final : ServerObserver {
  void handshake_failed(std::string_view, const Error&) override { ++failed_handshakes; }
  void request_finished(const RequestRecord&) override { ++requests; }
  int failed_handshakes = 0;
  int requests = 0;
};

/// Answers with the common name of the client's certificate.
Handler who_is_it() {
  return [](Ctx&, ServerRequest& request) -> Result<Response> {
    if (request.tls == nullptr) return fail(Code::kInternal, "no TLS");
    if (request.tls->peer_chain.empty()) return Response{200, {}, Body("nobody"), {}};
    const auto leaf = TRY(crypto::parse_certificate(request.tls->peer_chain.front()));
    return Response{200, {}, Body(leaf.info().subject.common_name), {}};
  };
}

class TlsTarget {
 public:
  explicit TlsTarget(Ctx& ctx, TlsServer::Options tls, Handler handler = who_is_it())
      : tls_(TlsServer::create(tls).value()), server_(ctx, options(), std::move(handler)) {}
  TlsServer& tls() { return *tls_; }
  Counts& counts() { return *counts_; }
  RunningServer& server() { return server_; }
  [[nodiscard]] Address address() const { return server_.address(); }

 private:
  ServerOptions options() {
    ServerOptions made;
    made.tls = tls_;
    made.observer = counts_;
    return made;
  }
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  std::shared_ptr<TlsServer> tls_;
  RunningServer server_;
};

TlsClient client_with(const TestPki& pki, KeyPair identity) {
  return TlsClient::create(
             {.trusted = pki.trusted(), .identity = std::make_shared<const KeyPair>(std::move(identity))})
      .value();
}

/// What the client gets for one request, or the error's code.
std::string ask(Ctx& ctx, const Address& address, const TlsClient& tls) {
  auto client = RawClient::connect(ctx, address, &tls);
  if (!client) return std::string(traits(client.error().code()).name);
  const auto response = client->exchange(ctx, kGet);
  return response ? response->body : std::string(traits(response.error().code()).name);
}

IO_FIBER_TEST(ServerTls, ServesAndKeepsConnections) {
  const TestPki pki;
  TlsTarget target(ctx, {.identity = pki.server()});
  const auto tls = pki.trusting_client();
  auto client = RawClient::connect(ctx, target.address(), &tls).value();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.exchange(ctx, kGet)->body, "nobody");
}

IO_FIBER_TEST(ServerTls, ClientCertificatesDecideWhoGetsIn) {
  using Demand = TlsServer::Options::ClientCertificate;
  const TestPki pki;
  const TestPki stranger("another root");
  const auto good = client_with(pki, pki.client("alice"));
  const auto foreign = client_with(pki, stranger.client("alice"));
  const auto expired = client_with(pki, pki.expired_client("alice"));
  const auto server_kind = client_with(pki, pki.server());
  const auto none = pki.trusting_client();
  struct Case {
    const char* reason;
    Demand demand;
    const TlsClient* client;
    std::string_view answer;
  };
  constexpr std::string_view kRefused = "refused";
  const Case cases[] = {
      {"good", Demand::kRequired, &good, "alice"},
      {"good where none is needed", Demand::kOptional, &good, "alice"},
      {"none where none is needed", Demand::kOptional, &none, "nobody"},
      {"none", Demand::kRequired, &none, kRefused},
      {"of another authority", Demand::kRequired, &foreign, kRefused},
      {"of another authority where none is needed", Demand::kOptional, &foreign, kRefused},
      {"expired", Demand::kRequired, &expired, kRefused},
      {"expired where none is needed", Demand::kOptional, &expired, kRefused},
      {"for servers only", Demand::kRequired, &server_kind, kRefused},
  };
  for (const auto& test : cases) {
    TlsTarget target(
        ctx,
        {.identity = pki.server(), .client_authorities = pki.trusted(), .client_certificate = test.demand});
    const bool refused = test.answer == kRefused;
    const auto answer = ask(ctx, target.address(), *test.client);
    // The alert that says why comes with the close and may be overtaken by the reset of what the client sent.
    const bool was_refused = answer == "Unauthorized" || answer == "ServiceUnavailable";
    EXPECT_TRUE(refused ? was_refused : answer == test.answer) << test.reason << ": " << answer;
    EXPECT_EQ(target.counts().failed_handshakes, refused ? 1 : 0) << test.reason;
    EXPECT_EQ(target.counts().requests, refused ? 0 : 1) << test.reason;
  }
}

IO_FIBER_TEST(ServerTls, WhatIsNoHandshakeIsClosedAndCounted) {
  const TestPki pki;
  TlsTarget target(ctx, {.identity = pki.server()});
  int expected = 0;
  for (const std::string& bytes :
       {std::string(kGet), std::string("\x16\x03\x01\xff\xff garbage", 13),
        std::string("\x16\x03\x03\x00\x05\x01\x00\x00\x01\x00", 10), std::string(100'000, '\0')}) {
    auto client = RawClient::connect(ctx, target.address()).value();
    static_cast<void>(client.send(ctx, bytes));
    client.transport().shut_down(ctx);
    std::array<char, 4096> buffer;
    for (;;) {  // an alert perhaps, then the end
      const auto n = client.transport().read_some(ctx, buffer);
      if (!n || *n == 0) break;
    }
    EXPECT_EQ(target.counts().failed_handshakes, ++expected);
  }
  EXPECT_EQ(ask(ctx, target.address(), pki.trusting_client()), "nobody");
  EXPECT_EQ(target.counts().requests, 1);
}

IO_FIBER_TEST(ServerTls, ASilentHandshakeHoldsUpNobody) {
  const TestPki pki;
  TlsTarget target(ctx, {.identity = pki.server()});
  std::vector<RawClient> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(RawClient::connect(ctx, target.address()).value());
  EXPECT_EQ(ask(ctx, target.address(), pki.trusting_client()), "nobody");
}

IO_FIBER_TEST(ServerTls, ReloadingCertificatesUnderLoadFailsNoRequest) {
  const TestPki pki;
  const TestPki next("next root");
  TlsTarget target(ctx, {.identity = pki.server()});
  const auto both = TlsClient::create({.trusted = pki.trusted() + next.trusted()}).value();
  bool stop = false;
  int answered = 0;
  async::TaskGroup load(ctx);
  for (int i = 0; i < 8; ++i) {
    load.spawn("client", [&](Ctx& task) -> Result<> {
      while (!stop) {
        auto client = TRY(RawClient::connect(task, target.address(), &both));
        for (int n = 0; n < 5; ++n) {
          TRY(client.exchange(task, kGet));
          ++answered;
        }
      }
      return {};
    });
  }
  for (int i = 0; i < 10; ++i) {
    const int before = answered;
    ASSERT_TRUE(target.tls().reload({.identity = (i % 2 == 0 ? next : pki).server()}).has_value());
    while (answered < before + 10) ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(1)).has_value());
  }
  ASSERT_FALSE(target.tls().reload({.identity = {"no certificate", Secret("no key")}}).has_value());
  stop = true;
  const auto ended = load.wait(ctx);
  EXPECT_TRUE(ended.has_value()) << ended.error().message();
  EXPECT_EQ(target.counts().failed_handshakes, 0);
  EXPECT_EQ(ask(ctx, target.address(), pki.trusting_client()), "nobody") << "the last good one is in use";
  EXPECT_EQ(ask(ctx, target.address(), next.trusting_client()), "Unauthorized");
}

IO_FIBER_TEST(ServerTls, StreamsNoticeAClientThatLeaves) {
  const TestPki pki;
  async::Event ended;
  TlsTarget target(ctx, {.identity = pki.server()}, [&](Ctx&, ServerRequest&) -> Result<Response> {
    return Response{200, {}, {}, [&](Ctx& inner, BodyWriter& out) -> Result<> {
                      TRY(out.write(inner, "event"));
                      const auto slept = inner.sleep(std::chrono::hours(1));
                      ended.set();
                      return slept;
                    }};
  });
  const auto tls = pki.trusting_client();
  {
    auto client = RawClient::connect(ctx, target.address(), &tls).value();
    ASSERT_TRUE(client.send(ctx, kGet).has_value());
    ASSERT_TRUE(*client.reader().wait_for_message(ctx));
    client.transport().shut_down(ctx);
  }
  EXPECT_TRUE(ended.wait(ctx).has_value());
}

}  // namespace
}  // namespace klutch::http
