// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/storage.h"

#include <fmt/format.h>
#include <rapidcheck/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "async/task_group.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using kube::Key;

/// Records commits; may be closed, so that commits wait, and may be told to fail.
class TestBackend final : public Backend {
 public:
  Result<Contents> load() override { return std::move(contents); }
  Result<> commit(const std::vector<RowChange>& changes, Revision revision) override {
    std::unique_lock lock(mutex);
    opened.wait(lock, [&] { return open; });
    if (!broken.empty()) return fail(Code::kUnavailable, broken);
    batches.push_back(changes.size());
    last = revision;
    for (const auto& change : changes) {
      auto& slot = rows[change.type + "/" + change.key.ns + "/" + change.key.name];
      slot = change.object != nullptr ? std::string(change.object->bytes()) : "";
    }
    return {};
  }
  void set_open(bool now) {
    const std::lock_guard lock(mutex);
    open = now;
    opened.notify_all();
  }

  std::mutex mutex;
  std::condition_variable opened;
  bool open = true;
  std::string broken;
  std::vector<std::size_t> batches;
  Revision last = 0;
  std::map<std::string, std::string> rows;
  Contents contents;
};

struct Fixture {
  explicit Fixture(Ctx& owner, StorageOptions options = {}, Backend::Contents contents = {}) : ctx(owner) {
    auto made = std::make_unique<TestBackend>();
    backend = made.get();
    backend->contents = std::move(contents);
    storage = Storage::open(ctx, std::move(made), options).value();
  }
  ~Fixture() { storage->stop(ctx); }

  Result<Storage::Written> put(Ctx& caller, const Key& key, const std::string& bytes) {
    return storage->write(caller, "things", key, [&](const StoredObject*, Revision) -> Result<Decision> {
      return Decision::put(bytes, {});
    });
  }
  Result<Storage::Written> remove(Ctx& caller, const Key& key) {
    return storage->write(caller, "things", key, [](const StoredObject*, Revision) -> Result<Decision> {
      return Decision::remove();
    });
  }
  std::vector<std::string> names(const Storage::ListRange& range) const {
    std::vector<std::string> names;
    const auto page = storage->list("things", range).value();
    for (const auto& object : page.objects) {
      names.push_back(object->key().to_string());
    }
    return names;
  }

  Ctx& ctx;
  TestBackend* backend;
  std::unique_ptr<Storage> storage;
};

std::string describe(const StoreEventPtr& event) {
  if (event == nullptr) return "nothing";
  return fmt::format("{} {} {}->{}", event->revision, event->after->key().to_string(),
                     event->before ? event->before->bytes() : "-",
                     event->deleted ? "-" : event->after->bytes());
}

FIBER_TEST(Storage, GivesEachChangeTheNextRevisionAndKeepsWhatItWasTold) {
  Fixture f(ctx);
  EXPECT_EQ(f.storage->revision(), 0U);
  const auto first = f.put(ctx, {"a", "x"}, "1").value();
  EXPECT_EQ(first.object->revision(), 1U);
  const auto second = f.put(ctx, {"a", "x"}, "2").value();
  EXPECT_EQ(second.object->revision(), 2U);
  EXPECT_EQ(second.object->created(), 1U);
  EXPECT_EQ(f.storage->get("things", {"a", "x"})->bytes(), "2");
  EXPECT_EQ(f.storage->get("others", {"a", "x"}), nullptr);
  EXPECT_EQ(f.storage->revision(), 2U);
  EXPECT_EQ(f.backend->rows["things/a/x"], "2");

  const auto removed = f.remove(ctx, {"a", "x"}).value();
  EXPECT_TRUE(removed.deleted);
  EXPECT_EQ(removed.object->bytes(), "2");
  EXPECT_EQ(removed.object->revision(), 3U);
  EXPECT_EQ(f.storage->get("things", {"a", "x"}), nullptr);
  EXPECT_EQ(f.put(ctx, {"a", "x"}, "3").value().object->created(), 4U) << "a new object of the same name";
}

