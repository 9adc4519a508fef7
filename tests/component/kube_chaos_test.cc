// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <malloc.h>

#include <filesystem>
#include <map>

#include "kube_chaos_rig.h"
#include "kube_client_setup.h"
#include "obs/log.h"

// Thousands of random writes through a proxy that loses, breaks, delays and repeats what passes through it,
// while informers of every sort watch through the same proxy. In the end every store equals what the server
// has, no handler has seen an impossible order, and memory, fibers and connections are back where they were.
// A failure prints the seed.

namespace klutch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Fault;
using testing::FaultRule;
using Kind = Fault::Kind;

constexpr int kWriters = 4;

struct Plan {
  std::uint64_t seed = 1;
  std::size_t writes = 2000;
  bool streaming = true;
  Duration stall_timeout = milliseconds(400);
  testing::FaultProxyOptions::Layer layer = testing::FaultProxyOptions::Layer::kHttp;
};

void break_at_random(testing::ServerFaults& faults) {
  const auto often = [&](double probability, Fault fault, const char* verb = "") {
    faults.add({.fault = fault, .verb = verb, .times = FaultRule::kAlways, .probability = probability});
  };
  often(0.004, {Kind::kDropConnection});
  often(0.004, {Kind::kResetConnection});
  often(0.010, {Kind::kLoseAnswer});
  often(0.006, {Kind::kCutBody});
  often(0.004, {Kind::kWrongLength});
  often(0.004, {Kind::kTruncatedJson});
  often(0.004, {Kind::kHtml});
  often(0.010, {Kind::kStatus, {.status = 500}});
  often(0.010, {Kind::kStatus, {.status = 503}});
  often(0.010, {Kind::kStatus, {.status = 429}});
  often(0.002, {Kind::kDrip});
  often(0.030, {Kind::kStall}, "list");
  often(0.050, {Kind::kStatus, {.status = 410}}, "list");
  often(0.200, {Kind::kExpiredContinue}, "list");
  often(0.030, {Kind::kStatus, {.status = 429}}, "watch");
  often(0.030, {Kind::kStatus, {.status = 410}}, "watch");
  often(0.020, {Kind::kHtml}, "watch");
  often(0.150, {Kind::kWatchEnds, {.spread = 60}}, "watch");
  often(0.150, {Kind::kWatchCut, {.spread = 60}}, "watch");
  often(0.080, {Kind::kWatchError, {.status = 410, .spread = 60}}, "watch");
  often(0.080, {Kind::kWatchError, {.status = 500, .spread = 60}}, "watch");
  often(0.080, {Kind::kWatchStall, {.events = 100, .spread = 60}}, "watch");
  often(0.100, {Kind::kDuplicateEvents}, "watch");
  often(0.080, {Kind::kDelayEvents}, "watch");
  often(0.150, {Kind::kReplayEvents, {.events = 30, .spread = 30}}, "watch");
}

