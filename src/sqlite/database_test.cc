// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/os/file.h"

namespace klutch::sqlite {
namespace {

class DatabaseTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_.file("test.db"); }
  Database open() { return Database::open(path(), {}).value(); }
  os::TempDir folder_ = os::TempDir::create().value();
};

std::vector<std::string> names(Database& db) {
  std::vector<std::string> all;
  auto select = db.prepare("SELECT name FROM t ORDER BY id").value();
  while (select.step().value()) all.emplace_back(select.text(0));
  return all;
}

TEST_F(DatabaseTest, MakesAFileThatOnlyItsOwnerCanReadWriteAheadLogIncluded) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  for (const char* suffix : {"", "-wal", "-shm"}) {
    struct stat info{};
    ASSERT_EQ(::stat((path() + suffix).c_str(), &info), 0) << suffix;
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << suffix;
  }
}

TEST_F(DatabaseTest, KeepsTextsWithNulsBlobsAndNulls) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TABLE t(a TEXT, b BLOB, c INTEGER) STRICT").has_value());
  const std::string bytes("\0x\xff", 3);
  auto insert = db.prepare("INSERT INTO t VALUES (?1, ?2, ?3)").value();
  ASSERT_TRUE(insert.bind(1, std::string_view("")).bind_blob(2, bytes).bind_null(3).run().has_value());
  ASSERT_TRUE(insert.bind(1, std::string_view("x")).bind_blob(2, "").bind(3, INT64_MIN).run().has_value());
  auto select = db.prepare("SELECT a, b, c FROM t ORDER BY rowid").value();
  ASSERT_TRUE(select.step().value());
  EXPECT_EQ(select.text(0), "");
  EXPECT_EQ(select.blob(1), bytes);
  EXPECT_TRUE(select.is_null(2));
  ASSERT_TRUE(select.step().value());
  EXPECT_FALSE(select.is_null(1)) << "an empty blob is not NULL";
  EXPECT_EQ(select.integer(2), INT64_MIN);
  EXPECT_FALSE(select.step().value());
}

TEST_F(DatabaseTest, RollsATransactionBackWhenItsBodyFails) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  const auto result = db.transaction([&]() -> Result<> {
    TRY(db.execute("INSERT INTO t VALUES (1, 'one')"));
    return db.execute("INSERT INTO t VALUES (1, 'again')");
  });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), Code::kAlreadyExists);
  EXPECT_TRUE(names(db).empty());
  ASSERT_TRUE(db.transaction([&] { return db.execute("INSERT INTO t VALUES (2, 'two')"); }).has_value());
  EXPECT_EQ(names(db), std::vector<std::string>{"two"});
}

TEST_F(DatabaseTest, SaysWhatIsWrongWithSqlAndConstraints) {
  auto db = open();
  EXPECT_EQ(db.prepare("SELEC").error().code(), Code::kInvalid);
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER NOT NULL) STRICT").has_value());
  EXPECT_EQ(db.execute("INSERT INTO t VALUES (NULL)").error().code(), Code::kInvalid);
  EXPECT_EQ(db.execute("INSERT INTO t VALUES ('x')").error().code(), Code::kInvalid);
}

TEST_F(DatabaseTest, OpeningWithoutCreatingNeedsAFile) {
  const auto missing = Database::open(path(), {.create = false});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_NE(missing.error().message().find(path()), std::string::npos);
}

TEST_F(DatabaseTest, ReadOnlyCannotWrite) {
  {
    ASSERT_TRUE(open().execute("CREATE TABLE t(id INTEGER) STRICT").has_value());
  }
  auto db = Database::open(path(), {.read_only = true}).value();
  EXPECT_EQ(db.execute("INSERT INTO t VALUES (1)").error().code(), Code::kForbidden);
}

TEST_F(DatabaseTest, AnotherWritersLockIsUnavailable) {
  auto first = open();
  auto second = Database::open(path(), {.busy_timeout_ms = 0}).value();
  ASSERT_TRUE(first.execute("BEGIN IMMEDIATE").has_value());
  EXPECT_EQ(second.execute("BEGIN IMMEDIATE").error().code(), Code::kUnavailable);
}

TEST_F(DatabaseTest, AFullDatabaseIsUnavailableAndStaysUsable) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  ASSERT_TRUE(db.execute("PRAGMA max_page_count = 4").has_value());
  auto insert = db.prepare("INSERT INTO t(name) VALUES (?1)").value();
  const auto full = insert.bind(1, std::string(1 << 20, 'x')).run();
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code(), Code::kUnavailable);
  EXPECT_TRUE(insert.bind(1, std::string_view("small")).run().has_value());
  EXPECT_EQ(names(db), std::vector<std::string>{"small"});
}

