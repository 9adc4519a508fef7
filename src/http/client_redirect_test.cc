// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "http/client.h"
#include "testing/fiber_test.h"
#include "testing/scripted_server.h"
#include "testing/test_pki.h"

namespace klutch::http {
namespace {

using testing::Peer;
using testing::ScriptedServer;

/// Answers every request with a redirect to `location`.
ScriptedServer::Script redirect_to(std::string location, int status = 302) {
  return [=](Ctx& ctx, Peer& peer) -> Result<> {
    for (;;) {
      TRY(peer.read_request(ctx));
      TRY(peer.send(ctx, "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + location +
                             "\r\nContent-Length: 4\r\n\r\ngone"));
    }
  };
}

Result<> answer(Ctx& ctx, Peer& peer) {
  for (;;) {
    TRY(peer.read_request(ctx));
    TRY(peer.send(ctx, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  }
}

ClientRequest with_credentials(const std::string& url) {
  return {.url = Url::parse(url).value(),
          .headers = {{"Authorization", "Bearer hunter2"},
                      {"Cookie", "id=hunter2"},
                      {"X-Token", "hunter2"},
                      {"Accept", "text/plain"}},
          .follow_redirects = 5};
}

IO_FIBER_TEST(ClientRedirect, IsNotFollowedUnlessAsked) {
  ScriptedServer server(ctx, {redirect_to("/next")});
  Client client(ctx.loop(), {});
  const auto response = client.send(ctx, {.url = Url::parse(server.url()).value()});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->body.view(), "gone");
}

IO_FIBER_TEST(ClientRedirect, OnTheSameOriginKeepsCredentialsAndConnection) {
  ScriptedServer server(
      ctx, {[](Ctx& task, Peer& peer) -> Result<> {
        TRY(peer.read_request(task));
        TRY(peer.send(task, "HTTP/1.1 307 x\r\nLocation: next?a\r\nContent-Length: 2\r\n\r\nxx"));
        return answer(task, peer);
      }});
  Client client(ctx.loop(), {});
  const auto response = client.open(ctx, with_credentials(server.url("/dir/first")));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->url.to_string(), server.url("/dir/next?a"));
  EXPECT_EQ(server.conversations().size(), 1U);
  const auto& seen = server.conversations()[0].received;
  const auto second = seen.substr(seen.find("GET /dir/next?a HTTP/1.1\r\n"));
  EXPECT_NE(second.find("Bearer hunter2"), std::string::npos);
}

IO_FIBER_TEST(ClientRedirect, ToAnotherOriginLeaksNoCredentials) {
  ScriptedServer other(ctx, {answer});
  ScriptedServer server(ctx, {redirect_to(other.url("/stolen"))});
  Client client(ctx.loop(), {});
  const auto response = client.send(ctx, with_credentials(server.url()));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 200);
  const auto& seen = other.conversations()[0].received;
  EXPECT_TRUE(
      seen.starts_with("GET /stolen HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(other.port()) + "\r\n"))
      << seen;
  EXPECT_NE(seen.find("Accept: text/plain"), std::string::npos);
  EXPECT_EQ(seen.find("hunter2"), std::string::npos) << seen;
}

IO_FIBER_TEST(ClientRedirect, CredentialsDoNotComeBackWithTheFirstOrigin) {
  std::string home;
  ScriptedServer other(ctx, {[&](Ctx& task, Peer& peer) { return redirect_to(home)(task, peer); }});
  ScriptedServer server(ctx, {[&](Ctx& task, Peer& peer) -> Result<> {
                                TRY(peer.read_request(task));
                                TRY(peer.send(task, "HTTP/1.1 302 x\r\nLocation: " + other.url() +
                                                        "\r\nConnection: close\r\n\r\n"));
                                return {};
                              },
                              answer});
  home = server.url("/back");
  Client client(ctx.loop(), {});
  ASSERT_TRUE(client.send(ctx, with_credentials(server.url())));
  EXPECT_EQ(server.conversations().at(1).received.find("hunter2"), std::string::npos)
      << "the other origin chose this request";
}

IO_FIBER_TEST(ClientRedirect, NeverLeavesTls) {
  const test::TestPki pki;
  ScriptedServer plain(ctx, {answer});
  ScriptedServer server(ctx, {redirect_to(plain.url())},
                        TlsServer::create({.identity = pki.server()}).value());
  Client client(ctx.loop(), {.tls = pki.trusting_client()});
  const auto error = client.send(ctx, with_credentials(server.url())).error();
  EXPECT_EQ(error.code(), Code::kForbidden) << error.message();
  EXPECT_TRUE(plain.conversations().empty());
}

IO_FIBER_TEST(ClientRedirect, TheClientCertificateStaysWithItsOrigin) {
  const test::TestPki pki;
  const auto tls_server =
      TlsServer::create({.identity = pki.server(), .client_authorities = pki.trusted()}).value();
  ScriptedServer other(ctx, {answer}, tls_server);
  ScriptedServer server(ctx, {redirect_to(other.url())}, tls_server);
  Client client(ctx.loop(),
                {.tls = TlsClient::create({.trusted = pki.trusted(),
                                           .server_name = "localhost",
                                           .identity = std::make_shared<KeyPair>(pki.client("me"))})
                            .value()});
  const auto response = client.send(ctx, with_credentials(server.url()));
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(server.conversations()[0].client_chain.size(), 1U);
  EXPECT_EQ(other.conversations()[0].client_chain.size(), 0U);
}

IO_FIBER_TEST(ClientRedirect, AnotherOriginIsVerifiedEvenWhereTheFirstWasNot) {
  const test::TestPki pki;
  const auto tls_server = TlsServer::create({.identity = pki.server()}).value();
  ScriptedServer other(ctx, {answer}, tls_server);
  ScriptedServer server(ctx, {redirect_to(other.url())}, tls_server);
  Client client(ctx.loop(), {.tls = TlsClient::create({.insecure_skip_verify = true}).value()});
  EXPECT_EQ(client.send(ctx, with_credentials(server.url())).error().code(), Code::kUnauthenticated);
}

IO_FIBER_TEST(ClientRedirect, ALoopIsBounded) {
  ScriptedServer server(ctx, {redirect_to("/again")});
  Client client(ctx.loop(), {});
  const auto error = client.send(ctx, with_credentials(server.url())).error();
  EXPECT_EQ(error.code(), Code::kUnavailable);
  EXPECT_NE(error.message().find("more than 5 redirects"), std::string::npos) << error.message();
  const auto& seen = server.conversations()[0].received;
  std::size_t requests = 0;
  for (auto at = seen.find("GET "); at != std::string::npos; at = seen.find("GET ", at + 1)) ++requests;
  EXPECT_EQ(requests, 6U);
}

IO_FIBER_TEST(ClientRedirect, ABodyIsSentAgainOnlyToTheSameOrigin) {
  ScriptedServer other(ctx, {answer});
  ScriptedServer server(ctx, {redirect_to(other.url(), 307)});
  Client client(ctx.loop(), {});
  auto request = with_credentials(server.url());
  request.method = "POST";
  request.body = "client_secret=hunter2";
  EXPECT_EQ(client.send(ctx, std::move(request)).error().code(), Code::kForbidden);
  EXPECT_TRUE(other.conversations().empty());
}

}  // namespace
}  // namespace klutch::http