/// Connections that die after some bytes, of which the handshake is the first.
void break_bytes_at_random(testing::ServerFaults& faults) {
  const auto often = [&](double probability, Kind kind, std::size_t spread) {
    faults.add(
        {.fault = {kind, {.spread = spread}}, .times = FaultRule::kAlways, .probability = probability});
  };
  often(0.10, Kind::kDropConnection, 2'000);
  often(0.20, Kind::kDropConnection, 60'000);
  often(0.10, Kind::kResetConnection, 2'000);
  often(0.20, Kind::kResetConnection, 60'000);
  often(0.10, Kind::kStall, 60'000);
  often(0.02, Kind::kDrip, 0);
}

std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  for (int kind = 0; kind <= static_cast<int>(Kind::kReplayEvents); ++kind)
    kinds.push_back(static_cast<Kind>(kind));
  return kinds;
}

/// A burst of 5xx now and then, connections broken all at once, history forgotten.
void disturb(testing::FaultProxy& proxy, testing::MemoryApiServer* server, std::uint64_t dice) {
  switch (dice % 400) {
    case 0: proxy.break_connections(); break;
    case 1: proxy.faults().add({.fault = {Kind::kStatus, {.status = 503}}, .times = 20}); break;
    case 2:
    case 3:
    case 4:
      if (server != nullptr) server->compact();
      break;
    default: break;
  }
}

Result<> write_all(Ctx& ctx, Client& client, testing::FaultProxy& proxy, testing::MemoryApiServer* server,
                   const Plan& plan) {
  RandomWriter::Counts total;
  TRY(async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    for (int i = 0; i < kWriters; ++i) {
      tasks.spawn("writer", [&, i](Ctx& task) -> Result<> {
        RandomWriter writer(client, plan.seed * 100 + static_cast<std::uint64_t>(i));
        std::mt19937_64 random(plan.seed * 1000 + static_cast<std::uint64_t>(i));
        for (std::size_t n = 0; n < plan.writes / kWriters; ++n) {
          writer.write_one(task);
          disturb(proxy, server, random());
          // Watches should be of some use before the next compaction.
          if (n % 8 == 0) TRY(task.sleep(milliseconds(2)));
          TRY(task.check());
        }
        total.done += writer.counts().done;
        total.failed += writer.counts().failed;
        return {};
      });
    }
    return {};
  }));
  EXPECT_GT(total.done, plan.writes / 4) << total.failed << " failed";
  return {};
}

/// Waits until every store equals what the server has.
void expect_equal_stores(Ctx& ctx, Client& direct, const std::vector<std::unique_ptr<Watched>>& all) {
  for (const auto& watched : all) {
    const auto give_up = ctx.now() + seconds(20);
    std::string difference = "?";
    while (!difference.empty() && ctx.now() < give_up) {
      auto found = watched->difference(ctx, direct);
      ASSERT_TRUE(found.has_value()) << found.error().message();
      difference = *std::move(found);
      if (difference.empty()) break;
      ASSERT_TRUE(ctx.sleep(milliseconds(5)));
    }
    EXPECT_EQ(difference, "");
    watched->checker().compare_with_store();
    EXPECT_TRUE(watched->checker().complaints().empty()) << watched->name() << "\n"
                                                         << watched->checker().report();
    EXPECT_GT(watched->checker().changes(), 0U) << watched->name();
  }
}

void ensure_world(Ctx& ctx, Client& direct) {
  for (const auto& ns : kChaosSpaces) {
    const auto made = direct.create(ctx, Namespace(ns));
    ASSERT_TRUE(made || is(made.error(), Code::kAlreadyExists)) << made.error().message();
  }
}

void empty_world(Ctx& ctx, Client& direct) {
  const auto no_finalizers = json::object({{"metadata", json::object({{"finalizers", nullptr}})}});
  for (const auto& ns : kChaosSpaces) {
    const auto left = direct.list(ctx, kWidget, {.ns = ns});
    ASSERT_TRUE(left.has_value());
    for (const auto& widget : left->items) {
      static_cast<void>(direct.patch(ctx, kWidget, key(widget), PatchType::kMerge, no_finalizers));
    }
    ASSERT_TRUE(direct.remove_all(ctx, kWidget, {.ns = ns}));
    ASSERT_TRUE(direct.remove_all(ctx, ConfigMap::type(), {.ns = ns}));
  }
}

using Met = std::map<Kind, std::size_t>;

void run_chaos(Ctx& ctx, const testing::KubeServer& server, testing::MemoryApiServer* memory,
               const Plan& plan, Met& met) {
  SCOPED_TRACE("seed " + std::to_string(plan.seed));
  const auto direct = connect_to(ctx, server, seconds(10));
  ensure_world(ctx, *direct);
  testing::FaultProxy proxy(ctx, server, {.layer = plan.layer, .seed = plan.seed});
  const auto client = connect_to(ctx, proxy, milliseconds(300));
  CacheOptions options;
  options.page_size = 7;
  options.stall_timeout = plan.stall_timeout;
  options.backoff_first = milliseconds(1);
  options.backoff_most = milliseconds(30);
  options.streaming_lists = plan.streaming;
  Cache cache(ctx, *client, options);
  auto all = watch_everything(cache, plan.streaming ? "streaming: " : "paging: ");
  const bool bytes = plan.layer == testing::FaultProxyOptions::Layer::kTcp;
  bytes ? break_bytes_at_random(proxy.faults()) : break_at_random(proxy.faults());
  const auto written = write_all(ctx, *client, proxy, memory, plan);
  EXPECT_TRUE(written.has_value()) << written.error().message();
  EXPECT_GT(proxy.faults().injected(), bytes ? 5U : plan.writes / 50);
  for (const auto kind : all_kinds()) met[kind] += proxy.faults().injected(kind);
  proxy.faults().clear();
  expect_equal_stores(ctx, *direct, all);
  all.clear();
  cache.stop(ctx);
  empty_world(ctx, *direct);
}

struct Footprint {
  std::size_t heap = 0;
  std::size_t fibers = 0;
  std::size_t descriptors = 0;

  static Footprint now(Ctx& ctx) {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return {mallinfo2().uordblks, ctx.loop().fiber_count(),
            static_cast<std::size_t>(std::distance(begin(open), end(open)))};
  }
};

constexpr bool heap_can_be_measured() {
#if defined(KLUTCH_ASAN) || defined(KLUTCH_TSAN)
  return false;  // not glibc's allocator
#else
  return true;
#endif
}

void on_a_loop(Duration limit, void (*body)(Ctx&)) {
  ASSERT_TRUE(obs::set_log_levels("off"));  // thousands of failures would be told
  async::Loop loop;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    auto limited = ctx.with_timeout(limit);
    body(limited);
    return {};
  });
  EXPECT_TRUE(result.has_value()) << result.error().message();
  EXPECT_EQ(loop.fiber_count(), 0U) << "fibers leaked";
}

