// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "json/build.h"
#include "kube/client/client_testing.h"
#include "kube/client/http_client.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using testing::json_response;
using testing::RecordingServer;
using Seen = RecordingServer::Seen;

Result<http::Response> answer(const Seen& /*seen*/) {
  return json_response(json::object({{"major", "1"}}));
}

Result<Object> version(Ctx& ctx, const ClientConfig& config) {
  const auto client = TRY(HttpClient::make(ctx, config));
  return client->send(ctx, raw_request("/version"));
}

IO_FIBER_TEST(KubeHttpClientTls, TrustsTheAuthorityOfTheClusterAndNoOther) {
  const test::TestPki pki;
  RecordingServer server(ctx, answer, http::TlsServer::create({.identity = pki.server()}).value());
  auto config = server.config();
  EXPECT_EQ(version(ctx, config).error().code(), Code::kUnauthenticated) << "the system does not know it";
  config.authorities = test::TestPki("other").trusted();
  EXPECT_EQ(version(ctx, config).error().code(), Code::kUnauthenticated);
  EXPECT_EQ(server.seen().size(), 0U);
  config.authorities = pki.trusted();
  EXPECT_TRUE(version(ctx, config));
  config.authorities = {};
  config.insecure_skip_tls_verify = true;
  EXPECT_TRUE(version(ctx, config));
}

IO_FIBER_TEST(KubeHttpClientTls, TheNameToVerifyCanBeGiven) {
  const test::TestPki pki;
  RecordingServer server(ctx, answer,
                         http::TlsServer::create({.identity = pki.server_for({"kubernetes"})}).value());
  auto config = server.config();
  config.authorities = pki.trusted();
  EXPECT_EQ(version(ctx, config).error().code(), Code::kUnauthenticated);
  config.tls_server_name = "kubernetes";
  EXPECT_TRUE(version(ctx, config));
}

IO_FIBER_TEST(KubeHttpClientTls, ShowsItsCertificateAndTakesANewOne) {
  const test::TestPki pki;
  RecordingServer server(
      ctx, answer,
      http::TlsServer::create({.identity = pki.server(), .client_authorities = pki.trusted()}).value());
  const testing::TestScript files("");
  const auto write = [&](const http::KeyPair& pair) {
    ASSERT_TRUE(os::write_file_atomic(files.file("crt"), pair.certificate_chain));
    ASSERT_TRUE(os::write_file_atomic(files.file("key"), pair.private_key.reveal()));
  };
  const auto first = pki.client("alice");
  write(first);
  auto config = server.config();
  config.authorities = pki.trusted();
  config.credentials.client_certificate_file = files.file("crt");
  config.credentials.client_key_file = files.file("key");
  const auto client = HttpClient::make(ctx, config, {.reread_interval = Duration::zero()}).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client->send(ctx, raw_request("/version")));
  EXPECT_EQ(client->request_statistics().opened, 1U) << "settings that did not change keep the connection";
  ASSERT_EQ(server.last().client_chain.size(), 1U);
  EXPECT_EQ(server.last().client_chain[0], first.certificate_chain);
  const auto second = pki.client("alice");
  write(second);
  ASSERT_TRUE(client->send(ctx, raw_request("/version")));
  EXPECT_EQ(server.last().client_chain[0], second.certificate_chain);
  EXPECT_EQ(client->request_statistics().opened, 2U);
}

IO_FIBER_TEST(KubeHttpClientTls, ANewAuthorityInTheFileIsTakenWhenTheOldOneFails) {
  const test::TestPki before("before");
  const test::TestPki after("after");
  RecordingServer server(ctx, answer, http::TlsServer::create({.identity = after.server()}).value());
  const testing::TestScript files("");
  ASSERT_TRUE(os::write_file_atomic(files.file("ca"), before.trusted()));
  auto config = server.config();
  config.authorities_file = files.file("ca");
  const auto client = HttpClient::make(ctx, config).value();
  EXPECT_EQ(client->send(ctx, raw_request("/version")).error().code(), Code::kUnauthenticated);
  ASSERT_TRUE(os::write_file_atomic(files.file("ca"), after.trusted()));
  EXPECT_TRUE(client->send(ctx, raw_request("/version"))) << "without waiting for the minute to pass";
}

IO_FIBER_TEST(KubeHttpClientTls, WhatIsWrongWithTheFilesIsSaidAtOnce) {
  const test::TestPki pki;
  const testing::TestScript files("");
  ClientConfig config{.server = http::Url::parse("https://127.0.0.1:1").value()};
  config.label = "cluster \"c\" of /f";
  config.authorities_file = files.file("missing");
  const auto create = [&] { return HttpClient::make(ctx, config).error(); };
  const auto missing = create();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_NE(missing.message().find("cluster \"c\" of /f"), std::string::npos) << missing.message();
  EXPECT_NE(missing.message().find(files.file("missing")), std::string::npos) << missing.message();
  ASSERT_TRUE(os::write_file_atomic(files.file("ca"), "no PEM"));
  config.authorities_file = files.file("ca");
  EXPECT_EQ(create().code(), Code::kInvalid);
  config.authorities_file.clear();
  const auto expired = pki.expired_client("alice");
  config.credentials.client_certificate = expired.certificate_chain;
  config.credentials.client_key = expired.private_key;
  EXPECT_EQ(create().code(), Code::kUnauthenticated);
  config.credentials = {};
  config.proxy_url = "socks5://p";
  EXPECT_FALSE(HttpClient::make(ctx, config));
  config.proxy_url = "http://127.0.0.1:9";
  const auto client = HttpClient::make(ctx, config).value();
  const auto error = client->send(ctx, raw_request("/version")).error();
  EXPECT_NE(error.message().find("127.0.0.1:9"), std::string::npos) << error.message();
}

}  // namespace
}  // namespace klutch::kube
