// SPDX-License-Identifier: Apache-2.0
#include "http/transport.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "async/event.h"
#include "async/task_group.h"
#include "testing/fiber_test.h"
#include "testing/test_pki.h"

namespace klutch::http {
namespace {

using namespace std::chrono_literals;
using async::TaskGroup;
using test::TestPki;

using Session = std::function<Result<>(Ctx&, Transport&)>;

/// Serves one connection with `server` while `client` talks to it. Null TLS settings mean a plain connection.
struct Pair {
  const TlsServer* server_tls = nullptr;
  const TlsClient* client_tls = nullptr;
  Address address = {"127.0.0.1", 0, {}};

  Result<> run(Ctx& ctx, const Session& server, const Session& client) const {
    auto listener = TRY(Listener::listen(ctx.loop(), address));
    return async::with_tasks(ctx, [&](TaskGroup& tasks) -> Result<> {
      tasks.spawn("server", [&](Ctx& task) -> Result<> {
        auto transport = TRY(listener.accept(task));
        if (server_tls != nullptr) {
          auto secured = accept_tls(task, std::move(transport), *server_tls);
          if (!secured) return {};  // the client's error is the one that counts
          transport = std::move(*secured);
        }
        return server(task, *transport);
      });
      const auto transport = TRY(connect(ctx, listener.address(), client_tls));
      return client(ctx, *transport);
    });
  }
};

Result<std::string> read_exactly(Ctx& ctx, Transport& transport, std::size_t size) {
  std::string all(size, '\0');
  for (std::size_t have = 0; have < size;) {
    const auto n = TRY(transport.read_some(ctx, {all.data() + have, size - have}));
    if (n == 0) return fail(Code::kUnavailable, "closed early");
    have += n;
  }
  return all;
}

Result<> echo(Ctx& ctx, Transport& transport) {
  char buffer[4096];
  for (;;) {
    const auto n = TRY(transport.read_some(ctx, buffer));
    if (n == 0) return {};
    TRY(transport.write(ctx, {buffer, n}));
  }
}

Result<> expect_echo(Ctx& ctx, Transport& transport) {
  TRY(transport.write(ctx, "hello ", "world"));
  EXPECT_EQ(TRY(read_exactly(ctx, transport, 11)), "hello world");
  transport.shut_down(ctx);
  return {};
}

std::shared_ptr<TlsServer> make_server(const KeyPair& identity) {
  return TlsServer::create({.identity = identity}).value();
}

IO_FIBER_TEST(Transport, CarriesBytesOverTcp) {
  const auto result = Pair{}.run(ctx, echo, expect_echo);
  EXPECT_TRUE(result.has_value()) << result.error().message();
}

IO_FIBER_TEST(Transport, CarriesBytesOverAUnixSocketOnlyItsOwnerMayUse) {
  const std::string folder = std::filesystem::temp_directory_path() / ("klutch-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/echo.sock";
  const Pair pair{.address = {.unix_path = path}};
  const auto client = [&](Ctx& task, Transport& transport) {
    struct stat info{};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    return expect_echo(task, transport);
  };
  EXPECT_TRUE(pair.run(ctx, echo, client).has_value());
  EXPECT_FALSE(std::filesystem::exists(path)) << "removed with its listener";
  std::filesystem::remove_all(folder);
}

IO_FIBER_TEST(Transport, AStaleUnixSocketIsReplacedAndALiveOneIsNot) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("klutch-" + std::to_string(getpid()) + ".sock");
  auto first = Listener::listen(ctx.loop(), {.unix_path = path});
  ASSERT_TRUE(first.has_value());
  const auto second = Listener::listen(ctx.loop(), {.unix_path = path});
  ASSERT_FALSE(second.has_value());
  EXPECT_TRUE(is(second.error(), Code::kUnavailable));
  EXPECT_NE(second.error().message().find(path), std::string::npos);
  first->close();
  EXPECT_TRUE(Listener::listen(ctx.loop(), {.unix_path = path}).has_value());
}

IO_FIBER_TEST(Transport, ALargeTransferBothWaysAtOnceDoesNotBlockItself) {
  constexpr std::size_t kBytes = 8 << 20;
  const std::string block(64 * 1024, 'x');
  const auto client = [&](Ctx& task, Transport& transport) {
    return async::with_tasks(task, [&](TaskGroup& tasks) -> Result<> {
      tasks.spawn("writer", [&](Ctx& writer) -> Result<> {
        for (std::size_t sent = 0; sent < kBytes; sent += block.size()) TRY(transport.write(writer, block));
        return {};
      });
      EXPECT_EQ(TRY(read_exactly(task, transport, kBytes)).size(), kBytes);
      transport.shut_down(task);
      return {};
    });
  };
  const TestPki pki;
  const auto server = make_server(pki.server());
  const auto trusting = pki.trusting_client();
  EXPECT_TRUE(Pair{}.run(ctx, echo, client).has_value());
  EXPECT_TRUE((Pair{.server_tls = server.get(), .client_tls = &trusting}).run(ctx, echo, client).has_value());
}

IO_FIBER_TEST(Transport, ARefusedConnectionNamesTheAddress) {
  auto listener = Listener::listen(ctx.loop(), {"127.0.0.1", 0, {}});
  const auto address = listener->address();
  const auto taken = Listener::listen(ctx.loop(), address);
  ASSERT_FALSE(taken.has_value());
  EXPECT_NE(taken.error().message().find(address.to_string()), std::string::npos);
  listener->close();
  const auto refused = connect(ctx, address, nullptr);
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(is(refused.error(), Code::kUnavailable));
  EXPECT_NE(refused.error().message().find(address.to_string()), std::string::npos);
}

IO_FIBER_TEST(Transport, AnUnknownHostIsUnavailable) {
  const auto unknown = connect(ctx, {"no-such-host.invalid", 80, {}}, nullptr);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_TRUE(is(unknown.error(), Code::kUnavailable)) << unknown.error().message();
}

IO_FIBER_TEST(Transport, DeadlineAndCancellationEndAWait) {
  const auto silent = [](Ctx& task, Transport&) { return task.sleep(1h); };
  const auto client = [](Ctx& task, Transport& transport) -> Result<> {
    char byte = 0;
    auto limited = task.with_timeout(10ms);
    EXPECT_TRUE(is(transport.read_some(limited, {&byte, 1}).error(), Code::kTimeout));
    return fail(Code::kGone, "done");  // cancels the server
  };
  EXPECT_TRUE(is(Pair{}.run(ctx, silent, client).error(), Code::kGone));
}

IO_FIBER_TEST(Transport, ClosingEndsTheReadOfAnotherFiber) {
  const auto silent = [](Ctx& task, Transport&) { return task.sleep(1h); };
  const auto client = [](Ctx& task, Transport& transport) -> Result<> {
    TRY(async::with_tasks(task, [&](TaskGroup& tasks) -> Result<> {
      tasks.spawn("reader", [&](Ctx& reader) -> Result<> {
        char byte = 0;
        EXPECT_TRUE(is(transport.read_some(reader, {&byte, 1}).error(), Code::kUnavailable));
        return {};
      });
      task.yield();
      transport.close();
      return {};
    }));
    EXPECT_TRUE(is(transport.write(task, "x").error(), Code::kUnavailable));
    return fail(Code::kGone, "done");
  };
  const TestPki pki;
  const auto server = make_server(pki.server());
  const auto trusting = pki.trusting_client();
  EXPECT_TRUE(is(Pair{}.run(ctx, silent, client).error(), Code::kGone));
  EXPECT_TRUE(is((Pair{server.get(), &trusting}).run(ctx, silent, client).error(), Code::kGone));
}

IO_FIBER_TEST(Transport, AnIdleConnectionIsQuietUntilThePeerSpeaksOrCloses) {
  const TestPki pki;
  const auto server = make_server(pki.server());
  const auto trusting = pki.trusting_client();
  for (const Pair& pair : {Pair{}, Pair{server.get(), &trusting}}) {
    async::Event spoken;
    const auto speaker = [&](Ctx& task, Transport& transport) -> Result<> {
      TRY(read_exactly(task, transport, 1));
      TRY(transport.write(task, "unasked"));
      spoken.set();
      return {};
    };
    const auto client = [&](Ctx& task, Transport& transport) -> Result<> {
      EXPECT_TRUE(transport.is_quiet());
      TRY(transport.write(task, "x"));
      TRY(spoken.wait(task));
      TRY(transport.wait_readable(task));
      EXPECT_FALSE(transport.is_quiet());
      return {};
    };
    EXPECT_TRUE(pair.run(ctx, speaker, client).has_value());
  }
}

IO_FIBER_TEST(Tls, TellsVersionAndProtocol) {
  const TestPki pki;
  const auto server = make_server(pki.server());
  const auto trusting = pki.trusting_client();
  const auto client = [](Ctx& task, Transport& transport) {
    EXPECT_EQ(transport.tls()->version, "TLSv1.3");
    EXPECT_EQ(transport.tls()->protocol, "http/1.1");
    return expect_echo(task, transport);
  };
  EXPECT_TRUE((Pair{server.get(), &trusting}).run(ctx, echo, client).has_value());
}

IO_FIBER_TEST(Tls, RefusesEveryServerItShouldNotTrust) {
  const TestPki pki;
  const TestPki other("other root");
  struct Case {
    const char* reason;
    KeyPair identity;
    TlsClient::Options client;
    const char* said;
  };
  const std::vector<Case> cases = {
      {"unknown authority", other.server(), {.trusted = pki.trusted()}, "issuer"},
      {"other name",
       pki.server_for({"elsewhere.example"}),
       {.trusted = pki.trusted()},
       "IP address mismatch"},
      {"name asked for is not there",
       pki.server(),
       {.trusted = pki.trusted(), .server_name = "db.example"},
       "ostname"},
      {"expired", pki.expired_server(), {.trusted = pki.trusted()}, "expired"},
      {"a client's certificate", pki.client("eve"), {.trusted = pki.trusted()}, ""},
  };
  for (const auto& c : cases) {
    const auto server = make_server(c.identity);
    const auto tls = TlsClient::create(c.client).value();
    const auto result = (Pair{server.get(), &tls}).run(ctx, echo, expect_echo);
    ASSERT_FALSE(result.has_value()) << c.reason;
    EXPECT_TRUE(is(result.error(), Code::kUnauthenticated)) << c.reason << ": " << result.error().message();
    EXPECT_NE(result.error().message().find(c.said), std::string::npos) << result.error().message();
  }
}

IO_FIBER_TEST(Tls, SkippingVerificationMustBeAskedFor) {
  const TestPki pki;
  const auto server = make_server(pki.expired_server());
  const auto careless = TlsClient::create({.insecure_skip_verify = true}).value();
  EXPECT_TRUE((Pair{server.get(), &careless}).run(ctx, echo, expect_echo).has_value());
}

IO_FIBER_TEST(Tls, ShowsTheServerTheClientsVerifiedCertificate) {
  const TestPki pki;
  const TestPki other("other root");
  const auto server =
      TlsServer::create({.identity = pki.server(),
                         .client_authorities = pki.trusted(),
                         .client_certificate = TlsServer::Options::ClientCertificate::kRequired})
          .value();
  std::vector<std::string> chain;
  const auto record = [&](Ctx& task, Transport& transport) {
    chain = transport.tls()->peer_chain;
    return echo(task, transport);
  };
  const auto alice = std::make_shared<const KeyPair>(pki.client("alice", {"devs"}));
  const auto with = TlsClient::create({.trusted = pki.trusted(), .identity = alice}).value();
  EXPECT_TRUE((Pair{server.get(), &with}).run(ctx, record, expect_echo).has_value());
  EXPECT_EQ(chain, (std::vector<std::string>{alice->certificate_chain}));

  const auto without = TlsClient::create({.trusted = pki.trusted()}).value();
  EXPECT_FALSE((Pair{server.get(), &without}).run(ctx, echo, expect_echo).has_value());
  const auto mallory = std::make_shared<const KeyPair>(other.client("alice", {"devs"}));
  const auto forged = TlsClient::create({.trusted = pki.trusted(), .identity = mallory}).value();
  EXPECT_FALSE((Pair{server.get(), &forged}).run(ctx, echo, expect_echo).has_value());
}

IO_FIBER_TEST(Tls, ReloadServesTheNewCertificateAndAFailedOneChangesNothing) {
  const TestPki pki;
  const TestPki next("next root");
  const auto server = make_server(pki.server());
  EXPECT_TRUE(is(server->reload({.identity = {"garbage", Secret("garbage")}}).error(), Code::kInvalid));
  EXPECT_FALSE(
      server->reload({.identity = {pki.server().certificate_chain, next.server().private_key}}).has_value());
  const auto old_trust = pki.trusting_client();
  EXPECT_TRUE((Pair{server.get(), &old_trust}).run(ctx, echo, expect_echo).has_value());
  ASSERT_TRUE(server->reload({.identity = next.server()}).has_value());
  const auto new_trust = next.trusting_client();
  EXPECT_TRUE((Pair{server.get(), &new_trust}).run(ctx, echo, expect_echo).has_value());
  EXPECT_FALSE((Pair{server.get(), &old_trust}).run(ctx, echo, expect_echo).has_value());
}

IO_FIBER_TEST(Tls, APeerThatSpeaksSomethingElseIsAnErrorNotAHang) {
  const TestPki pki;
  const auto trusting = pki.trusting_client();
  const auto plain_server = [](Ctx& task, Transport& transport) {
    return transport.write(task, "HTTP/1.1 400 Bad Request\r\n\r\n");
  };
  const auto result = (Pair{nullptr, &trusting}).run(ctx, plain_server, expect_echo);
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(is(result.error(), Code::kUnavailable));
  const auto silent_server = [](Ctx& task, Transport&) { return task.sleep(1h); };
  auto limited = ctx.with_timeout(20ms);
  EXPECT_TRUE(
      is((Pair{nullptr, &trusting}).run(limited, silent_server, expect_echo).error(), Code::kTimeout));
}

TEST(TlsSettings, NameTheFaultyPem) {
  const TestPki pki;
  EXPECT_TRUE(is(TlsClient::create({.trusted = "garbage"}).error(), Code::kInvalid));
  EXPECT_TRUE(
      is(TlsClient::create({.trusted = pki.trusted() + "-----BEGIN CERTIFICATE-----\nAAAA\n"}).error(),
         Code::kInvalid));
  const auto no_key = TlsServer::create({.identity = {pki.server().certificate_chain, Secret("")}});
  ASSERT_FALSE(no_key.has_value());
  EXPECT_NE(no_key.error().message().find("private key"), std::string::npos);
}

}  // namespace
}  // namespace klutch::http
