// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/finalizer.h"

#include "kube/runtime/controller_loop_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using namespace std::chrono_literals;
using testing::Fixture;
using testing::kWidget;
using testing::widget;
using testing::widget_key;

constexpr std::string_view kFinalizer = "example.com/guard";

/// A thing outside of the cluster that exists once for each object, and a controller that keeps it.
struct Guarded {
  explicit Guarded(Ctx& ctx) : f(ctx) {
    f.reconciler->on_reconcile = [this](Ctx& task, Object& object) {
      return with_finalizer(task, object, kFinalizer,
                            {.keep = [&](Ctx&) -> Result<Outcome> {
                               EXPECT_TRUE(stored_finalizer()) << "made without a guard";
                               ++keeps;
                               exists = true;
                               return done();
                             },
                             .clean_up = [this](Ctx&) { return clean_up(); }});
    };
  }
  Result<CleanUp> clean_up() {
    ++clean_ups;
    if (failures > 0) {
      --failures;
      return fail(Code::kUnavailable, "cannot delete now");
    }
    if (passes_left > 0) {
      --passes_left;
      return still_there(1min);
    }
    exists = false;
    return gone();
  }
  [[nodiscard]] bool stored_finalizer() const {
    return f.server.has(kWidget, widget_key("a")) &&
           has_finalizer(f.server.at(kWidget, widget_key("a")), kFinalizer);
  }

  Fixture f;
  bool exists = false;
  int keeps = 0, clean_ups = 0, failures = 0, passes_left = 0;
};

FIBER_TEST(Finalizer, IsStoredBeforeAnythingIsMade) {
  Guarded g(ctx);
  g.f.put(widget("a"));
  g.f.run_for(ctx, 1min);
  EXPECT_TRUE(g.exists);
  EXPECT_TRUE(g.stored_finalizer());
  EXPECT_EQ(g.f.server.writes(), 1U);
  g.f.stop(ctx);
}

FIBER_TEST(Finalizer, IsDroppedOnlyWhenTheThingIsGone) {
  Guarded g(ctx);
  g.f.put(widget("a"));
  g.f.run_for(ctx, 1min);
  g.failures = 3;
  g.passes_left = 2;
  g.f.erase("a");
  g.f.run_for(ctx, 30s);
  EXPECT_EQ(g.failures, 0);
  EXPECT_TRUE(g.exists && g.stored_finalizer());
  g.f.run_for(ctx, 1h);
  EXPECT_FALSE(g.exists);
  EXPECT_FALSE(g.f.server.has(kWidget, widget_key("a")));
  EXPECT_EQ(g.clean_ups, 3 + 2 + 1);
  EXPECT_EQ(g.f.reconciler->forgotten, (std::vector<std::string>{"a"}));
  g.f.stop(ctx);
}

FIBER_TEST(Finalizer, AnObjectDeletedBeforeItHadOneIsLeftAlone) {
  Guarded g(ctx);
  auto doomed = widget("a");
  add_finalizer(doomed, "example.com/of-another");
  g.f.put(doomed);
  g.f.erase("a");
  g.f.run_for(ctx, 1h);
  EXPECT_EQ(g.keeps + g.clean_ups, 0);
  EXPECT_EQ(g.f.server.writes(), 0U);
  EXPECT_TRUE(g.f.server.has(kWidget, widget_key("a")));
  g.f.stop(ctx);
}

FIBER_TEST(Finalizer, ThatCannotBeStoredLetsNothingBeMade) {
  Guarded g(ctx);
  g.f.server.before = [](Ctx&, const Request& request) -> Result<> {
    if (request.verb == Verb::kPatch) return fail(Code::kForbidden, "no patch for you");
    return {};
  };
  g.f.put(widget("a"));
  g.f.run_for(ctx, 1h);
  EXPECT_EQ(g.keeps, 0);
  EXPECT_GT(g.f.reconciler->calls(), 3U);
  g.f.stop(ctx);
}

}  // namespace
}  // namespace klutch::kube
