// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/maintenance.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "apiserver/storage/backend.h"
#include "apiserver/storage/storage.h"
#include "base/os/file.h"
#include "sqlite/database.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using kube::Key;

const Secret& passphrase() {
  static const Secret kText("correct horse battery staple");
  return kText;
}

std::string json_of(const Key& key, Revision revision, std::string_view data) {
  return fmt::format(R"({{"metadata":{{"name":"{}","namespace":"{}","resourceVersion":"{}"}},"data":"{}"}})",
                     key.name, key.ns, revision, data);
}

RowChange put(std::string type, const Key& key, Revision revision, std::string_view data) {
  return {std::move(type), key, revision,
          std::make_shared<const StoredObject>(StoredObject::Fields{
              .key = key, .created = revision, .revision = revision, .bytes = json_of(key, revision, data)})};
}

/// A store in a state folder, and a folder for backups.
class MaintenanceTest : public ::testing::Test {
 protected:
  static Result<std::unique_ptr<Backend>> open(const StoreFiles& files) {
    return open_sqlite_backend(
        {.path = files.database(), .sealed_types = {"secrets"}, .key_file = files.key_file()});
  }
  /// One Secret and one ConfigMap at revision 2.
  std::unique_ptr<Backend> serve() const {
    auto backend = open(files_).value();
    EXPECT_TRUE(
        backend
            ->commit({put("secrets", {"a", "s"}, 1, "hidden"), put("configmaps", {"a", "c"}, 2, "seen")}, 2)
            .has_value());
    return backend;
  }
  std::string backup_path() const { return elsewhere_.file("backup.db"); }
  BackupSummary back_up(bool with_keys) const {
    BackupRequest request{.target = backup_path(), .replace = true};
    if (with_keys) request.passphrase = passphrase();
    return back_up_store(files_, request).value();
  }
  static std::vector<std::string> data_of(const StoreFiles& files) {
    std::vector<std::string> all;
    const auto contents = open(files).value()->load().value();
    for (const auto& row : contents.rows)
      all.push_back(row.type + "/" + row.key.to_string() + "=" + row.value);
    std::ranges::sort(all);
    return all;
  }
  /// Runs SQL on a database that nobody serves.
  static void change(const std::string& path, std::string_view sql) {
    ASSERT_TRUE(sqlite::Database::open(path, {.create = false}).value().execute(sql).has_value());
  }

  os::TempDir folder_ = os::TempDir::create().value();
  os::TempDir elsewhere_ = os::TempDir::create().value();
  StoreFiles files_{folder_.path()};
  StoreFiles other_{elsewhere_.file("state")};
};

TEST_F(MaintenanceTest, ABackupOfARunningStoreIsOnePrivateFileWithoutKeysThatIsNotServedAsItIs) {
  auto backend = serve();
  const auto summary = back_up(false);
  EXPECT_EQ(summary.revision, 2U);
  EXPECT_EQ(summary.objects, 2U);
  EXPECT_EQ(summary.sealed, 1U);
  EXPECT_FALSE(summary.with_keys);
  EXPECT_EQ(os::find_file(backup_path()).value()->mode, 0600U);
  EXPECT_EQ(os::find_file(backup_path()).value()->size, summary.bytes);
  EXPECT_EQ(os::list_directory(elsewhere_.path()).value(), std::vector<std::string>{"backup.db"});
  const auto bytes = os::read_file(backup_path()).value();
  EXPECT_EQ(bytes.find("hidden"), std::string::npos);
  EXPECT_NE(bytes.find("seen"), std::string::npos);

  const auto served = open_sqlite_backend({.path = backup_path()});
  ASSERT_FALSE(served.has_value());
  EXPECT_EQ(served.error().code(), Code::kInvalid);
  EXPECT_TRUE(backend->commit({put("configmaps", {"a", "later"}, 3, "")}, 3).has_value());
}

