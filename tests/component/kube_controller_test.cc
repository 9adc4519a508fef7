// SPDX-License-Identifier: Apache-2.0
// Controllers against an API server, the one in memory or the real one: everything from the watch to the
// patch, with writes counted exactly.
#include "kube/runtime/event_recorder.h"
#include "kube/runtime/finalizer.h"
#include "kube/runtime/leader_election.h"
#include "kube_controller_setup.h"
#include "obs/metrics.h"

namespace klutch::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kGuard = "ex.io/guard";

/// A namespace with widgets, and a manager of controllers in it.
struct Fixture {
  explicit Fixture(Ctx& ctx) : cluster(ctx), client(cluster.client()), mgr(ctx, {.metrics = &metrics}) {
    cluster.ensure_widgets();
    mgr.add_cluster(ctx, "cluster", client);
  }
  ControllerBuilder<Object> controller(const std::string& name) {
    auto builder = mgr.controller(name, kWidget);
    builder.selecting({.ns = cluster.ns});
    return builder;
  }
  Object create(const std::string& name) {
    auto created = cluster->create(cluster.ctx, kWidget, widget(cluster.ns, name));
    EXPECT_TRUE(created) << created.error().message();
    return created.value();
  }
  [[nodiscard]] Result<Object> get(const std::string& name) {
    return cluster->get(cluster.ctx, kWidget, {cluster.ns, name});
  }
  [[nodiscard]] bool exists(const std::string& name) {
    return cluster->find(cluster.ctx, kWidget, {cluster.ns, name}).value().has_value();
  }
  void start() {
    mgr.start();
    const auto working = mgr.wait_until_working(cluster.ctx);
    ASSERT_TRUE(working) << working.error().message();
  }
  [[nodiscard]] double reconciles(std::string_view controller, std::string_view result) {
    return metrics
        .counter(
            {.name = "controller_runtime_reconcile_total", .help = "", .labels = {"controller", "result"}})
        .with({controller, result})
        .value();
  }

  obs::Registry metrics;
  Setup cluster;
  WatchedClient client;
  Manager mgr;
};

IO_FIBER_TEST(KubeController, BringsAnObjectToItsGoalWithOneWritePerPartAndThenNone) {
  Fixture f(ctx);
  f.create("a");
  int calls = 0;
  f.controller("goal").run(reconcile_with([&](Ctx&, Object& object) -> Result<Outcome> {
    ++calls;
    Resource view(std::move(object));
    set_label(view.object(), "seen", "yes");
    view.status().set("phase", "Up");
    view.conditions().set_true("Synced");
    view.conditions().summarize();
    object = std::move(view).take();
    return done();
  }));
  f.start();
  EXPECT_TRUE(eventually(ctx, [&] { return phase_of(f.get("a")) == "Up"; }));
  let_settle(ctx);
  EXPECT_EQ(f.client.writes(), 2U) << "metadata, then status";
  auto changed = f.get("a").value();
  EXPECT_EQ(label(changed, "seen"), "yes");
  EXPECT_TRUE(Resource(changed).conditions().is_true("Ready"));
  changed["spec"].set("size", 7);
  const int before = calls;  // the change may arrive before the answer
  ASSERT_TRUE(f.cluster->update(ctx, kWidget, changed));
  EXPECT_TRUE(eventually(ctx, [&] { return calls > before; }));
  let_settle(ctx);
  EXPECT_EQ(f.client.writes(), 2U) << "nothing to change, nothing written";
  f.mgr.stop(ctx);
}

IO_FIBER_TEST(KubeController, AForeignChangeInBetweenIsAConflictThatKeepsBothChanges) {
  Fixture f(ctx);
  f.create("a");
  bool interfered = false;
  f.controller("fought").run(reconcile_with([&](Ctx& task, Object& object) -> Result<Outcome> {
    if (!std::exchange(interfered, true)) {
      TRY(f.cluster->patch(
          task, kWidget, key(object), PatchType::kMerge,
          json::object({{"metadata", json::object({{"labels", json::object({{"by", "another"}})}})}})));
    }
    object["status"].set("phase", label(object, "by") ? "Up" : "Stale");
    return done();
  }));
  f.start();
  EXPECT_TRUE(eventually(ctx, [&] { return phase_of(f.get("a")) == "Up"; }));
  let_settle(ctx);
  EXPECT_EQ(f.client.writes(), 2U) << "the one that was refused, and the right one";
  EXPECT_EQ(f.reconciles("fought", "conflict"), 1);
  EXPECT_EQ(f.reconciles("fought", "error"), 0);
  f.mgr.stop(ctx);
}