FIBER_TEST(Storage, KeepingAndRefusingWriteNothing) {
  Fixture f(ctx);
  f.put(ctx, {"a", "x"}, "1").value();
  const auto kept = f.storage->write(ctx, "things", {"a", "x"},
                                     [](const StoredObject* latest, Revision) -> Result<Decision> {
                                       EXPECT_EQ(latest->bytes(), "1");
                                       return Decision::keep();
                                     });
  EXPECT_FALSE(kept.value().changed);
  EXPECT_EQ(kept->object->revision(), 1U);
  const auto refused = f.storage->write(
      ctx, "things", {"a", "x"},
      [](const StoredObject*, Revision) -> Result<Decision> { return fail(Code::kConflict, "no"); });
  EXPECT_EQ(refused.error().code(), Code::kConflict);
  EXPECT_FALSE(f.remove(ctx, {"a", "missing"}).value().changed);
  EXPECT_EQ(f.backend->batches.size(), 1U);
  EXPECT_EQ(f.storage->revision(), 1U);
}

FIBER_TEST(Storage, NobodySeesAChangeBeforeItIsOnDiskButTheNextWriterBuildsOnIt) {
  Fixture f(ctx);
  f.put(ctx, {"a", "x"}, "1").value();
  auto watch = f.storage->watch("things", f.storage->revision()).value();
  f.backend->set_open(false);
  async::TaskGroup tasks(ctx);
  int answered = 0;
  for (int i = 0; i < 10; ++i) {
    tasks.spawn("writer", [&](Ctx& task) -> Result<> {
      const auto written = f.storage->write(task, "things", {"a", "x"},
                                            [](const StoredObject* latest, Revision) -> Result<Decision> {
                                              return Decision::put(std::string(latest->bytes()) + "+", {});
                                            });
      EXPECT_TRUE(written.has_value());
      ++answered;
      return {};
    });
  }
  for (int i = 0; i < 5; ++i) ctx.yield();
  EXPECT_EQ(answered, 0);
  EXPECT_EQ(f.storage->revision(), 1U);
  EXPECT_EQ(f.storage->get("things", {"a", "x"})->bytes(), "1");
  EXPECT_EQ(describe(watch->poll().value()), "nothing");

  f.backend->set_open(true);
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(f.storage->get("things", {"a", "x"})->bytes(), "1++++++++++");
  // One commit for the first object, one that had begun, one for all that came meanwhile.
  EXPECT_LE(f.backend->batches.size(), 3U);
  EXPECT_EQ(f.storage->revision(), 11U);
}

FIBER_TEST(Storage, AFailedCommitFailsAllThatWasBuiltOnItAndLeavesTheOldState) {
  Fixture f(ctx);
  f.put(ctx, {"a", "x"}, "1").value();
  f.backend->set_open(false);
  f.backend->broken = "disk full";
  async::TaskGroup tasks(ctx);
  std::vector<Code> outcomes;
  const auto write = [&](Decision decision) {
    tasks.spawn("writer", [&, decision = std::move(decision)](Ctx& task) mutable -> Result<> {
      const auto written = f.storage->write(
          task, "things", {"a", "x"},
          [&](const StoredObject*, Revision) -> Result<Decision> { return std::move(decision); });
      outcomes.push_back(written ? Code::kInternal : written.error().code());
      return {};
    });
  };
  write(Decision::put("2", {}));
  for (int i = 0; i < 3; ++i) ctx.yield();
  write(Decision::put("3", {}));
  write(Decision::keep());  // its answer would rest on "3"
  for (int i = 0; i < 3; ++i) ctx.yield();
  f.backend->set_open(true);
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(outcomes, (std::vector<Code>{Code::kUnavailable, Code::kUnavailable, Code::kUnavailable}));
  EXPECT_EQ(f.storage->get("things", {"a", "x"})->bytes(), "1");
  EXPECT_EQ(f.storage->revision(), 1U);

  f.backend->broken.clear();
  const auto again = f.put(ctx, {"a", "x"}, "4").value();
  EXPECT_GT(again.object->revision(), 3U) << "revisions that failed are not used again";
}

