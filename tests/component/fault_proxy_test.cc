// SPDX-License-Identifier: Apache-2.0
#include "testing/fault_proxy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "http/client.h"
#include "json/parse.h"
#include "kube/client/kubeconfig.h"
#include "testing/fiber_test.h"
#include "testing/memory_api_server.h"

// The proxy that breaks things breaks what it is told to, and nothing else. In front of the API server in
// memory, over plain HTTP requests, so that no Kubernetes client hides anything.

namespace klutch::testing {
namespace {

using std::chrono::milliseconds;
using Kind = Fault::Kind;

constexpr auto kNamespaces = "/api/v1/namespaces";

struct Setup {
  explicit Setup(Ctx& owner, const FaultProxyOptions& options = {})
      : ctx(owner), server(owner), proxy(owner, server, options) {
    const auto config = kube::Kubeconfig::parse(proxy.kubeconfig()).value();
    const auto context = config.get_context(config.current_context()).value();
    http::ClientOptions client_options;
    client_options.tls =
        http::TlsClient::create({.trusted = config.get_cluster(context.cluster)->certificate_authority_data})
            .value();
    client.emplace(owner.loop(), std::move(client_options));
    token = config.get_user(context.user)->token.reveal();
  }
  http::ClientRequest request(const std::string& path) const {
    return {.url = http::Url::parse(proxy.url() + path).value(),
            .headers = {{"Authorization", "Bearer " + token}}};
  }
  Result<http::Response> get(const std::string& path = kNamespaces) {
    return client->send(ctx, request(path));
  }
  int status(const std::string& path = kNamespaces) {
    const auto response = get(path);
    return response ? response->status : -static_cast<int>(response.error().code());
  }
  void once(Fault fault, std::string verb = {}) {
    proxy.faults().add({.fault = fault, .verb = std::move(verb)});
  }
  /// The lines of a watch until its end, `most` at most.
  Result<std::vector<std::string>> watch(const std::string& query, std::ptrdiff_t most = 100) {
    auto response = TRY(client->open(ctx, request(std::string(kNamespaces) + "?watch=1" + query)));
    std::string text;
    while (std::count(text.begin(), text.end(), '\n') < most) {
      const auto piece = TRY(response.body->read(ctx));
      if (piece.empty()) break;
      text += piece;
    }
    std::vector<std::string> types;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      types.emplace_back(json::parse(text.substr(at, end - at)).value().get_string("type").value());
    }
    return types;
  }

