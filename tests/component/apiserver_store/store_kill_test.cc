// SPDX-License-Identifier: Apache-2.0
// The API server's store in a process that is killed, and beside other processes that work on it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "apiserver/storage/maintenance.h"
#include "base/os/descriptor.h"
#include "base/os/file.h"
#include "store_workload.h"

namespace klutch::apiserver::testing {
namespace {

constexpr int kServerWriters = 32;

/// What a serving process says about a write that was acknowledged. Smaller than PIPE_BUF: never torn.
struct Acknowledgement {
  Revision revision = 0;
  int writer = 0;
  int deleted = 0;
};

SqliteBackendOptions options_of(const StoreFiles& files) {
  return {.path = files.database(),
          .sealed_types = {"secrets"},
          .key_file = files.key_file(),
          .checkpoint_pages = 64};
}

kube::Key key_of(int writer) {
  return {"ns", fmt::format("w{}", writer)};
}
std::string type_of(int writer) {
  return writer % 2 == 0 ? "secrets" : "configmaps";
}

/// Each writer changes its own object, over and over.
Result<> write_for_ever(Ctx& ctx, Storage& storage, int writer, int acknowledgements) {
  for (int i = 0;; ++i) {
    const bool remove = i % 7 == 6;
    const auto key = key_of(writer);
    const auto written = TRY(
        storage.write(ctx, type_of(writer), key, [&](const StoredObject*, Revision next) -> Result<Decision> {
          if (remove) return Decision::remove();
          return Decision::put(object_bytes(key, next, i % 5 == 0 ? 9000 : 100), {});
        }));
    if (!written.changed) continue;
    const Acknowledgement said{written.object->revision(), writer, written.deleted ? 1 : 0};
    if (::write(acknowledgements, &said, sizeof said) != sizeof said) ::_exit(3);
  }
}

/// The life of the serving process; it is killed.
[[noreturn]] void serve_for_ever(const StoreFiles& files, int acknowledgements) {
  static_cast<void>(with_storage(options_of(files), [&](Ctx& ctx, Storage& storage) {
    return async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
      for (int writer = 0; writer < kServerWriters; ++writer) {
        tasks.spawn("writer", [&, writer](Ctx& task) {
          return write_for_ever(task, storage, writer, acknowledgements);
        });
      }
      return {};
    });
  }));
  ::_exit(2);
}

/// A process that serves the store until it is killed.
class ServingProcess {
 public:
  explicit ServingProcess(const StoreFiles& files) {
    auto pipe = os::make_pipe().value();
    pid_ = ::fork();
    if (pid_ == 0) {
      pipe.read_end.reset();
      serve_for_ever(files, pipe.write_end.get());
    }
    said_ = std::move(pipe.read_end);
  }
  ServingProcess(const ServingProcess&) = delete;
  ServingProcess& operator=(const ServingProcess&) = delete;
  ~ServingProcess() {
    if (pid_ > 0) kill();
  }

  [[nodiscard]] int pid() const noexcept { return pid_; }

  /// The next `count` acknowledgements.
  std::vector<Acknowledgement> read(std::size_t count) {
    std::vector<Acknowledgement> all;
    Acknowledgement one;
    while (all.size() < count && ::read(said_.get(), &one, sizeof one) == sizeof one) all.push_back(one);
    return all;
  }
  /// kill -9; everything it said before.
  std::vector<Acknowledgement> kill() {
    ::kill(pid_, SIGKILL);
    auto rest = read(static_cast<std::size_t>(-1));
    int status = 0;
    ::waitpid(pid_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself with status " << status;
    pid_ = -1;
    return rest;
  }

 private:
  int pid_ = -1;
  os::Descriptor said_;
};

/// The last acknowledgement of each writer; revisions must grow.
class Ledger {
 public:
  void enter(const std::vector<Acknowledgement>& all) {
    for (const auto& one : all) {
      ASSERT_TRUE(seen_.insert(one.revision).second) << "revision " << one.revision << " was used twice";
      last_ = std::max(last_, one.revision);
      by_writer_[one.writer] = one;
    }
  }
  [[nodiscard]] Revision last() const noexcept { return last_; }
  [[nodiscard]] std::size_t size() const noexcept { return seen_.size(); }

  /// Each object is as acknowledged, or as a change that its writer had begun after that.
  void compare(const Stored& stored) const {
    EXPECT_GE(stored.revision, last_);
    for (const auto& [writer, said] : by_writer_) {
      const auto found = stored.objects.find(type_of(writer) + " " + key_of(writer).to_string());
      if (found == stored.objects.end()) {
        // Deleted: by the acknowledged change, or by one after it.
        EXPECT_TRUE(said.deleted != 0 || stored.revision > said.revision) << "writer " << writer;
        continue;
      }
      const auto mark = std::string_view(R"("resourceVersion":")");
      const auto revision = std::stoull(found->second.substr(found->second.find(mark) + mark.size()));
      if (said.deleted != 0) {
        EXPECT_GT(revision, said.revision) << "writer " << writer << ": what was deleted is back";
      } else {
        EXPECT_GE(revision, said.revision) << "writer " << writer << ": an acknowledged write is lost";
      }
    }
  }