FIBER_TEST(Storage, ListsAreOrderedAndOfOneRevisionAcrossPages) {
  Fixture f(ctx);
  for (const Key& key : {Key{"b", "1"}, Key{"a", "2"}, Key{"a", "1"}, Key{"c", "1"}, Key{"", "cluster"}}) {
    f.put(ctx, key, key.name).value();
  }
  const auto first = f.storage->list("things", {.limit = 2}).value();
  EXPECT_EQ(f.names({.limit = 2}), (std::vector<std::string>{"cluster", "a/1"}));
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.remaining, 3U);

  // What happens between the pages is not seen by the next ones.
  f.remove(ctx, {"a", "2"}).value();
  f.put(ctx, {"b", "0"}, "new").value();
  f.put(ctx, {"b", "1"}, "changed").value();
  const auto second =
      f.storage->list("things", {.after = Key{"a", "1"}, .at = first.revision, .limit = 2}).value();
  ASSERT_EQ(second.objects.size(), 2U);
  EXPECT_EQ(second.objects[0]->key(), (Key{"a", "2"}));
  EXPECT_EQ(second.objects[1]->bytes(), "1");
  EXPECT_EQ(f.names({.after = Key{"b", "1"}, .at = first.revision}), (std::vector<std::string>{"c/1"}));
  EXPECT_EQ(f.names({}), (std::vector<std::string>{"cluster", "a/1", "b/0", "b/1", "c/1"}));
  EXPECT_EQ(f.names({.ns = "b"}), (std::vector<std::string>{"b/0", "b/1"}));
  EXPECT_EQ(f.names({.ns = "b", .after = Key{"b", "0"}}), (std::vector<std::string>{"b/1"}));
  EXPECT_EQ(f.names({.filter = [](const StoredObject& o) { return o.bytes() == "changed"; }}),
            (std::vector<std::string>{"b/1"}));
  EXPECT_EQ(f.storage->count("things"), 5U);
  EXPECT_EQ(f.storage->count("things", "b"), 2U);
}

FIBER_TEST(Storage, OldStatesAndFutureOnesAreGone) {
  Fixture f(ctx, {.history_events = 2});
  for (int i = 0; i < 5; ++i) f.put(ctx, {"a", "x"}, std::to_string(i)).value();
  EXPECT_EQ(f.storage->oldest_revision("things"), 3U);
  EXPECT_EQ(f.storage->list("things", {.at = 3}).value().objects.at(0)->bytes(), "2");
  EXPECT_EQ(f.storage->list("things", {.at = 2}).error().code(), Code::kGone);
  EXPECT_EQ(f.storage->list("things", {.at = 6}).error().code(), Code::kGone);
  EXPECT_EQ(f.storage->watch("things", 2).error().code(), Code::kGone);
  f.storage->compact();
  EXPECT_EQ(f.storage->list("things", {.at = 4}).error().code(), Code::kGone);
  EXPECT_EQ(f.names({}), (std::vector<std::string>{"a/x"}));
}

FIBER_TEST(Storage, WatchesResumeWithoutGapsAndWaitForMore) {
  Fixture f(ctx);
  f.put(ctx, {"a", "x"}, "1").value();
  f.put(ctx, {"a", "x"}, "2").value();
  f.remove(ctx, {"a", "x"}).value();
  auto watch = f.storage->watch("things", 1).value();
  EXPECT_EQ(describe(watch->next(ctx).value()), "2 a/x 1->2");
  EXPECT_EQ(describe(watch->next(ctx).value()), "3 a/x 2->-");
  async::TaskGroup tasks(ctx);
  tasks.spawn("writer", [&](Ctx& task) -> Result<> {
    f.put(task, {"a", "y"}, "new").value();
    return {};
  });
  EXPECT_EQ(describe(watch->next(ctx).value()), "4 a/y -->new");
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  auto brief = ctx.with_timeout(std::chrono::seconds(1));
  EXPECT_EQ(watch->next(brief).error().code(), Code::kTimeout);
  EXPECT_EQ(watch->position(), 4U);
}

FIBER_TEST(Storage, AWatchThatFellBehindIsGoneAndOneThatKeptUpIsNot) {
  Fixture f(ctx, {.history_events = 3});
  auto slow = f.storage->watch("things", 0).value();
  auto quick = f.storage->watch("things", 0).value();
  for (int i = 0; i < 10; ++i) {
    f.put(ctx, {"a", "x"}, std::to_string(i)).value();
    EXPECT_EQ(quick->next(ctx).value()->revision, static_cast<Revision>(i) + 1);
  }
  EXPECT_EQ(slow->next(ctx).error().code(), Code::kGone);
}