TEST_F(DatabaseTest, FindsDamage) {
  {
    auto db = open();
    ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
    auto insert = db.prepare("INSERT INTO t(name) VALUES (?1)").value();
    const auto filled = db.transaction([&]() -> Result<> {
      for (int i = 0; i < 2000; ++i) TRY(insert.bind(1, std::string(100, 'x')).run());
      return {};
    });
    ASSERT_TRUE(filled.has_value());
    EXPECT_TRUE(db.check_integrity().has_value());
    ASSERT_TRUE(db.checkpoint().has_value());
  }
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    file << std::string(4096, '\x55');
  }
  auto db = open();
  const auto damaged = db.check_integrity();
  ASSERT_FALSE(damaged.has_value());
  EXPECT_EQ(damaged.error().code(), Code::kInternal);
}

TEST_F(DatabaseTest, BacksUpWhileATransactionIsOpen) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  ASSERT_TRUE(db.execute("INSERT INTO t VALUES (1, 'kept')").has_value());
  auto reader = open();
  ASSERT_TRUE(db.execute("BEGIN IMMEDIATE; INSERT INTO t VALUES (2, 'uncommitted')").has_value());
  const auto copy_path = folder_.file("copy.db");
  ASSERT_TRUE(reader.backup_to(copy_path).has_value());
  EXPECT_EQ(reader.backup_to(copy_path).error().code(), Code::kAlreadyExists);
  auto copy = Database::open(copy_path, {.create = false}).value();
  EXPECT_EQ(names(copy), std::vector<std::string>{"kept"});
}

TEST_F(DatabaseTest, ACopyIsOneFileOnly) {
  auto db = open();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  const auto copy_path = folder_.file("copy.db");
  ASSERT_TRUE(db.backup_to(copy_path).has_value());
  EXPECT_EQ(os::find_file(copy_path).value()->mode, 0600U);
  {
    auto copy = Database::open(copy_path, {.read_only = true}).value();
    EXPECT_TRUE(copy.check_integrity().has_value());
    EXPECT_EQ(os::find_file(copy_path + "-wal").value(), std::nullopt);
  }
  EXPECT_EQ(db.backup_to(folder_.file("missing/copy.db")).error().code(), Code::kNotFound);
}

TEST_F(DatabaseTest, ShrinksInSmallStepsWhileOthersUseIt) {
  auto db = Database::open(path(), {.shrinkable = true, .checkpoint_pages = 8}).value();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  auto insert = db.prepare("INSERT INTO t(name) VALUES (?1)").value();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(insert.bind(1, std::string(8000, 'x')).run().has_value());
  ASSERT_TRUE(db.execute("DELETE FROM t WHERE id > 1").has_value());
  ASSERT_TRUE(db.checkpoint().has_value());
  const auto before = os::find_file(path()).value()->size;
  auto other = open();
  const auto left = other.reclaim(10).value();
  EXPECT_GT(left, 50);
  EXPECT_EQ(other.reclaim(10).value(), left - 10);
  EXPECT_EQ(other.reclaim(1000).value(), 0);
  ASSERT_TRUE(other.checkpoint().has_value());
  EXPECT_LT(os::find_file(path()).value()->size, before / 4);
  EXPECT_EQ(names(db).size(), 1U);
}

TEST_F(DatabaseTest, AReaderKeepsTheLogFromBeingEmptied) {
  auto db = Database::open(path(), {.busy_timeout_ms = 0}).value();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  ASSERT_TRUE(db.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two')").has_value());
  auto reader = open();
  auto select = reader.prepare("SELECT name FROM t").value();
  ASSERT_TRUE(select.step().value());
  ASSERT_TRUE(db.execute("INSERT INTO t VALUES (3, 'three')").has_value());
  EXPECT_EQ(db.checkpoint().error().code(), Code::kUnavailable);
  select.reset();
  EXPECT_TRUE(db.checkpoint().has_value());
}

TEST_F(DatabaseTest, RemembersTheSchemaVersion) {
  {
    auto db = open();
    EXPECT_EQ(db.user_version().value(), 0);
    ASSERT_TRUE(db.set_user_version(3).has_value());
  }
  EXPECT_EQ(open().user_version().value(), 3);
}

TEST(Database, InMemoryNeedsNoFile) {
  auto db = Database::open_in_memory().value();
  ASSERT_TRUE(db.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT) STRICT").has_value());
  ASSERT_TRUE(db.execute("INSERT INTO t VALUES (1, 'one')").has_value());
  EXPECT_EQ(db.changes(), 1);
  EXPECT_FALSE(library_version().empty());
}

}  // namespace
}  // namespace klutch::sqlite