TEST_F(MaintenanceTest, ABackupTellsWhatIsWrongAndLeavesNothingBehind) {
  EXPECT_EQ(back_up_store(files_, {.target = backup_path()}).error().code(), Code::kNotFound) << "no store";
  EXPECT_TRUE(os::list_directory(files_.folder).value().empty()) << "looking for a store makes none";
  serve();
  back_up(false);
  EXPECT_EQ(back_up_store(files_, {.target = backup_path()}).error().code(), Code::kAlreadyExists);
  EXPECT_EQ(back_up_store(files_, {.target = elsewhere_.file("no/backup.db")}).error().code(),
            Code::kNotFound);
  EXPECT_EQ(
      back_up_store(files_, {.target = elsewhere_.file("b"), .passphrase = Secret("short")}).error().code(),
      Code::kInvalid);
  for (const auto& own : {files_.database(), files_.key_file(), folder_.path() + "/./store.db"}) {
    EXPECT_EQ(back_up_store(files_, {.target = own, .replace = true}).error().code(), Code::kInvalid) << own;
  }
  ASSERT_TRUE(os::remove_file(files_.key_file()).value());
  EXPECT_EQ(
      back_up_store(files_, {.target = elsewhere_.file("b"), .passphrase = passphrase()}).error().code(),
      Code::kForbidden);
  EXPECT_EQ(os::list_directory(elsewhere_.path()).value(), std::vector<std::string>{"backup.db"});
}

TEST_F(MaintenanceTest, OneMaintenanceCommandRunsAtATime) {
  serve();
  const auto busy = os::FileLock::try_acquire(files_.database() + ".maintenance").value();
  for (const auto& error :
       {back_up_store(files_, {.target = backup_path()}).error(), compact_store(files_).error(),
        check_store(files_).error(), restore_store(files_, {.source = backup_path()}).error()}) {
    EXPECT_EQ(error.code(), Code::kUnavailable);
    EXPECT_NE(error.message().find(fmt::format("process {} ", ::getpid())), std::string::npos)
        << error.message();
  }
}

TEST_F(MaintenanceTest, ABackupWithKeysRestoresOnAnotherMachine) {
  serve();
  EXPECT_TRUE(back_up(true).with_keys);
  const auto key_line = os::read_file(files_.key_file()).value();
  EXPECT_EQ(os::read_file(backup_path()).value().find(key_line.substr(key_line.size() - 45)),
            std::string::npos);

  EXPECT_EQ(restore_store(other_, {.source = backup_path()}).error().code(), Code::kForbidden)
      << "no passphrase";
  EXPECT_EQ(restore_store(other_, {.source = backup_path(), .passphrase = Secret("incorrect horse")})
                .error()
                .code(),
            Code::kForbidden);
  EXPECT_EQ(os::find_file(other_.database()).value(), std::nullopt) << "nothing is restored by halves";
  const auto summary = restore_store(other_, {.source = backup_path(), .passphrase = passphrase()}).value();
  EXPECT_TRUE(summary.keys_added);
  EXPECT_EQ(summary.former, "");
  EXPECT_EQ(summary.objects, 2U);
  EXPECT_EQ(summary.revision, 2U + kRestoreStep);
  EXPECT_EQ(os::find_file(other_.database()).value()->mode, 0600U);
  EXPECT_EQ(os::find_file(other_.key_file()).value()->mode, 0600U);
  EXPECT_EQ(data_of(other_), data_of(files_));
  EXPECT_TRUE(check_store(other_).value().is_sound());
}