IO_FIBER_TEST(KubeController, SeesItsOwnWritesEvenIfItIsCalledAtOnceAgain) {
  Fixture f(ctx);
  f.create("a");
  std::int64_t written = 0;
  int stale = 0;
  f.controller("counter").run(reconcile_with([&](Ctx&, Object& object) -> Result<Outcome> {
    const auto* status = object.find_object("status");
    const auto seen = status != nullptr ? status->find_int("count").value_or(0) : 0;
    if (seen != written) ++stale;
    if (written == 20) return done();
    object["status"].set("count", ++written);
    f.mgr.enqueue("counter", key(object));
    return done();
  }));
  f.start();
  EXPECT_TRUE(eventually(ctx, [&] { return written == 20; }));
  let_settle(ctx);
  EXPECT_EQ(stale, 0);
  EXPECT_EQ(f.client.writes(), 20U);
  EXPECT_EQ(f.reconciles("counter", "conflict"), 0);
  f.mgr.stop(ctx);
}

IO_FIBER_TEST(KubeController, AFinalizerGuardsWhatIsMadeOutside) {
  Fixture f(ctx);
  f.create("a");
  bool made = false;
  int attempts = 0;
  std::vector<std::string> forgotten;
  f.controller("guard").run(reconcile_with(
      [&](Ctx& task, Object& object) {
        return with_finalizer(
            task, object, kGuard,
            {.keep = [&](Ctx& c) -> Result<Outcome> {
               EXPECT_TRUE(has_finalizer(TRY(f.cluster->get(c, kWidget, key(object))), kGuard));
               made = true;
               object["status"].set("phase", "Made");
               return done();
             },
             .clean_up = [&](Ctx&) -> Result<CleanUp> {
               object["status"].set("phase", "Deleting");
               if (++attempts < 3) return fail(Code::kUnavailable, "not now");
               made = false;
               return gone();
             }});
      },
      &forgotten));
  f.start();
  EXPECT_TRUE(eventually(ctx, [&] { return phase_of(f.get("a")) == "Made"; }));
  EXPECT_TRUE(made);
  ASSERT_TRUE(f.cluster->remove(ctx, kWidget, {f.cluster.ns, "a"}));
  EXPECT_TRUE(eventually(ctx, [&] { return !f.exists("a"); }));
  EXPECT_FALSE(made);
  EXPECT_EQ(attempts, 3);
  EXPECT_TRUE(eventually(ctx, [&] { return forgotten == std::vector<std::string>{"a"}; }));
  let_settle(ctx);
  EXPECT_EQ(f.client.writes(), 4U) << "finalizer, status, status while deleting, finalizer";
  EXPECT_EQ(f.reconciles("guard", "conflict"), 0);
  f.mgr.stop(ctx);
}

IO_FIBER_TEST(KubeController, ASecretOfTheOwnerIsMadeAgainWhenSomebodyDeletesIt) {
  Fixture f(ctx);
  f.create("a");
  f.controller("owner")
      .owns<Secret>({.ns = f.cluster.ns})
      .run(reconcile_with([&](Ctx& task, Object& object) -> Result<Outcome> {
        Secret secret(Key{f.cluster.ns, "part-of-" + std::string(name(object))});
        if (TRY(f.client.find<Secret>(task, secret.key()))) return done();
        TRY(set_owner(secret.object(), object, /*controller=*/true));
        TRY(f.client.create(task, secret));
        return done();
      }));
  f.start();
  const Key part{f.cluster.ns, "part-of-a"};
  const auto find_part = [&] { return f.cluster->find<Secret>(ctx, part).value(); };
  EXPECT_TRUE(eventually(ctx, [&] { return find_part().has_value(); }));
  const std::string first(find_part()->uid());
  ASSERT_TRUE(f.cluster->remove<Secret>(ctx, part));
  EXPECT_TRUE(eventually(ctx, [&] { return find_part().has_value(); }));
  EXPECT_NE(find_part()->uid(), first);
  EXPECT_EQ(f.client.writes(), 2U);
  f.mgr.stop(ctx);
}

IO_FIBER_TEST(KubeController, AThousandObjectsAreWrittenOnceEach) {
  Fixture f(ctx);
  constexpr int kObjects = 1000;
  async::TaskGroup makers(ctx);
  for (int maker = 0; maker < 20; ++maker) {
    makers.spawn("maker", [&, maker](Ctx& task) -> Result<> {
      for (int i = maker; i < kObjects; i += 20) {
        TRY(f.cluster->create(task, kWidget, widget(f.cluster.ns, "w" + std::to_string(i))));
      }
      return {};
    });
  }
  ASSERT_TRUE(makers.wait(ctx));
  std::size_t up = 0;
  f.controller("many")
      .options({.workers = 16})
      .run(reconcile_with([&](Ctx&, Object& object) -> Result<Outcome> {
        if (object.contains("status")) ++up;
        object["status"].set("phase", "Up");
        return done();
      }));
  f.start();
  EXPECT_TRUE(eventually(ctx, [&] { return up == kObjects; })) << up;
  EXPECT_EQ(f.client.writes(), static_cast<std::size_t>(kObjects));
  EXPECT_EQ(f.reconciles("many", "success"), 2.0 * kObjects);
  EXPECT_EQ(f.reconciles("many", "conflict"), 0);
  f.mgr.stop(ctx);
}

