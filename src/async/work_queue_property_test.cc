// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <set>

#include "async/loop.h"
#include "async/task_group.h"
#include "async/work_queue.h"

// Random additions by several producers to several workers in virtual time. Whatever happens: no key is with
// two workers at once, every addition is followed by work, none of it comes too early or unasked, and
// nothing is held at the end.

namespace klutch::async {
namespace {

using namespace std::chrono_literals;

struct Step {
  enum class Kind { kAdd, kAddAfter, kRetry, kForget, kSleep } kind;
  int key;
  int milliseconds;
  bool low;
};

rc::Gen<Step> arbitrary_step() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::element(Step::Kind::kAdd, Step::Kind::kAddAfter, Step::Kind::kRetry,
                                                 Step::Kind::kForget, Step::Kind::kSleep)),
      rc::gen::set(&Step::key, rc::gen::inRange(0, 6)),
      rc::gen::set(&Step::milliseconds, rc::gen::inRange(0, 50)),
      rc::gen::set(&Step::low, rc::gen::arbitrary<bool>()));
}

class Model {
 public:
  explicit Model(const Ctx& ctx)
      : queue_(ctx.loop(), {.backoff_most = 20ms},
               [](int key) { return static_cast<std::uint64_t>(key % 2); }) {}

  Result<> produce(Ctx& ctx, const std::vector<Step>& steps) {
    for (const Step& step : steps) {
      const auto delay = std::chrono::milliseconds(step.milliseconds);
      const auto priority = step.low ? Priority::kLow : Priority::kNormal;
      switch (step.kind) {
        case Step::Kind::kAdd:
          want(step.key, ctx.now());
          queue_.add(step.key, priority);
          break;
        case Step::Kind::kAddAfter:
          want(step.key, ctx.now() + delay);
          queue_.add_after(step.key, delay, priority);
          break;
        case Step::Kind::kRetry:
          want(step.key, ctx.now());  // at some time from now on
          queue_.add_rate_limited(step.key, priority);
          break;
        case Step::Kind::kForget: queue_.forget(step.key); break;
        case Step::Kind::kSleep: TRY(ctx.sleep(delay)); break;
      }
    }
    return {};
  }

  Result<> work(Ctx& ctx) {
    while (const auto work = TRY(queue_.take(ctx))) {
      RC_ASSERT(active_.insert(work.key()).second);
      const auto wanted = wanted_.find(work.key());
      RC_ASSERT(wanted != wanted_.end());
      RC_ASSERT(ctx.now() >= wanted->second);
      wanted_.erase(wanted);
      TRY(ctx.sleep(std::chrono::milliseconds(3 + work.key())));
      active_.erase(work.key());
    }
    return {};
  }

  /// After every delay, with all workers idle.
  void check_settled() {
    RC_ASSERT(wanted_.empty());
    RC_ASSERT(queue_.waiting() + queue_.delayed() + queue_.active() == 0U);
    for (int key = 0; key < 6; ++key) queue_.forget(key);
    RC_ASSERT(queue_.held() == 0U);
  }

  WorkQueue<int>& queue() { return queue_; }

 private:
  void want(int key, Instant from) {
    const auto [found, added] = wanted_.emplace(key, from);
    if (!added) found->second = std::min(found->second, from);
  }

  WorkQueue<int> queue_;
  std::map<int, Instant> wanted_;
  std::set<int> active_;
};

RC_GTEST_PROP(WorkQueueProperty, NeverTwiceAtOnceNothingLostNothingInvented, ()) {
  const auto first = *rc::gen::container<std::vector<Step>>(arbitrary_step());
  const auto second = *rc::gen::container<std::vector<Step>>(arbitrary_step());
  const int workers = *rc::gen::inRange(1, 4);
  Loop loop({.time = Loop::Time::kVirtual});
  std::exception_ptr failed;
  const auto guarded = [&](auto body) {
    return [&failed, body](Ctx& ctx) -> Result<> {
      try {
        return body(ctx);
      } catch (const rc::detail::CaseResult&) {
        failed = std::current_exception();
        return {};
      }
    };
  };
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    Model model(ctx);
    TaskGroup working(ctx);
    for (int i = 0; i < workers; ++i) {
      working.spawn("worker", guarded([&](Ctx& task) { return model.work(task); }));
    }
    TaskGroup producing(ctx);
    producing.spawn("first", guarded([&](Ctx& task) { return model.produce(task, first); }));
    producing.spawn("second", guarded([&](Ctx& task) { return model.produce(task, second); }));
    TRY(producing.wait(ctx));
    TRY(ctx.sleep(10s));
    if (failed == nullptr)
      TRY(guarded([&](Ctx&) -> Result<> { return model.check_settled(), Result<>(); })(ctx));
    model.queue().shut_down();
    return working.wait(ctx);
  });
  if (failed != nullptr) std::rethrow_exception(failed);
  RC_ASSERT(result.has_value());
}

}  // namespace
}  // namespace klutch::async