FIBER_TEST(Storage, CountsForMetricsAndRemembersTheTroubleOfTheLastCommit) {
  Fixture f(ctx);
  f.put(ctx, {"a", "x"}, "12345").value();
  f.put(ctx, {"a", "y"}, "12345").value();
  f.remove(ctx, {"a", "x"}).value();
  f.backend->broken = "disk full";
  EXPECT_FALSE(f.put(ctx, {"a", "z"}, "1").has_value());
  auto now = f.storage->statistics();
  EXPECT_EQ(now.commits, 3U);
  EXPECT_EQ(now.changes, 3U);
  EXPECT_EQ(now.failed_changes, 1U);
  EXPECT_EQ(now.waiting_changes, 0U);
  EXPECT_EQ(now.objects, 1U);
  EXPECT_EQ(now.history_events, 3U);
  EXPECT_EQ(now.history_bytes, 15U);
  ASSERT_TRUE(now.trouble.has_value());
  EXPECT_NE(now.trouble->message().find("disk full"), std::string::npos);

  f.backend->broken.clear();
  f.backend->set_open(false);
  async::TaskGroup tasks(ctx);
  for (int i = 0; i < 5; ++i) {
    tasks.spawn("writer", [&, i](Ctx& task) -> Result<> {
      EXPECT_TRUE(f.put(task, {"b", std::to_string(i)}, "1").has_value());
      return {};
    });
  }
  for (int i = 0; i < 5; ++i) ctx.yield();
  EXPECT_EQ(f.storage->statistics().waiting_changes, 5U);
  f.backend->set_open(true);
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_FALSE(f.storage->statistics().trouble.has_value());
}

FIBER_TEST(Storage, AnEphemeralStoreThatBeginsWithTheTimeDoesNotKnowItsFormerLife) {
  const Time start{std::chrono::hours(24 * 365 * 56)};
  Revision seen = 0;
  for (const auto life : {start, start + std::chrono::seconds(1)}) {
    auto storage = Storage::open(ctx, make_ephemeral_backend(ephemeral_start(life))).value();
    if (seen != 0) {
      EXPECT_EQ(storage->watch("things", seen).error().code(), Code::kGone);
    }
    const auto written = storage->write(
        ctx, "things", {"a", "x"},
        [](const StoredObject*, Revision) -> Result<Decision> { return Decision::put("{}", {}); });
    EXPECT_GT(written.value().object->revision(), seen);
    seen = written->object->revision();
    storage->stop(ctx);
  }
  EXPECT_LT(seen, Revision{1} << 53U) << "clients that read it as a double must not round it";
}

FIBER_TEST(Storage, ATypeThatNobodyChangesForgetsItsEventsToo) {
  Fixture f(ctx, {.history_age = std::chrono::minutes(6)});
  f.put(ctx, {"a", "x"}, "1").value();
  f.put(ctx, {"a", "x"}, "2").value();
  const auto touch_other_type = [&] {
    f.storage
        ->write(ctx, "others", {"a", "x"},
                [](const StoredObject*, Revision) -> Result<Decision> { return Decision::put("{}", {}); })
        .value();
  };
  ASSERT_TRUE(ctx.sleep(std::chrono::minutes(5)).has_value());
  touch_other_type();
  EXPECT_TRUE(f.storage->watch("things", 0).has_value());
  ASSERT_TRUE(ctx.sleep(std::chrono::minutes(2)).has_value());
  touch_other_type();
  EXPECT_EQ(f.storage->oldest_revision("things"), 2U);
  EXPECT_EQ(f.storage->watch("things", 1).error().code(), Code::kGone);
  EXPECT_EQ(f.storage->get("things", {"a", "x"})->bytes(), "2");
}

FIBER_TEST(Storage, WhatWatchersMadeOfAnEventIsDroppedSoon) {
  Fixture f(ctx);
  const auto encodings = [&] {
    return f.storage->watch("things", 0).value()->next(ctx).value()->encodings.size();
  };
  f.put(ctx, {"a", "x"}, "1").value();
  f.storage->watch("things", 0).value()->next(ctx).value()->encodings.emplace_back("form", nullptr);
  f.put(ctx, {"a", "y"}, "1").value();
  EXPECT_EQ(encodings(), 1U) << "others may follow closely";
  ASSERT_TRUE(ctx.sleep(std::chrono::minutes(1)).has_value());
  f.put(ctx, {"a", "z"}, "1").value();
  EXPECT_EQ(encodings(), 0U);
}

