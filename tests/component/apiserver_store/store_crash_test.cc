// SPDX-License-Identifier: Apache-2.0
// The API server's store on a disk that loses power, fails or is full at each point there is.
#include <gtest/gtest.h>

#include "apiserver/storage/maintenance.h"
#include "base/os/file.h"
#include "store_workload.h"
#include "testing/fault_disk.h"

namespace klutch::apiserver::testing {
namespace {

using test::FaultDisk;
using Unsynced = FaultDisk::Unsynced;

constexpr int kWriters = 4;
constexpr std::size_t kMostOperations = 5000;

/// Opens what the disk has after a loss of power, through a disk that works.
Result<Stored> read_image(const FaultDisk& disk, Unsynced unsynced, unsigned seed,
                          const std::string& folder) {
  disk.write_image(folder, unsynced, seed);
  const FaultDisk sound;
  return read_store(workload_backend(folder, sound.vfs()));
}

struct Images {
  Unsynced unsynced;
  unsigned seeds;
  const char* name;
};
constexpr Images kImages[] = {{Unsynced::kLost, 1, "all that was not synced is lost"},
                              {Unsynced::kKept, 1, "all is kept"},
                              {Unsynced::kTorn, 1, "the last write is torn"},
                              {Unsynced::kShuffled, 4, "sectors are lost by chance"}};

/// Runs `check` on each state the disk may be in now.
template <class Check>
void for_each_image(const FaultDisk& disk, const Check& check) {
  const auto folder = folder_in_memory();
  for (const auto& image : kImages) {
    for (unsigned seed = 0; seed < image.seeds; ++seed) {
      SCOPED_TRACE(fmt::format("{} (seed {})", image.name, seed));
      const auto stored = read_image(disk, image.unsynced, seed, folder.path());
      ASSERT_TRUE(stored.has_value()) << stored.error().message();
      check(*stored);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

void expect_whole(const Record& record, const Stored& stored) {
  EXPECT_GE(stored.revision, record.last_acknowledged()) << "an acknowledged write is lost";
  // Each commit is there as a whole or not at all, and nothing between them is missing.
  EXPECT_TRUE(stored.objects == record.replay(stored.revision)) << "at revision " << stored.revision;
}

TEST(ApiserverStoreCrash, NoAcknowledgedWriteIsLostWhereverThePowerGoes) {
  std::size_t point = 1;
  std::size_t with_writes = 0;
  for (bool finished = false; !finished; ++point) {
    SCOPED_TRACE(fmt::format("power is lost at operation {}", point));
    ASSERT_LT(point, kMostOperations);
    const auto folder = folder_in_memory();
    FaultDisk disk;
    disk.lose_power_at(point);
    const auto record = run_workload(workload_backend(folder.path(), disk.vfs()), kWriters);
    finished = disk.has_power();
    with_writes += record.acknowledged.empty() ? 0 : 1;
    for_each_image(disk, [&](const Stored& stored) { expect_whole(record, stored); });
    if (HasFailure()) return;
  }
  RecordProperty("points", static_cast<int>(point));
  EXPECT_GT(with_writes, 100U);
}

TEST(ApiserverStoreCrash, RevisionsAreNeverUsedAgainAfterACrashInACrash) {
  for (std::size_t point = 40; point < 400; point += 23) {
    SCOPED_TRACE(fmt::format("power is lost at operation {}", point));
    const auto folder = folder_in_memory();
    FaultDisk disk;
    disk.lose_power_at(point);
    const auto first = run_workload(workload_backend(folder.path(), disk.vfs()), kWriters);
    for (std::size_t again = 1; again < 60; again += 7) {
      SCOPED_TRACE(fmt::format("and at operation {} after the restart", again));
      const auto second_folder = folder_in_memory();
      disk.write_image(second_folder.path(), Unsynced::kShuffled, static_cast<unsigned>(again));
      FaultDisk second_disk;
      second_disk.lose_power_at(again);
      const auto second = run_workload(workload_backend(second_folder.path(), second_disk.vfs()), kWriters);
      for (const auto revision : second.acknowledged) {
        ASSERT_GT(revision, first.last_acknowledged());
      }
      const auto last = std::max(first.last_acknowledged(), second.last_acknowledged());
      for_each_image(second_disk, [&](const Stored& stored) { EXPECT_GE(stored.revision, last); });
      if (HasFailure()) return;
    }
  }
}

TEST(ApiserverStoreCrash, WhatFailedOnceNeverComesBackAndTheStoreGoesOn) {
  std::size_t point = 1;
  std::size_t failures = 0;
  for (bool finished = false; !finished; ++point) {
    SCOPED_TRACE(fmt::format("operation {} fails", point));
    ASSERT_LT(point, kMostOperations);
    const auto folder = folder_in_memory();
    FaultDisk disk;
    disk.fail_at(point);
    const auto record = run_workload(workload_backend(folder.path(), disk.vfs()), kWriters);
    finished = !disk.has_failed();
    failures += record.failed.empty() ? 0 : 1;
    std::set<Revision> failed;
    for (const auto& [revision, uncertain] : record.failed) failed.insert(revision);
    for_each_image(disk, [&](const Stored& stored) {
      EXPECT_GE(stored.revision, record.last_acknowledged());
      EXPECT_TRUE(stored.objects == record.replay(stored.revision, failed));
      EXPECT_EQ(record.acknowledged.size() + failed.size(), record.decided.size());
    });
    if (HasFailure()) return;
  }
  EXPECT_GT(failures, 50U);
}

TEST(ApiserverStoreCrash, AFailureIsToldTrulyEvenIfThePowerGoesAtOnce) {
  std::size_t point = 1;
  std::size_t failures = 0;
  for (bool finished = false; !finished; ++point) {
    SCOPED_TRACE(fmt::format("operation {} fails, then the power", point));
    ASSERT_LT(point, kMostOperations);
    const auto folder = folder_in_memory();
    FaultDisk disk;
    disk.fail_at(point);
    WriterOptions each;
    each.after_answer = [&](const Record& record) {
      if (!record.failed.empty()) disk.lose_power_now();
      return record.failed.empty();
    };
    const auto record = run_workload(workload_backend(folder.path(), disk.vfs()), kWriters, each);
    finished = !disk.has_failed();
    failures += record.failed.empty() ? 0 : 1;
    std::set<Revision> not_stored;
    for (const auto& [revision, uncertain] : record.failed) {
      if (!uncertain) not_stored.insert(revision);
    }
    for_each_image(disk, [&](const Stored& stored) {
      EXPECT_GE(stored.revision, record.last_acknowledged());
      EXPECT_TRUE(stored.objects == record.replay(stored.revision, not_stored));
    });
    if (HasFailure()) return;
  }
  EXPECT_GT(failures, 50U);
}

TEST(ApiserverStoreCrash, AFullDiskRefusesWritesServesReadsAndRecoversByItself) {
  for (std::size_t space = 0; space < 120'000; space += 2'777) {
    SCOPED_TRACE(fmt::format("{} bytes are free", space));
    const auto folder = folder_in_memory();
    FaultDisk disk;
    const auto options = workload_backend(folder.path(), disk.vfs());
    Record record;
    Objects at_the_end;
    const auto put = [&](Ctx& ctx, Storage& storage, const std::string& name) {
      return storage.write(ctx, "secrets", {"ns", name},
                           [&](const StoredObject*, Revision next) -> Result<Decision> {
                             auto bytes = object_bytes({"ns", name}, next, 3000);
                             at_the_end["secrets ns/" + name] = bytes;
                             return Decision::put(std::move(bytes), {});
                           });
    };
    const auto ran = with_storage(options, [&](Ctx& ctx, Storage& storage) -> Result<> {
      disk.set_free_bytes(space);
      int stored = 0;
      while (put(ctx, storage, std::to_string(stored))) ++stored;
      at_the_end.erase("secrets ns/" + std::to_string(stored));
      const auto before = storage.revision();
      for (int i = 0; i < 3; ++i) {
        const auto refused = put(ctx, storage, "refused");
        EXPECT_FALSE(refused.has_value());
        EXPECT_EQ(refused.error().code(), Code::kUnavailable);
        EXPECT_EQ(refused.error().message(), "cannot store the change: the disk is full");
      }
      at_the_end.erase("secrets ns/refused");
      EXPECT_EQ(storage.revision(), before);
      EXPECT_EQ(storage.count("secrets"), static_cast<std::size_t>(stored));
      EXPECT_EQ(storage.get("secrets", {"ns", "refused"}), nullptr);
      EXPECT_TRUE(storage.list("secrets", {}).has_value());
      EXPECT_TRUE(storage.watch("secrets", before).has_value());
      disk.set_free_bytes(std::nullopt);
      EXPECT_GT(TRY(put(ctx, storage, "recovered")).object->revision(), before);
      return {};
    });
    ASSERT_TRUE(ran.has_value()) << ran.error().message();
    for_each_image(disk, [&](const Stored& stored) { EXPECT_TRUE(stored.objects == at_the_end); });
    if (HasFailure()) return;
  }
}

TEST(ApiserverStoreCrash, WritersAtTheSameTimeShareSyncs) {
  constexpr int kMany = 32;
  constexpr int kWrites = 20;
  const auto folder = folder_in_memory();
  FaultDisk disk;
  auto options = workload_backend(folder.path(), disk.vfs());
  options.checkpoint_pages = 0;
  std::size_t syncs = 0;
  std::size_t acknowledged = 0;
  const auto ran = with_storage(options, [&](Ctx& ctx, Storage& storage) -> Result<> {
    const auto before = disk.syncs("");
    async::TaskGroup tasks(ctx);
    for (int number = 0; number < kMany; ++number) {
      tasks.spawn("writer", [&, number](Ctx& task) -> Result<> {
        for (int i = 0; i < kWrites; ++i) {
          const kube::Key key{"ns", std::to_string(number)};
          TRY(storage.write(task, "configmaps", key,
                            [&](const StoredObject*, Revision next) -> Result<Decision> {
                              return Decision::put(object_bytes(key, next, 100), {});
                            }));
          ++acknowledged;
        }
        return {};
      });
    }
    TRY(tasks.wait(ctx));
    syncs = disk.syncs("") - before;
    return {};
  });
  ASSERT_TRUE(ran.has_value()) << ran.error().message();
  EXPECT_EQ(acknowledged, static_cast<std::size_t>(kMany * kWrites));
  EXPECT_GE(syncs, static_cast<std::size_t>(kWrites)) << "each writer waits for its own write";
  EXPECT_LE(syncs, static_cast<std::size_t>(kMany * kWrites / 8)) << "of " << acknowledged << " writes";
  RecordProperty("syncs", static_cast<int>(syncs));
}

}  // namespace
}  // namespace klutch::apiserver::testing