IO_FIBER_TEST(KubeController, EventsOfTheSameKindAreOneObjectWithACount) {
  Fixture f(ctx);
  const auto about = f.create("a");
  EventRecorder events(ctx, f.client, {.component = "suite"});
  for (int i = 0; i < 5; ++i) events.warning(about, "SecretNotFound", "Secret x does not exist");
  for (int i = 0; i < 100; ++i) events.normal(about, "Attempt", "attempt " + std::to_string(i));
  ASSERT_TRUE(events.flush(ctx));
  EXPECT_EQ(events.lost(), 0U);
  const auto stored = f.cluster->list<Event>(ctx, {.ns = f.cluster.ns});
  ASSERT_TRUE(stored) << stored.error().message();
  int same = 0, combined = 0;
  for (const auto& event : *stored) {
    const auto message = event.object().find_string("message").value_or("");
    if (event.object().find_string("reason") == "SecretNotFound") {
      ++same;
      EXPECT_EQ(event.object().find_int("count"), 5);
      EXPECT_EQ(event.object().find_object("involvedObject")->find_string("uid"), uid(about));
    }
    if (message.substr(0, 9) == "(combined") ++combined;
  }
  EXPECT_EQ(same, 1);
  EXPECT_EQ(combined, 1);
  EXPECT_EQ(stored->size(), 11U);
  EXPECT_EQ(f.client.writes(), 25U);
  events.stop(ctx);
}

/// A program that leads by a lease, with a network of its own that can be cut.
struct Program {
  Program(Ctx& ctx, Setup& cluster, std::string name)
      : cluster_(cluster), identity(std::move(name)), link(cluster.client()), tasks(ctx) {
    link.fail_if = &cut;
  }

  class Link final : public Client {
   public:
    explicit Link(Client& inner) : inner_(inner) {}
    const bool* fail_if = nullptr;
    Result<Object> send(Ctx& ctx, const Request& request) override {
      if (*fail_if) return fail(Code::kUnavailable, "no route to host");
      return inner_.send(ctx, request);
    }
    Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override {
      if (*fail_if) return fail(Code::kUnavailable, "no route to host");
      return inner_.open(ctx, request);
    }

   private:
    Client& inner_;
  };

  void start() {
    tasks.spawn(identity, [this](Ctx& task) -> Result<> {
      result = run_as_leader(task, link,
                             {.lease = {cluster_.ns, "suite"},
                              .identity = identity,
                              .lease_duration = seconds(3),
                              .renew_deadline = seconds(2),
                              .retry_period = milliseconds(300)},
                             [this](Ctx& led, Client& fenced) { return lead(led, fenced); });
      return {};
    });
  }
  Result<> lead(Ctx& ctx, Client& fenced) {
    leading = true;
    Manager mgr(ctx);
    mgr.add_cluster(ctx, "cluster", fenced);
    mgr.controller("widget", kWidget)
        .selecting({.ns = cluster_.ns})
        .run(reconcile_with([this](Ctx&, Object& object) -> Result<Outcome> {
          object["status"].set("phase", identity);
          return done();
        }));
    auto ended = mgr.run(ctx);
    leading = false;
    return ended;
  }

  Setup& cluster_;
  std::string identity;
  bool cut = false;
  bool leading = false;
  Link link;
  Result<> result;
  async::TaskGroup tasks;
};

IO_FIBER_TEST(KubeController, AnotherProgramTakesOverWhenTheLeaderIsCutOffOrEnds) {
  Fixture f(ctx);
  f.create("a");
  Program first(ctx, f.cluster, "first"), second(ctx, f.cluster, "second"), third(ctx, f.cluster, "third");
  first.start();
  EXPECT_TRUE(eventually(ctx, [&] { return phase_of(f.get("a")) == "first"; }));
  second.start();
  let_settle(ctx);
  EXPECT_FALSE(second.leading);
  first.cut = true;
  EXPECT_TRUE(eventually(ctx, [&] {
    EXPECT_FALSE(first.leading && second.leading);
    return phase_of(f.get("a")) == "second";
  }));
  EXPECT_EQ(first.result.error().code(), Code::kUnavailable);
  third.start();
  let_settle(ctx);
  EXPECT_FALSE(third.leading);
  second.tasks.stop(ctx);
  EXPECT_TRUE(second.result.has_value());
  EXPECT_TRUE(eventually(ctx, [&] { return phase_of(f.get("a")) == "third"; }));
  third.tasks.stop(ctx);
  first.tasks.stop(ctx);
  const auto lease = f.cluster->get<Lease>(ctx, {f.cluster.ns, "suite"});
  EXPECT_EQ(lease->holder(), "");
  EXPECT_EQ(lease->transitions(), 2);
}

}  // namespace
}  // namespace klutch::kube
