// SPDX-License-Identifier: Apache-2.0
// The API server's store: writes by many at once on a real disk, reading, watching, starting, and the memory
// of an object and of its history. There is no peer; the counters (writes per sync of the disk, bytes) are
// what to look at, and CPU time per operation.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/storage/storage.h"
#include "async/loop.h"
#include "async/task_group.h"
#include "base/os/file.h"
#include "json/build.h"

namespace {

using namespace klutch;
using namespace klutch::apiserver;

/// An object of about `size` bytes, with two labels.
std::string make_object(const kube::Key& key, Revision revision, std::size_t size) {
  std::string text =
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" + key.name + R"(","namespace":")" +
      key.ns + R"(","resourceVersion":")" + std::to_string(revision) +
      R"(","uid":"0c1b6f7e-4f61-4f0c-9a5e-3f1f2f6f8f11","labels":{"app":"web","tier":"front"}},"data":{"text":")";
  if (text.size() + 3 < size) text.append(size - text.size() - 3, 'x');
  return text + "\"}}";
}

json::Value labels() {
  return json::object({{"app", "web"}, {"tier", "front"}});
}

kube::Key numbered(int number) {
  return {"benchmark", "object-" + std::to_string(number)};
}

Result<> put(Ctx& ctx, Storage& storage, const kube::Key& key, std::size_t size) {
  TRY(storage.write(ctx, "configmaps", key, [&](const StoredObject*, Revision next) -> Result<Decision> {
    return Decision::put(make_object(key, next, size), labels());
  }));
  return {};
}

/// Counts the commits of the backend behind it.
class CountingBackend final : public Backend {
 public:
  CountingBackend(std::unique_ptr<Backend> behind, std::size_t& commits)
      : behind_(std::move(behind)), commits_(commits) {}
  Result<Contents> load() override { return behind_->load(); }
  Result<> commit(const std::vector<RowChange>& changes, Revision revision) override {
    ++commits_;
    return behind_->commit(changes, revision);
  }

 private:
  std::unique_ptr<Backend> behind_;
  std::size_t& commits_;
};

/// Serves a store in `folder` (in memory if it is empty) while `body` runs.
void with_store(benchmark::State& state, const std::string& folder, std::size_t& commits,
                const std::function<Result<>(Ctx&, Storage&)>& body) {
  async::Loop loop;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    auto backend =
        folder.empty() ? make_ephemeral_backend() : TRY(open_sqlite_backend({.path = folder + "/store.db"}));
    auto storage = TRY(Storage::open(ctx, std::make_unique<CountingBackend>(std::move(backend), commits)));
    const auto done = body(ctx, *storage);
    storage->stop(ctx);
    return done;
  });
  if (!result) state.SkipWithError(result.error().message().c_str());
}

constexpr int kWritesEach = 50;

/// Updates of 1 KB by `range(0)` writers at once; range(1): on disk or in memory.
void update(benchmark::State& state) {
  const int writers = static_cast<int>(state.range(0));
  const auto folder = os::TempDir::create().value();
  std::size_t commits = 0;
  std::size_t writes = 0;
  with_store(state, state.range(1) != 0 ? folder.path() : "", commits,
             [&](Ctx& ctx, Storage& storage) -> Result<> {
               for (auto _ : state) {
                 async::TaskGroup tasks(ctx);
                 for (int writer = 0; writer < writers; ++writer) {
                   tasks.spawn("writer", [&, writer](Ctx& task) -> Result<> {
                     for (int i = 0; i < kWritesEach; ++i) TRY(put(task, storage, numbered(writer), 1024));
                     return {};
                   });
                 }
                 TRY(tasks.wait(ctx));
                 writes += static_cast<std::size_t>(writers * kWritesEach);
               }
               return {};
             });
  state.SetItemsProcessed(static_cast<std::int64_t>(writes));
  state.counters["writes_per_commit"] = static_cast<double>(writes) / static_cast<double>(commits);
}
BENCHMARK(update)
    ->ArgNames({"writers", "disk"})
    ->ArgsProduct({{1, 32, 256}, {0, 1}})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime()
    ->MeasureProcessCPUTime();