/// Connections end some moments after their client.
void wait_for_quiet(Ctx& ctx, const testing::MemoryApiServer& server) {
  const auto give_up = ctx.now() + seconds(5);
  while (server.open_connections() > 0 && ctx.now() < give_up) ASSERT_TRUE(ctx.sleep(milliseconds(5)));
  EXPECT_EQ(server.open_connections(), 0U);
  EXPECT_EQ(server.open_watches(), 0U);
}

TEST(KubeChaos, StoresEndEqualToTheServerAndNothingIsLeftBehind) {
  on_a_loop(seconds(100), [](Ctx& ctx) {
    testing::MemoryApiServer server(ctx, {.history = 300, .bookmark_interval = milliseconds(50)});
    Footprint first;
    Met met;
    using Layer = testing::FaultProxyOptions::Layer;
    constexpr std::uint64_t kRounds = 6;
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      const auto layer = round == kRounds ? Layer::kTcp : Layer::kHttp;
      run_chaos(ctx, server, &server, {.seed = round, .streaming = round % 2 == 1, .layer = layer}, met);
      wait_for_quiet(ctx, server);
      server.compact();
      if (::testing::Test::HasFailure()) return;
      if (round == 1) first = Footprint::now(ctx);
    }
    for (const auto& [kind, times] : met) {
      const bool apart = kind == Kind::kNoBookmarks || kind == Kind::kIgnoreInitialEvents;
      EXPECT_EQ(times > 0, !apart) << "fault " << static_cast<int>(kind);
    }
    const auto last = Footprint::now(ctx);
    EXPECT_EQ(last.fibers, first.fibers);
    EXPECT_EQ(last.descriptors, first.descriptors);
    if (heap_can_be_measured()) {
      EXPECT_LT(last.heap, first.heap + 256 * 1024) << "bytes of heap";
    }
  });
}

/// The same against whatever server the suites run with: a real one under `./dev test --real kube`.
TEST(KubeChaos, StoresEndEqualToAnyServer) {
  on_a_loop(seconds(100), [](Ctx& ctx) {
    kube::Setup setup(ctx);
    setup.ensure_widgets();
    Met met;
    const Duration stall_timeout = testing::kube_server_is_real() ? seconds(2) : milliseconds(400);
    for (const bool streaming : {true, false}) {
      run_chaos(ctx, *setup.server, nullptr,
                {.seed = streaming ? 101U : 102U,
                 .writes = 1000,
                 .streaming = streaming,
                 .stall_timeout = stall_timeout},
                met);
    }
    EXPECT_GT(met[Kind::kWatchCut], 0U);
  });
}

}  // namespace
}  // namespace klutch::kube
