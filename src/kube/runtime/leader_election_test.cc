// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/leader_election.h"

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "json/build.h"
#include "kube/api/kinds.h"
#include "kube/runtime/fake_kube_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;

const Key kLease{"system", "konnector"};

/// A client of one candidate, whose network can be cut.
class Link final : public Client {
 public:
  explicit Link(FakeKube& server) : server_(server) {}
  bool cut = false;
  Result<Object> send(Ctx& ctx, const Request& request) override {
    if (cut) return fail(Code::kUnavailable, "no route to host");
    return server_.send(ctx, request);
  }
  Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override {
    return server_.open(ctx, request);
  }

 private:
  FakeKube& server_;
};

/// One process that wants to lead; it remembers when it did.
struct Candidate {
  Candidate(Ctx& ctx, FakeKube& server, std::string name)
      : identity(std::move(name)), link(server), tasks(ctx, async::TaskGroup::OnError::kKeepGoing) {}

  [[nodiscard]] LeaderElectionOptions options() const {
    return {.lease = kLease, .identity = identity, .clock = &clock};
  }
  void start() {
    tasks.spawn(identity, [this](Ctx& task) -> Result<> {
      result = run_as_leader(task, link, options(), [this](Ctx& led, Client& to) { return lead(led, to); });
      leading = false;
      return {};
    });
  }
  Result<> lead(Ctx& ctx, Client& client) {
    leading = true;
    ++terms;
    led_since = ctx.now();
    fenced = &client;
    if (stubborn) return write_on(ctx);
    async::Event never;
    auto ended = never.wait(ctx);
    if (wind_down > 0s) {
      auto grace = ctx.shielded(wind_down + 1min);
      static_cast<void>(grace.sleep(wind_down));
      last_write = write(grace);
    }
    led_until = ctx.now();
    fenced = nullptr;
    return ended;
  }
  /// Writes as long as it leads, and goes on when it is told to stop.
  Result<> write_on(Ctx& ctx) {
    while (ctx.check()) {
      static_cast<void>(write(ctx));
      static_cast<void>(ctx.sleep(300ms));
    }
    auto on = ctx.shielded(1h);
    for (int i = 0; i < 30; ++i) {
      static_cast<void>(write(on));
      TRY(on.sleep(300ms));
    }
    fenced = nullptr;
    return {};
  }
  Result<> write(Ctx& ctx) {
    ConfigMap config(Key{"system", "written"});
    config.set_data("by", identity);
    auto patched = fenced->patch(ctx, ConfigMap::type(), config.key(), PatchType::kMerge, config.object());
    if (patched) return {};
    return fail(patched.error());
  }

  std::string identity;
  Link link;
  ManualClock clock{Time(24h * 365 * 50)};
  async::TaskGroup tasks;
  bool leading = false;
  int terms = 0;
  Duration wind_down{};
  bool stubborn = false;
  Instant led_since{}, led_until{};
  Client* fenced = nullptr;
  Result<> result;
  Result<> last_write;
};

struct Election {
  explicit Election(Ctx& ctx) : ctx_(ctx) {
    server.put(ConfigMap::type(), ConfigMap({"system", "written"}).take());
  }
  Candidate& join(std::string name) {
    candidates.push_back(std::make_unique<Candidate>(ctx_, server, std::move(name)));
    candidates.back()->start();
    return *candidates.back();
  }
  void wait(Duration duration) { EXPECT_TRUE(ctx_.sleep(duration).has_value()); }
  void stop_all() {
    for (auto& candidate : candidates) candidate->tasks.stop(ctx_);
  }
  [[nodiscard]] Lease lease() const { return Lease(server.at(Lease::type(), kLease)); }

  FakeKube server;
  std::vector<std::unique_ptr<Candidate>> candidates;
  Ctx& ctx_;
};

FIBER_TEST(LeaderElection, TheFirstCandidateMakesTheLeaseAndRenewsIt) {
  Election election(ctx);
  auto& a = election.join("a");
  election.wait(1s);
  EXPECT_TRUE(a.leading);
  EXPECT_EQ(election.lease().holder(), "a");
  EXPECT_EQ(election.lease().duration_seconds(), 15);
  EXPECT_EQ(election.lease().transitions(), 0);
  EXPECT_EQ(election.lease().acquire_time(), a.clock.now());
  a.clock.advance(1h);
  election.wait(1h);
  EXPECT_TRUE(a.leading) << "it leads on although nobody else could say what time it is";
  EXPECT_LE(*election.lease().renew_time() - a.clock.now(), 1us);
  EXPECT_EQ(a.terms, 1);
  election.stop_all();
}

FIBER_TEST(LeaderElection, ReleasingLetsTheNextOneLeadSoon) {
  Election election(ctx);
  auto& a = election.join("a");
  election.wait(1s);
  auto& b = election.join("b");
  election.wait(1min);
  EXPECT_FALSE(b.leading);
  a.tasks.stop(ctx);
  EXPECT_EQ(a.result.error().code(), Code::kCancelled) << "what the body gave";
  EXPECT_EQ(election.lease().holder(), "");
  election.wait(3s);
  EXPECT_TRUE(b.leading);
  EXPECT_EQ(election.lease().transitions(), 1);
  election.stop_all();
}