TEST_F(MaintenanceTest, ARestoreWithoutKeysNeedsTheKeyFileOfItsStore) {
  serve();
  back_up(false);
  const auto refused = restore_store(other_, {.source = backup_path(), .passphrase = {}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kForbidden);
  EXPECT_NE(refused.error().message().find("the key file of the store it was made of"), std::string::npos)
      << refused.error().message();
  ASSERT_TRUE(os::write_file_atomic(other_.key_file(), os::read_file(files_.key_file()).value()).has_value());
  EXPECT_FALSE(restore_store(other_, {.source = backup_path()}).value().keys_added);
  EXPECT_EQ(data_of(other_), data_of(files_));
}

TEST_F(MaintenanceTest, ARestoreKeepsTheFormerStoreAndBothKeysAndGoesBeyondItsRevision) {
  serve();
  back_up(true);
  {
    ASSERT_TRUE(os::make_directories(other_.folder).has_value());
    auto backend = open(other_).value();
    ASSERT_TRUE(backend->commit({put("secrets", {"b", "own"}, 5000, "former")}, 5000).has_value());
    const auto refused = restore_store(other_, {.source = backup_path(), .passphrase = passphrase()});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Code::kUnavailable) << "a server uses it";
    EXPECT_NE(refused.error().message().find(fmt::format("process {} serves it", ::getpid())),
              std::string::npos);
  }
  const auto before = data_of(other_);
  const auto summary = restore_store(other_, {.source = backup_path(), .passphrase = passphrase()}).value();
  EXPECT_EQ(summary.backup_revision, 2U);
  EXPECT_EQ(summary.revision, 5000U + kRestoreStep);
  EXPECT_EQ(data_of(other_), data_of(files_));
  ASSERT_NE(summary.former, "");

  // The former store can be put back by hand: its key is still in the file.
  ASSERT_TRUE(os::replace_file(summary.former, other_.database()).has_value());
  EXPECT_EQ(data_of(other_), before);
  const auto second = restore_store(other_, {.source = backup_path()}).value();
  EXPECT_FALSE(second.keys_added);
  EXPECT_EQ(restore_store(other_, {.source = backup_path()}).value().revision, second.revision + kRestoreStep)
      << "revisions of an earlier restore may have been seen too";
}

TEST_F(MaintenanceTest, ADamagedStoreIsReplacedWithItsLog) {
  serve();
  back_up(false);
  const std::string garbage(8192, 'x');
  ASSERT_TRUE(os::write_file_atomic(files_.database(), garbage).has_value());
  ASSERT_TRUE(os::write_file_atomic(files_.database() + "-wal", garbage).has_value());
  const auto summary = restore_store(files_, {.source = backup_path()}).value();
  EXPECT_EQ(summary.revision, 2U + kRestoreStep);
  EXPECT_EQ(data_of(files_).size(), 2U);
  EXPECT_TRUE(os::read_file(summary.former).value() == garbage);
}

TEST_F(MaintenanceTest, ALogWithoutItsDatabaseIsNotTakenForThatOfTheRestoredStore) {
  std::string log;
  {
    auto backend = serve();
    back_up(false);
    ASSERT_TRUE(backend->commit({put("configmaps", {"a", "later"}, 3, "lost")}, 3).has_value());
    log = os::read_file(files_.database() + "-wal").value();
  }
  ASSERT_TRUE(os::remove_file(files_.database()).value());
  ASSERT_TRUE(os::write_file_atomic(files_.database() + "-wal", log).has_value());
  const auto served = open(files_);
  ASSERT_FALSE(served.has_value());
  EXPECT_EQ(served.error().code(), Code::kInternal);
  EXPECT_NE(served.error().message().find("its log is here"), std::string::npos);
  EXPECT_EQ(restore_store(files_, {.source = backup_path()}).value().former, "");
  EXPECT_EQ(data_of(files_).size(), 2U);
  EXPECT_TRUE(check_store(files_).value().is_sound());
}