constexpr int kObjects = 10'000;

Result<> fill(Ctx& ctx, Storage& storage, std::size_t size) {
  async::TaskGroup tasks(ctx);
  int next = 0;
  for (int writer = 0; writer < 256; ++writer) {
    tasks.spawn("writer", [&](Ctx& task) -> Result<> {
      while (next < kObjects) TRY(put(task, storage, numbered(next++), size));
      return {};
    });
  }
  return tasks.wait(ctx);
}

/// Bytes of the heap in use.
double heap() {
  return static_cast<double>(mallinfo2().uordblks);
}

/// Memory per object of `range(0)` bytes, once as it is and with its history of one update.
void memory_per_object(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::size_t commits = 0;
  for (auto _ : state) {
    with_store(state, "", commits, [&](Ctx& ctx, Storage& storage) -> Result<> {
      const auto before = heap();
      TRY(fill(ctx, storage, size));
      const auto with_events = heap();
      storage.compact();
      const auto alone = heap();
      TRY(fill(ctx, storage, size));
      state.counters["bytes_per_object"] = (alone - before) / kObjects;
      state.counters["more_while_new"] = (with_events - alone) / kObjects;
      state.counters["more_per_update"] = (heap() - alone) / kObjects;
      return {};
    });
  }
}
BENCHMARK(memory_per_object)->Arg(300)->Arg(1024)->Arg(4096)->Iterations(1)->Unit(benchmark::kMillisecond);

/// From a database with 10,000 objects of 1 KB to a store that answers.
void start(benchmark::State& state) {
  const auto folder = os::TempDir::create().value();
  std::size_t commits = 0;
  with_store(state, folder.path(), commits,
             [](Ctx& ctx, Storage& storage) { return fill(ctx, storage, 1024); });
  for (auto _ : state) {
    with_store(state, folder.path(), commits, [](Ctx&, Storage&) -> Result<> { return {}; });
  }
}
BENCHMARK(start)->Unit(benchmark::kMillisecond)->UseRealTime()->MeasureProcessCPUTime();

void get(benchmark::State& state) {
  std::size_t commits = 0;
  with_store(state, "", commits, [&](Ctx& ctx, Storage& storage) -> Result<> {
    TRY(fill(ctx, storage, 1024));
    int number = 0;
    for (auto _ : state) {
      benchmark::DoNotOptimize(storage.get("configmaps", numbered(number)));
      number = (number + 4999) % kObjects;
    }
    return {};
  });
}
BENCHMARK(get);

/// All of 10,000, or pages of 500 at one revision.
void list(benchmark::State& state) {
  const auto limit = static_cast<std::size_t>(state.range(0));
  std::size_t commits = 0;
  with_store(state, "", commits, [&](Ctx& ctx, Storage& storage) -> Result<> {
    TRY(fill(ctx, storage, 1024));
    for (auto _ : state) {
      Storage::ListRange range{.ns = "benchmark", .limit = limit};
      while (true) {
        const auto page = TRY(storage.list("configmaps", range));
        if (!page.more) break;
        range.at = page.revision;
        range.after = page.objects.back()->key();
      }
    }
    return {};
  });
  state.SetItemsProcessed(state.iterations() * kObjects);
}
BENCHMARK(list)->ArgName("limit")->Arg(0)->Arg(500)->Unit(benchmark::kMicrosecond);

/// One change seen by `range(0)` watches.
void watch(benchmark::State& state) {
  std::size_t commits = 0;
  with_store(state, "", commits, [&](Ctx& ctx, Storage& storage) -> Result<> {
    std::vector<std::unique_ptr<StoreWatch>> watches;
    for (int i = 0; i < state.range(0); ++i)
      watches.push_back(TRY(storage.watch("configmaps", storage.revision())));
    for (auto _ : state) {
      TRY(put(ctx, storage, numbered(0), 1024));
      for (auto& each : watches) TRY(each->next(ctx));
    }
    return {};
  });
}
BENCHMARK(watch)->ArgName("watches")->Arg(1)->Arg(100)->Arg(1000)->UseRealTime();

}  // namespace