FIBER_TEST(LeaderElection, ADeadLeaderIsReplacedAfterTheLeaseHasRunOutWhateverTheClocksSay) {
  for (const Duration skew : {Duration(0s), Duration(24h * 365), Duration(-24h * 365)}) {
    Election election(ctx);
    auto& a = election.join("a");
    a.clock.advance(skew);
    election.wait(1s);
    auto& b = election.join("b");
    election.wait(1min);
    const Instant cut_at = ctx.now();
    a.link.cut = true;
    election.wait(2min);
    EXPECT_FALSE(a.leading);
    ASSERT_TRUE(b.leading);
    EXPECT_GE(b.led_since - cut_at, 13s) << "15 s after the last renewal, at most 2 s before the cut";
    EXPECT_LE(b.led_since - cut_at, 18s);
    EXPECT_LE(a.led_until, b.led_since - 3s) << "the old one had stopped by then";
    EXPECT_EQ(a.result.error().code(), Code::kUnavailable);
    election.stop_all();
  }
}

FIBER_TEST(LeaderElection, WritesStopBeforeTheLeaseCanBeTakenOverAlsoWhenTheWorkGoesOn) {
  Election election(ctx);
  auto& a = election.join("a");
  a.wind_down = 1min;  // does not stop when told to
  election.wait(1s);
  auto& b = election.join("b");
  EXPECT_TRUE(a.write(ctx).has_value());
  const Instant cut_at = ctx.now();
  a.link.cut = true;
  Duration refused_after{};
  for (int i = 0; i < 400 && refused_after == 0s; ++i) {
    election.wait(50ms);
    const auto written = a.write(ctx);
    ASSERT_FALSE(written.has_value());
    if (written.error().message().find("not leading") != std::string::npos)
      refused_after = ctx.now() - cut_at;
  }
  EXPECT_LE(refused_after, 10s);
  EXPECT_GE(refused_after, 7s);
  a.link.cut = false;
  election.wait(3s);
  EXPECT_EQ(a.write(ctx).error().code(), Code::kUnavailable) << "the network is back, leadership is not";
  const auto read = a.fenced->find<ConfigMap>(ctx, {"system", "written"});
  EXPECT_TRUE(read.has_value()) << "reading is harmless";
  election.wait(2min);
  EXPECT_TRUE(b.leading);
  EXPECT_EQ(a.last_write.error().code(), Code::kUnavailable);
  election.stop_all();
}

FIBER_TEST(LeaderElection, AWriteDoesNotOutliveTheTimeThatIsOurs) {
  Election election(ctx);
  auto& a = election.join("a");
  election.wait(1s);
  const Instant start = ctx.now();
  election.server.before = [](Ctx& task, const Request& request) -> Result<> {
    if (request.type.resource == "configmaps") return task.sleep(1h);  // a server that does not answer
    return fail(Code::kUnavailable, "nor take a renewal");
  };
  EXPECT_EQ(a.write(ctx).error().code(), Code::kTimeout);
  EXPECT_LE(ctx.now() - start, 12500ms);
  election.server.before = nullptr;
  election.stop_all();
}

FIBER_TEST(LeaderElection, AMachineThatSleptDoesNotWriteBeforeItHasRenewed) {
  Election election(ctx);
  auto& a = election.join("a");
  election.wait(1s);
  EXPECT_TRUE(a.write(ctx).has_value());
  a.clock.advance(1h);  // which the steady clock did not see
  EXPECT_EQ(a.write(ctx).error().code(), Code::kUnavailable);
  election.wait(3s);
  EXPECT_TRUE(a.write(ctx).has_value());
  EXPECT_EQ(a.terms, 1);
  election.stop_all();
}

FIBER_TEST(LeaderElection, ALostAnswerToARenewalIsNoLoss) {
  Election election(ctx);
  auto& a = election.join("a");
  election.wait(1s);
  int lost = 0;
  election.server.after_write = [&](Ctx&, const Request&) -> Result<> {
    if (++lost % 2 == 1) return fail(Code::kUnavailable, "connection reset");
    return {};
  };
  election.wait(10min);
  EXPECT_GT(lost, 10);
  EXPECT_TRUE(a.leading);
  EXPECT_EQ(a.terms, 1);
  election.stop_all();
}

FIBER_TEST(LeaderElection, RenewingGoesOnWhileTheWorkWindsDown) {
  Election election(ctx);
  auto& a = election.join("a");
  a.wind_down = 10min;
  election.wait(1s);
  auto& b = election.join("b");
  election.wait(1s);
  a.tasks.cancel();
  election.wait(9min);
  EXPECT_TRUE(a.leading);
  EXPECT_FALSE(b.leading);
  election.wait(2min);
  EXPECT_TRUE(a.last_write.has_value()) << "the last write of an orderly end counts";
  EXPECT_TRUE(b.leading);
  election.stop_all();
}