  Ctx& ctx;
  MemoryApiServer server;
  FaultProxy proxy;
  std::optional<http::Client> client;
  std::string token;
};

constexpr auto kBroken = -static_cast<int>(Code::kUnavailable);

IO_FIBER_TEST(FaultProxy, PassesEverythingOnWhenNoRuleSaysOtherwise) {
  Setup setup(ctx);
  const auto list = setup.get();
  ASSERT_TRUE(list.has_value()) << list.error().message();
  EXPECT_EQ(json::parse(list->body.view())->find_array("items")->size(), 2U);
  EXPECT_EQ(setup.status("/api/v1/namespaces/none"), 404);
  auto create = setup.request(kNamespaces);
  create.method = "POST";
  create.body = http::Body(R"({"metadata":{"name":"n"}})");
  EXPECT_EQ(setup.client->send(ctx, std::move(create))->status, 201);
  EXPECT_EQ(setup.server.requests("create", "namespaces"), 1U);
  EXPECT_EQ(setup.proxy.connections(), 1U) << "connections are kept";
  EXPECT_EQ(setup.watch("", 3).value(), (std::vector<std::string>{"ADDED", "ADDED", "ADDED"}));
}

IO_FIBER_TEST(FaultProxy, ShowsTheTargetItsOwnCredentialsOrThoseOfTheClient) {
  Setup own(ctx);
  EXPECT_NE(own.token, own.server.token());
  EXPECT_EQ(own.status(), 200);
  Setup passing(ctx, {.pass_credentials = true});
  EXPECT_EQ(passing.token, passing.server.token());
  EXPECT_EQ(passing.status(), 200);
  passing.token = "wrong";
  EXPECT_EQ(passing.status(), 401);
}

IO_FIBER_TEST(FaultProxy, BreaksSingleRequests) {
  Setup setup(ctx);
  struct Row {
    const char* reason;
    Fault fault;
    int status;
    std::size_t seen;  // by the server
  };
  const Row rows[] = {
      {"drop", {Kind::kDropConnection}, kBroken, 0},
      {"reset", {Kind::kResetConnection}, kBroken, 0},
      {"status", {Kind::kStatus, {.status = 503}}, 503, 0},
      {"page", {Kind::kHtml}, 200, 0},
      {"lost answer", {Kind::kLoseAnswer}, kBroken, 1},
      {"cut body", {Kind::kCutBody}, kBroken, 1},
      {"wrong length", {Kind::kWrongLength}, kBroken, 1},
      {"truncated JSON", {Kind::kTruncatedJson}, 200, 1},
      {"slow drip", {Kind::kDrip}, 200, 1},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    setup.client->close_idle();  // or else a request is repeated on its own
    setup.once(row.fault, "list");
    const auto before = setup.server.requests();
    EXPECT_EQ(setup.status(), row.status);
    EXPECT_EQ(setup.server.requests() - before, row.seen);
    EXPECT_EQ(setup.status(), 200) << "once means once";
  }
  EXPECT_EQ(setup.proxy.faults().injected(), std::size(rows));
}

IO_FIBER_TEST(FaultProxy, StallsUntilTheClientGivesUp) {
  Setup setup(ctx);
  setup.once({Kind::kStall});
  auto limited = ctx.with_timeout(milliseconds(30));
  EXPECT_EQ(setup.client->send(limited, setup.request(kNamespaces)).error().code(), Code::kTimeout);
  while (setup.proxy.open_connections() > 0) ASSERT_TRUE(ctx.sleep(milliseconds(1)));
}

IO_FIBER_TEST(FaultProxy, BreaksWatchesEventByEvent) {
  Setup setup(ctx);
  using Types = std::vector<std::string>;
  const std::string streaming =
      "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  EXPECT_EQ(setup.watch(streaming, 3).value(), (Types{"ADDED", "ADDED", "BOOKMARK"}));
  const auto seen = [&](Fault fault, std::ptrdiff_t most = 100) {
    setup.once(fault, "watch");
    const auto types = setup.watch(streaming, most);
    return types ? *types : Types{std::string(traits(types.error().code()).name)};
  };
  EXPECT_EQ(seen({Kind::kWatchEnds}), (Types{}));
  EXPECT_EQ(seen({Kind::kWatchEnds, {.events = 2}}), (Types{"ADDED"}));
  EXPECT_EQ(seen({Kind::kWatchCut, {.events = 2}}), (Types{"ServiceUnavailable"}));
  EXPECT_EQ(seen({Kind::kWatchError, {.status = 410, .events = 3}}), (Types{"ADDED", "ADDED", "ERROR"}));
  EXPECT_EQ(seen({Kind::kDelayEvents}, 3), (Types{"ADDED", "ADDED", "BOOKMARK"}));
  EXPECT_EQ(seen({Kind::kDuplicateEvents}, 4), (Types{"ADDED", "ADDED", "ADDED", "ADDED"}));
  EXPECT_EQ(seen({Kind::kReplayEvents, {.events = 2}}, 4), (Types{"ADDED", "ADDED", "ADDED", "ADDED"}));
  EXPECT_EQ(seen({Kind::kIgnoreInitialEvents}, 2), (Types{"ADDED", "ADDED"}));
  setup.once({Kind::kNoBookmarks}, "watch");
  EXPECT_EQ(setup.watch(streaming + "&timeoutSeconds=1").value(), (Types{"ADDED", "ADDED"}));
}

IO_FIBER_TEST(FaultProxy, ChanceDependsOnTheSeedAlone) {
  const auto pattern = [&](std::uint64_t seed, bool interleaved) {
    ServerFaults faults(seed);
    faults.add({.fault = {Kind::kHtml}, .verb = "list", .times = FaultRule::kAlways, .probability = 0.3});
    std::string text;
    for (int i = 0; i < 200; ++i) {
      if (interleaved) faults.take({.verb = "get", .resource = "x"});
      text += faults.take({.verb = "list", .resource = "x"}) ? 'x' : '.';
    }
    return text;
  };
  EXPECT_EQ(pattern(1, false), pattern(1, true));
  EXPECT_NE(pattern(1, false), pattern(2, false));
  const auto text = pattern(3, true);
  const auto met = std::count(text.begin(), text.end(), 'x');
  EXPECT_GT(met, 30);
  EXPECT_LT(met, 90);
}

IO_FIBER_TEST(FaultProxy, BreaksEveryOpenConnectionAtOnce) {
  Setup setup(ctx);
  auto watch =
      setup.client->open(ctx, setup.request(std::string(kNamespaces) + "?watch=1&resourceVersion=1"));
  ASSERT_TRUE(watch.has_value());
  EXPECT_EQ(setup.proxy.open_connections(), 1U);
  setup.proxy.break_connections();
  for (;;) {
    const auto piece = watch->body->read(ctx);
    if (piece && !piece->empty()) continue;
    ASSERT_FALSE(piece.has_value()) << "an orderly end";
    EXPECT_EQ(piece.error().code(), Code::kUnavailable);
    break;
  }
  while (setup.server.open_watches() > 0) ASSERT_TRUE(ctx.sleep(milliseconds(1)));
}

IO_FIBER_TEST(FaultProxy, BreaksBytesWithoutKnowingWhatTheyMean) {
  Setup setup(ctx, {.layer = FaultProxyOptions::Layer::kTcp});
  EXPECT_EQ(setup.token, setup.server.token()) << "nothing in between can read it";
  EXPECT_EQ(setup.status(), 200);
  struct Row {
    const char* reason;
    Fault fault;
    int status;
  };
  const Row rows[] = {
      {"closed at once", {Kind::kDropConnection}, kBroken},
      {"reset at once", {Kind::kResetConnection}, kBroken},
      {"closed in the handshake", {Kind::kDropConnection, {.events = 100}}, kBroken},
      {"reset after the handshake", {Kind::kResetConnection, {.events = 1500}}, kBroken},
      {"slow", {Kind::kDrip}, 200},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    setup.client->close_idle();
    setup.once(row.fault, "connect");
    EXPECT_EQ(setup.status(), row.status);
  }
}

}  // namespace
}  // namespace klutch::testing