FIBER_TEST(Storage, StoppingWritesWhatWaitsAndEndsWatches) {
  Fixture f(ctx);
  auto watch = f.storage->watch("things", 0).value();
  async::TaskGroup tasks(ctx);
  Result<StoreEventPtr> last = StoreEventPtr();
  tasks.spawn("writer", [&](Ctx& task) -> Result<> {
    EXPECT_TRUE(f.put(task, {"a", "x"}, "1").has_value());
    return {};
  });
  tasks.spawn("watcher", [&](Ctx& task) -> Result<> {
    EXPECT_TRUE(watch->next(task).has_value());
    last = watch->next(task);
    return {};
  });
  ctx.yield();
  f.storage->stop(ctx);
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_EQ(f.backend->rows["things/a/x"], "1");
  EXPECT_EQ(last.error().code(), Code::kCancelled);
  EXPECT_EQ(f.put(ctx, {"a", "x"}, "2").error().code(), Code::kUnavailable);
}

FIBER_TEST(Storage, TooManyWaitingChangesAreRefusedWithAHint) {
  Fixture f(ctx, {.batch_changes = 1, .waiting_changes = 2});
  f.backend->set_open(false);
  async::TaskGroup tasks(ctx);
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    tasks.spawn("writer", [&, i](Ctx& task) -> Result<> {
      const auto written = f.storage->write(
          task, "things", {"a", std::to_string(i)},
          [](const StoredObject*, Revision) -> Result<Decision> { return Decision::put("{}", {}); });
      if (written) return {};
      EXPECT_EQ(written.error().code(), Code::kTooManyRequests);
      EXPECT_TRUE(written.error().retry_after().has_value());
      ++refused;
      return {};
    });
  }
  for (int i = 0; i < 5; ++i) ctx.yield();
  f.backend->set_open(true);
  ASSERT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_GE(refused, 2);
}

FIBER_TEST(Storage, StartsFromWhatTheBackendHasAndKnowsNothingBefore) {
  Backend::Contents contents;
  contents.revision = 40;
  contents.rows.push_back({"things", {"a", "x"}, 7, 30, R"({"metadata":{"labels":{"l":"1"}}})"});
  Fixture f(ctx, {}, std::move(contents));
  const auto object = f.storage->get("things", {"a", "x"});
  EXPECT_EQ(object->revision(), 30U);
  EXPECT_EQ(object->labels()->find_string("l"), "1");
  EXPECT_EQ(f.storage->watch("things", 39).error().code(), Code::kGone);
  EXPECT_EQ(f.storage->watch("unheard-of", 39).error().code(), Code::kGone);
  EXPECT_TRUE(f.storage->watch("things", 40).has_value());
  EXPECT_EQ(f.put(ctx, {"a", "x"}, "{}").value().object->revision(), 41U);
  EXPECT_EQ(f.storage->types(), (std::vector<std::string>{"things"}));
}

FIBER_TEST(Storage, ADamagedObjectIsNamed) {
  auto backend = std::make_unique<TestBackend>();
  backend->contents.rows.push_back({"things", {"a", "x"}, 1, 1, "{"});
  const auto opened = Storage::open(ctx, std::move(backend));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), Code::kInternal);
  EXPECT_NE(opened.error().message().find("things a/x"), std::string::npos);
}