FIBER_TEST(LeaderElection, ALeaseThatIsTakenOrDeletedIsLostAtOnce) {
  Election election(ctx);
  auto& a = election.join("a");
  election.wait(1s);
  Lease stolen = election.lease();
  stolen.set_holder("somebody");
  election.server.put(Lease::type(), stolen.object());
  election.wait(3s);
  EXPECT_FALSE(a.leading);
  EXPECT_EQ(a.result.error().code(), Code::kUnavailable);
  EXPECT_NE(a.result.error().message().find("somebody"), std::string::npos);
  EXPECT_EQ(election.lease().holder(), "somebody") << "it is not ours to release";
  election.server.erase(Lease::type(), kLease);
  auto& b = election.join("b");
  election.wait(1s);
  EXPECT_TRUE(b.leading);
  election.server.erase(Lease::type(), kLease);
  election.wait(3s);
  EXPECT_FALSE(b.leading);
  EXPECT_EQ(b.result.error().code(), Code::kUnavailable);
  election.stop_all();
}

FIBER_TEST(LeaderElection, TheWorkOfTheLeaderEndsTheTerm) {
  FakeKube server;
  const auto run = [&](auto body) {
    return run_as_leader(ctx, server, {.lease = kLease, .identity = "a"}, body);
  };
  EXPECT_TRUE(run([](Ctx&, Client&) -> Result<> { return {}; }).has_value());
  EXPECT_EQ(Lease(server.at(Lease::type(), kLease)).holder(), "");
  EXPECT_EQ(run([](Ctx&, Client&) -> Result<> { return fail(Code::kForbidden, "no"); }).error().code(),
            Code::kForbidden);
  EXPECT_EQ(run([](Ctx&, Client&) -> Result<> { throw std::runtime_error("oops"); }).error().code(),
            Code::kInternal);
}

FIBER_TEST(LeaderElection, TellsWhoLeads) {
  FakeKube server;
  std::vector<std::string> seen;
  Lease other(kLease);
  other.set_holder("other");
  other.set_duration_seconds(15);
  server.put(Lease::type(), other.object());
  EXPECT_TRUE(run_as_leader(ctx, server,
                            {.lease = kLease,
                             .identity = "a",
                             .on_new_leader = [&](std::string_view who) { seen.emplace_back(who); }},
                            [](Ctx&, Client&) -> Result<> { return {}; })
                  .has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"other", "a"}));
}

FIBER_TEST(LeaderElection, OptionsThatCannotWorkAreRefusedBeforeAnythingIsSent) {
  struct Case {
    LeaderElectionOptions options;
    const char* reason;
  };
  for (const Case& c : {Case{{}, "no lease"}, Case{{.lease = {"", "a"}}, "no namespace"},
                        Case{{.lease = kLease, .lease_duration = 10s}, "not longer than the renew deadline"},
                        Case{{.lease = kLease, .lease_duration = 15500ms}, "not whole seconds"},
                        Case{{.lease = kLease, .renew_deadline = 3s}, "no time for a second try"},
                        Case{{.lease = kLease, .retry_period = 0s}, "no pause"}}) {
    FakeKube server;
    const auto result = run_as_leader(ctx, server, c.options, [](Ctx&, Client&) -> Result<> { return {}; });
    ASSERT_FALSE(result.has_value()) << c.reason;
    EXPECT_EQ(result.error().code(), Code::kInvalid) << c.reason;
    EXPECT_TRUE(server.requests.empty()) << c.reason;
  }
}

FIBER_TEST(LeaderElection, NeverDoTwoWriteAtOnceUnderRandomTrouble) {
  Election election(ctx);
  for (const char* name : {"a", "b", "c"}) {
    election.join(name).stubborn = true;
  }
  std::minstd_rand random(7);
  election.server.before = [&](Ctx& task, const Request&) -> Result<> {
    return task.sleep(std::chrono::milliseconds(random() % 3000));
  };
  // The server sees writes in this order; a leader that another one has followed must not write again.
  std::pair<std::string, int> current;
  std::set<std::pair<std::string, int>> past;
  std::size_t writes = 0;
  election.server.after_write = [&](Ctx&, const Request& request) -> Result<> {
    if (request.type.resource != "configmaps") return {};
    const ConfigMap written(election.server.at(ConfigMap::type(), {"system", "written"}));
    const std::string writer(written.data("by").value_or(""));
    const auto found = std::find_if(election.candidates.begin(), election.candidates.end(),
                                    [&](const auto& candidate) { return candidate->identity == writer; });
    const std::pair term(writer, (*found)->terms);
    EXPECT_FALSE(past.contains(term)) << writer << " wrote again after somebody else";
    if (term != current) past.insert(std::exchange(current, term));
    ++writes;
    return {};
  };
  for (int step = 0; step < 5000; ++step) {
    election.wait(1s);
    for (auto& candidate : election.candidates) {
      if (random() % 40 == 0) candidate->link.cut = !candidate->link.cut;
      if (candidate->tasks.running() == 0) candidate->start();
    }
  }
  EXPECT_GT(past.size(), 20U);
  EXPECT_GT(writes, 500U);
  election.server.before = nullptr;
  election.stop_all();
}

}  // namespace
}  // namespace klutch::kube