TEST_F(MaintenanceTest, WhatIsNoSoundBackupIsNotRestored) {
  auto backend = serve();
  back_up(false);
  backend.reset();
  const auto before = data_of(files_);
  const auto restore = [&] { return restore_store(files_, {.source = backup_path()}); };
  change(backup_path(), "UPDATE objects SET value = X'7b' WHERE type = 'configmaps'");
  EXPECT_EQ(restore().error().code(), Code::kForbidden);
  EXPECT_NE(restore().error().message().find("configmaps a/c: it is not a JSON object"), std::string::npos);
  change(backup_path(), "UPDATE store SET revision = 9223372036854775807; DELETE FROM objects");
  EXPECT_EQ(restore().error().code(), Code::kInvalid) << "no revision left to jump to";
  change(backup_path(), "PRAGMA user_version = 1000");
  EXPECT_EQ(restore().error().code(), Code::kUnsupported);
  ASSERT_TRUE(os::write_file_atomic(backup_path(), std::string(10'000, 'x')).has_value());
  EXPECT_EQ(restore().error().code(), Code::kInternal);
  ASSERT_TRUE(os::remove_file(backup_path()).value());
  EXPECT_EQ(restore().error().code(), Code::kNotFound);
  EXPECT_EQ(data_of(files_), before);
  const auto names = os::list_directory(files_.folder).value();
  for (const auto& name : names) {
    EXPECT_EQ(name.find("restoring"), std::string::npos) << name;
  }
}

FIBER_TEST(Maintenance, WatchesAndPagesFromBeforeARestoreAreGone) {
  const auto folder = os::TempDir::create().value();
  const StoreFiles files{folder.path()};
  const auto open = [&] {
    return Storage::open(ctx, open_sqlite_backend({.path = files.database()}).value()).value();
  };
  const auto write = [&](Storage& storage, const Key& key) {
    return storage
        .write(ctx, "configmaps", key,
               [&](const StoredObject*, Revision next) -> Result<Decision> {
                 return Decision::put(json_of(key, next, ""), {});
               })
        .value()
        .object->revision();
  };
  auto storage = open();
  write(*storage, {"a", "kept"});
  ASSERT_TRUE(back_up_store(files, {.target = folder.file("backup.db")}).has_value());
  const auto seen = write(*storage, {"a", "lost"});
  storage->stop(ctx);
  storage.reset();
  const auto summary = restore_store(files, {.source = folder.file("backup.db")}).value();

  storage = open();
  EXPECT_EQ(storage->revision(), summary.revision);
  EXPECT_EQ(storage->get("configmaps", {"a", "lost"}), nullptr);
  for (const auto old : {Revision{0}, seen - 1, seen, seen + 1, summary.revision - 1}) {
    EXPECT_EQ(storage->watch("configmaps", old).error().code(), Code::kGone) << old;
    if (old != 0) {
      EXPECT_EQ(storage->list("configmaps", {.at = old}).error().code(), Code::kGone) << old;
    }
  }
  EXPECT_TRUE(storage->watch("configmaps", summary.revision).has_value());
  EXPECT_GT(write(*storage, {"a", "new"}), summary.revision);
  storage->stop(ctx);
}

TEST_F(MaintenanceTest, CompactingShrinksAStoreThatIsBeingServed) {
  EXPECT_EQ(compact_store(files_).error().code(), Code::kNotFound);
  auto backend = serve();
  std::vector<RowChange> many;
  for (Revision revision = 3; revision < 300; ++revision) {
    many.push_back(put("configmaps", {"a", std::to_string(revision)}, revision, std::string(10'000, 'x')));
  }
  ASSERT_TRUE(backend->commit(many, 299).has_value());
  for (auto& change : many) change.object = nullptr;
  ASSERT_TRUE(backend->commit(many, 600).has_value());
  const auto summary = compact_store(files_).value();
  EXPECT_GT(summary.bytes_before, 2'000'000U);
  EXPECT_LT(summary.bytes_after, 100'000U);
  EXPECT_TRUE(backend->commit({put("configmaps", {"a", "later"}, 601, "")}, 601).has_value());
  backend.reset();
  EXPECT_EQ(data_of(files_).size(), 3U);
}

TEST_F(MaintenanceTest, ACheckOfASoundStoreSaysWhatIsInIt) {
  auto backend = serve();
  const auto report = check_store(files_).value();
  EXPECT_TRUE(report.is_sound()) << report.problems.front();
  EXPECT_EQ(report.schema, 1);
  EXPECT_EQ(report.revision, 2U);
  EXPECT_EQ(report.objects, 2U);
  EXPECT_EQ(report.sealed, 1U);
  EXPECT_EQ(report.by_type, (std::map<std::string, std::size_t>{{"configmaps", 1}, {"secrets", 1}}));
  EXPECT_GT(report.log_bytes, 0U);
  EXPECT_TRUE(report.remarks.empty());
}

TEST_F(MaintenanceTest, ACheckFindsEachKindOfFault) {
  const struct {
    const char* sql;
    const char* expected;
  } rows[] = {
      {"UPDATE objects SET value = X'7b' WHERE name = 'c'", "configmaps a/c: it is not a JSON object"},
      {"UPDATE objects SET value = X'5b5d' WHERE name = 'c'", "configmaps a/c: it is not a JSON object"},
      {"UPDATE objects SET name = 'd' WHERE name = 'c'", "configmaps a/d: its metadata.name is not \"d\""},
      {"UPDATE objects SET revision = 1, created = 1 WHERE name = 'c'", "2 objects share revision 1"},
      {"UPDATE objects SET revision = 3 WHERE name = 'c'",
       "configmaps a/c: revision 3, made with 2, cannot be"},
      {"UPDATE objects SET created = 3 WHERE name = 'c'",
       "configmaps a/c: revision 2, made with 3, cannot be"},
      {"UPDATE store SET revision = 1", "configmaps a/c: revision 2"},
      {"DELETE FROM store", "has lost its revision"},
      {"UPDATE objects SET name = 't' WHERE name = 's'", "cannot open the sealed secrets a/t"},
      {"UPDATE objects SET value = zeroblob(60) WHERE name = 's'", "cannot open the sealed secrets a/s"},
  };
  for (const auto& row : rows) {
    static_cast<void>(os::remove_file(files_.database()));
    serve();
    change(files_.database(), row.sql);
    const auto report = check_store(files_).value();
    EXPECT_FALSE(report.is_sound()) << row.sql;
    EXPECT_EQ(report.problem_count, report.problems.size());
    const auto all = fmt::format("{}", fmt::join(report.problems, "\n"));
    EXPECT_NE(all.find(row.expected), std::string::npos) << row.sql << " gives\n" << all;
    EXPECT_EQ(all.find("hidden"), std::string::npos);
  }
}

TEST_F(MaintenanceTest, ACheckFindsLostAndUnsafeKeysAndWhatShouldBeSealed) {
  serve();
  change(files_.database(), "INSERT INTO objects VALUES ('secrets', 'a', 'plain', 1, 2, 0, X'7b7d')");
  change(files_.database(),
         "UPDATE store SET revision = 3; UPDATE objects SET revision = 3 WHERE name = 'plain'");
  EXPECT_EQ(check_store(files_).value().remarks,
            std::vector<std::string>{"1 objects lie unsealed that would be sealed now"});
  const auto key = os::read_file(files_.key_file()).value();
  ASSERT_TRUE(os::write_file_atomic(files_.key_file(), "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=\n" + key)
                  .has_value());
  EXPECT_EQ(check_store(files_).value().remarks.at(1), "1 objects are sealed with an older key");
  EXPECT_TRUE(check_store(files_).value().is_sound());

  ASSERT_EQ(::chmod(files_.key_file().c_str(), 0644), 0);
  const auto unsafe = check_store(files_).value();
  EXPECT_NE(unsafe.problems.back().find("others may access it"), std::string::npos);
  ASSERT_TRUE(os::remove_file(files_.key_file()).value());
  EXPECT_EQ(check_store(files_).value().problems,
            std::vector<std::string>{"1 sealed objects cannot be opened: there is no key"});
}

TEST_F(MaintenanceTest, ACheckCountsMoreFaultsThanItTells) {
  auto backend = serve();
  std::vector<RowChange> many;
  for (Revision revision = 3; revision < 300; ++revision) {
    many.push_back(put("configmaps", {"a", "wrong"}, revision, ""));
    many.back().key.name = std::to_string(revision);
  }
  ASSERT_TRUE(backend->commit(many, 299).has_value());
  const auto report = check_store(files_).value();
  EXPECT_EQ(report.problem_count, 297U);
  EXPECT_EQ(report.problems.size(), CheckReport::kMaxProblems);
}

TEST_F(MaintenanceTest, ACheckFindsDamagedPagesAndFilesThatAreNoDatabase) {
  {
    auto backend = serve();
    std::vector<RowChange> many;
    for (Revision revision = 3; revision < 300; ++revision) {
      many.push_back(put("configmaps", {"a", std::to_string(revision)}, revision, std::string(500, 'x')));
    }
    ASSERT_TRUE(backend->commit(many, 299).has_value());
  }
  {
    std::fstream file(files_.database(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(6 * 4096);
    file << std::string(3 * 4096, '\x55');
  }
  EXPECT_FALSE(check_store(files_).value().is_sound());
  EXPECT_EQ(back_up_store(files_, {.target = backup_path()}).error().code(), Code::kInternal);
  EXPECT_EQ(open(files_).value()->load().error().code(), Code::kInternal);
  ASSERT_TRUE(os::write_file_atomic(files_.database(), std::string(8192, 'x')).has_value());
  EXPECT_FALSE(check_store(files_).value().is_sound());
}

}  // namespace
}  // namespace klutch::apiserver