/// Any history of writes, read back at every revision that is still known, is what a simple model says.
RC_GTEST_PROP(StorageProperty, EveryKnownRevisionCanBeListedAndWatched, ()) {
  struct Step {
    int name;
    bool remove;
  };
  const auto steps = *rc::gen::container<std::vector<Step>>(
      rc::gen::construct<Step>(rc::gen::inRange(0, 5), rc::gen::arbitrary<bool>()));
  const auto kept = *rc::gen::inRange<std::size_t>(1, 20);
  async::Loop loop({.time = async::Loop::Time::kVirtual});
  const auto ran = loop.run([&](Ctx& ctx) -> Result<> {
    Fixture f(ctx, {.history_events = kept});
    using Model = std::map<std::string, std::string>;
    std::vector<Model> models{{}};
    for (const auto& step : steps) {
      const Key key{"n", std::to_string(step.name)};
      auto model = models.back();
      const bool changes = !step.remove || model.contains(key.to_string());
      const auto bytes = std::to_string(models.size());
      RC_ASSERT((step.remove ? f.remove(ctx, key) : f.put(ctx, key, bytes)).value().changed == changes);
      if (!changes) continue;
      step.remove ? static_cast<void>(model.erase(key.to_string()))
                  : static_cast<void>(model[key.to_string()] = bytes);
      models.push_back(std::move(model));
    }
    RC_ASSERT(f.storage->revision() + 1 == models.size());
    for (Revision at = 1; at < models.size(); ++at) {
      const auto page = f.storage->list("things", {.at = at});
      RC_ASSERT(page.has_value() == (at >= f.storage->oldest_revision("things")));
      if (!page) continue;
      Model seen;
      for (const auto& object : page->objects) seen[object->key().to_string()] = object->bytes();
      RC_ASSERT(seen == models[at]);
      // The events after it lead to the present.
      auto watch = f.storage->watch("things", at).value();
      for (auto event = watch->poll().value(); event != nullptr; event = watch->poll().value()) {
        const auto name = event->after->key().to_string();
        RC_ASSERT((event->before != nullptr) == seen.contains(name));
        if (event->deleted) {
          seen.erase(name);
        } else {
          seen[name] = event->after->bytes();
        }
      }
      RC_ASSERT(seen == models.back());
    }
    return {};
  });
  RC_ASSERT(ran.has_value());
}

FIBER_TEST(Storage, CountsWhatIsDecidedButNotCommitted) {
  auto storage = *Storage::open(ctx, make_ephemeral_backend());
  const auto write = [&](Ctx& task, std::string name, Decision decision, std::size_t* seen) {
    return storage->write(task, "things", {"a", std::move(name)},
                          [&](const StoredObject*, Revision) -> Result<Decision> {
                            if (seen != nullptr) *seen = storage->count_latest("things", "a");
                            return decision;
                          });
  };
  ASSERT_TRUE(write(ctx, "one", Decision::put("{}", {}), nullptr));
  std::size_t before_two = 0;
  std::size_t before_removal = 0;
  std::size_t at_last = 0;
  async::TaskGroup tasks(ctx);
  const auto spawn = [&](std::string name, Decision decision, std::size_t* seen) {
    tasks.spawn("write", [&write, name, decision, seen](Ctx& task) -> Result<> {
      TRY(write(task, name, decision, seen));
      return {};
    });
  };
  spawn("two", Decision::put("{}", {}), &before_two);
  spawn("one", Decision::remove(), &before_removal);
  spawn("three", Decision::put("{}", {}), &at_last);
  ASSERT_TRUE(tasks.wait(ctx));
  EXPECT_EQ(before_two, 1U);
  EXPECT_EQ(before_removal, 2U);
  EXPECT_EQ(at_last, 1U);
  EXPECT_EQ(storage->count("things", "a"), 2U);
  EXPECT_EQ(storage->count_latest("things", "b"), 0U);
  storage->stop(ctx);
}

FIBER_TEST(StorageObserver, SeesEveryCommittedChangeUntilItIsDropped) {
  auto storage = *Storage::open(ctx, make_ephemeral_backend());
  std::vector<std::string> seen;
  auto handle = storage->observe([&](std::string_view type, const StoreEvent& event) {
    seen.push_back(std::string(type) + "/" + event.after->key().name + (event.deleted ? " gone" : ""));
  });
  const auto write = [&](std::string name, Decision decision) {
    ASSERT_TRUE(storage->write(ctx, "things", {"", std::move(name)},
                               [&](const StoredObject*, Revision) -> Result<Decision> { return decision; }));
  };
  write("a", Decision::put("{}", {}));
  write("a", Decision::remove());
  handle.reset();
  write("b", Decision::put("{}", {}));
  EXPECT_EQ(seen, (std::vector<std::string>{"things/a", "things/a gone"}));
  storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