 private:
  std::set<Revision> seen_;
  std::map<int, Acknowledgement> by_writer_;
  Revision last_ = 0;
};

class ApiserverStoreKill : public ::testing::Test {
 protected:
  os::TempDir folder_ = os::TempDir::create().value();
  StoreFiles files_{folder_.path()};
};

TEST_F(ApiserverStoreKill, AHundredKillsUnder32WritersLoseNothingAndReuseNoRevision) {
  constexpr int kKills = 100;
  std::mt19937 random(1);
  Ledger ledger;
  for (int round = 0; round < kKills; ++round) {
    SCOPED_TRACE(fmt::format("kill {}", round));
    const Revision last_before = ledger.last();
    {
      ServingProcess server(files_);
      // Sometimes before it serves, mostly in the midst of it.
      const auto first = server.read(random() % 10 == 0 ? 0 : 1 + random() % 200);
      for (const auto& said : first) ASSERT_GT(said.revision, last_before);
      ledger.enter(first);
      ledger.enter(server.kill());
    }
    const auto stored = read_store(options_of(files_));
    ASSERT_TRUE(stored.has_value()) << stored.error().message();
    ledger.compare(*stored);
    if (HasFailure()) return;
  }
  EXPECT_GT(ledger.size(), 1000U);
  RecordProperty("acknowledged", static_cast<int>(ledger.size()));
  EXPECT_TRUE(check_store(files_).value().is_sound());
}

TEST_F(ApiserverStoreKill, BackupsBesideAServerAreWholeAndHaveWhatWasAcknowledgedBefore) {
  ServingProcess server(files_);
  Ledger ledger;
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(fmt::format("backup {}", round));
    ledger.enter(server.read(100));
    const auto target = folder_.file(fmt::format("backup-{}.db", round));
    const auto backup = back_up_store(files_, {.target = target});
    ASSERT_TRUE(backup.has_value()) << backup.error().message();
    EXPECT_GE(backup->revision, ledger.last());

    const StoreFiles restored{folder_.file(fmt::format("restored-{}", round))};
    ASSERT_TRUE(os::make_directories(restored.folder).has_value());
    ASSERT_TRUE(
        os::write_file_atomic(restored.key_file(), os::read_file(files_.key_file()).value()).has_value());
    const auto summary = restore_store(restored, {.source = target});
    ASSERT_TRUE(summary.has_value()) << summary.error().message();
    EXPECT_EQ(summary->backup_revision, backup->revision);
    auto stored = read_store(options_of(restored)).value();
    stored.revision = backup->revision;
    ledger.compare(stored);
  }
  ledger.enter(server.kill());
  ledger.compare(read_store(options_of(files_)).value());
}

TEST_F(ApiserverStoreKill, CheckingAndCompactingBesideAServerDisturbNeither) {
  ServingProcess server(files_);
  Ledger ledger;
  for (int round = 0; round < 10; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    ledger.enter(server.read(100));
    const auto report = check_store(files_);
    ASSERT_TRUE(report.has_value()) << report.error().message();
    EXPECT_TRUE(report->is_sound()) << report->problems.front();
    EXPECT_GE(report->revision, ledger.last());
    const auto compacted = compact_store(files_);
    ASSERT_TRUE(compacted.has_value()) << compacted.error().message();
  }
  ledger.enter(server.kill());
  ledger.compare(read_store(options_of(files_)).value());
}

TEST_F(ApiserverStoreKill, ASecondServerAndARestoreAreRefusedAndNameTheFirst) {
  ServingProcess server(files_);
  ASSERT_EQ(server.read(1).size(), 1U);
  ASSERT_TRUE(back_up_store(files_, {.target = folder_.file("backup.db")}).has_value());
  const auto holder = fmt::format("process {} serves it", server.pid());
  const auto second = open_sqlite_backend(options_of(files_));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kUnavailable);
  EXPECT_NE(second.error().message().find(holder), std::string::npos) << second.error().message();
  const auto restored = restore_store(files_, {.source = folder_.file("backup.db")});
  ASSERT_FALSE(restored.has_value());
  EXPECT_NE(restored.error().message().find(holder), std::string::npos) << restored.error().message();
  server.kill();
  EXPECT_TRUE(restore_store(files_, {.source = folder_.file("backup.db")}).has_value());
}

TEST_F(ApiserverStoreKill, AKilledBackupOrRestoreLeavesTheStoreAsItWas) {
  {
    ServingProcess server(files_);
    ASSERT_EQ(server.read(2000).size(), 2000U);
  }
  ASSERT_TRUE(back_up_store(files_, {.target = folder_.file("backup.db")}).has_value());
  const auto before = read_store(options_of(files_)).value();
  std::mt19937 random(2);
  for (int round = 0; round < 40; ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    auto finished = os::make_pipe().value();
    const int child = ::fork();
    if (child == 0) {
      while (true) {
        static_cast<void>(restore_store(files_, {.source = folder_.file("backup.db")}));
        if (::write(finished.write_end.get(), "r", 1) != 1) ::_exit(3);
        static_cast<void>(back_up_store(files_, {.target = folder_.file("again.db"), .replace = true}));
        if (::write(finished.write_end.get(), "b", 1) != 1) ::_exit(3);
      }
    }
    // Some are killed in their first restore, some in what follows.
    for (auto steps = random() % 3; steps != 0; --steps) {
      char step = 0;
      ASSERT_EQ(::read(finished.read_end.get(), &step, 1), 1);
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = static_cast<long>(random() % 30) * 1'000'000};
    ::nanosleep(&pause, nullptr);
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    const auto stored = read_store(options_of(files_));
    ASSERT_TRUE(stored.has_value()) << stored.error().message();
    EXPECT_TRUE(stored->objects == before.objects);
    EXPECT_EQ((stored->revision - before.revision) % kRestoreStep, 0U);
  }
  EXPECT_GT(read_store(options_of(files_)).value().revision, before.revision) << "no restore was finished";
  EXPECT_TRUE(back_up_store(files_, {.target = folder_.file("last.db")}).has_value());
}

}  // namespace
}  // namespace klutch::apiserver::testing
