// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "apiserver/storage/backend.h"
#include "base/os/file.h"
#include "sqlite/database.h"

namespace klutch::apiserver {
namespace {

using kube::Key;

StoredPtr object(const Key& key, Revision revision, std::string bytes) {
  return std::make_shared<const StoredObject>(
      StoredObject::Fields{.key = key, .created = revision, .revision = revision, .bytes = std::move(bytes)});
}

crypto::Keyring keyring(char fill) {
  return crypto::Keyring::create({Secret(std::string(crypto::Keyring::kKeySize, fill))}).value();
}

class SqliteBackendTest : public ::testing::Test {
 protected:
  SqliteBackendOptions options() const { return {.path = folder_.file("store.db")}; }
  SqliteBackendOptions sealed(char fill) const {
    return {.path = folder_.file("store.db"), .sealed_types = {"secrets"}, .keys = keyring(fill)};
  }
  /// Rows sorted by key, so that they can be compared.
  static Backend::Contents load(Backend& backend) {
    auto contents = backend.load().value();
    std::ranges::sort(contents.rows, {}, [](const Row& row) { return std::pair(row.type, row.key); });
    return contents;
  }
  os::TempDir folder_ = os::TempDir::create().value();
};

TEST_F(SqliteBackendTest, KeepsObjectsAndTheRevisionOfDeletionsAcrossRestarts) {
  {
    auto backend = open_sqlite_backend(options()).value();
    EXPECT_EQ(load(*backend).revision, 0U);
    ASSERT_TRUE(backend
                    ->commit({{"things", {"a", "x"}, 1, object({"a", "x"}, 1, "one")},
                              {"things", {"", "x"}, 2, object({"", "x"}, 2, "cluster-wide")},
                              {"others", {"a", "x"}, 3, object({"a", "x"}, 3, "other")}},
                             3)
                    .has_value());
    ASSERT_TRUE(backend
                    ->commit({{"things", {"a", "x"}, 4, object({"a", "x"}, 4, "two")},
                              {"others", {"a", "x"}, 5, nullptr}},
                             5)
                    .has_value());
  }
  auto backend = open_sqlite_backend(options()).value();
  const auto contents = load(*backend);
  EXPECT_EQ(contents.revision, 5U);
  ASSERT_EQ(contents.rows.size(), 2U);
  EXPECT_EQ(contents.rows[0].value, "cluster-wide");
  EXPECT_EQ(contents.rows[1].value, "two");
  EXPECT_EQ(contents.rows[1].revision, 4U);
}

TEST_F(SqliteBackendTest, SealsOnlyWhatItIsToldAndFindsTheWrongKey) {
  const std::string password = "correct horse battery staple";
  {
    auto backend = open_sqlite_backend(sealed('k')).value();
    ASSERT_TRUE(backend
                    ->commit({{"secrets", {"a", "x"}, 1, object({"a", "x"}, 1, password)},
                              {"configmaps", {"a", "x"}, 2, object({"a", "x"}, 2, "plain to see")}},
                             2)
                    .has_value());
  }
  const auto raw = os::read_file(folder_.file("store.db")).value() +
                   os::read_file(folder_.file("store.db-wal")).value_or("");
  EXPECT_EQ(raw.find(password), std::string::npos);
  EXPECT_NE(raw.find("plain to see"), std::string::npos);

  EXPECT_EQ(load(*open_sqlite_backend(sealed('k')).value()).rows.at(1).value, password);
  const auto wrong = open_sqlite_backend(sealed('w')).value()->load();
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code(), Code::kForbidden);
  EXPECT_NE(wrong.error().message().find("secrets a/x"), std::string::npos);
  EXPECT_EQ(open_sqlite_backend(options()).value()->load().error().code(), Code::kForbidden)
      << "no key at all";
}

TEST_F(SqliteBackendTest, ASealedValueDoesNotOpenInAnotherPlace) {
  {
    auto backend = open_sqlite_backend(sealed('k')).value();
    ASSERT_TRUE(backend
                    ->commit({{"secrets", {"a", "mine"}, 1, object({"a", "mine"}, 1, "m")},
                              {"secrets", {"a", "yours"}, 2, object({"a", "yours"}, 2, "y")}},
                             2)
                    .has_value());
  }
  {
    auto db = sqlite::Database::open(options().path, {}).value();
    ASSERT_TRUE(db.execute("UPDATE objects SET value = (SELECT value FROM objects WHERE name = 'yours')")
                    .has_value());
  }
  EXPECT_EQ(open_sqlite_backend(sealed('k')).value()->load().error().code(), Code::kForbidden);
}

TEST_F(SqliteBackendTest, SealingNeedsAKey) {
  EXPECT_EQ(open_sqlite_backend({.path = options().path, .sealed_types = {"secrets"}}).error().code(),
            Code::kInvalid);
}

TEST_F(SqliteBackendTest, HasOneServerAtATimeAndNamesIt) {
  auto backend = open_sqlite_backend(options()).value();
  const auto second = open_sqlite_backend(options());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kUnavailable);
  EXPECT_EQ(second.error().message(),
            "cannot lock " + options().path + ": process " + std::to_string(::getpid()) + " serves it");
  backend.reset();
  EXPECT_TRUE(open_sqlite_backend(options()).has_value());
}

class KeyFileBackendTest : public SqliteBackendTest {
 protected:
  SqliteBackendOptions with_file() const {
    return {.path = folder_.file("store.db"), .sealed_types = {"secrets"}, .key_file = key_path()};
  }
  std::string key_path() const { return folder_.file("store.key"); }
  void seal_one() {
    auto backend = open_sqlite_backend(with_file()).value();
    ASSERT_TRUE(backend->commit({{"secrets", {"a", "x"}, 1, object({"a", "x"}, 1, "one")}}, 1).has_value());
  }
};

TEST_F(KeyFileBackendTest, MakesAPrivateKeyWhenThereIsNoneAndFindsItAgain) {
  seal_one();
  EXPECT_EQ(os::find_file(key_path()).value()->mode, 0600U);
  EXPECT_EQ(load(*open_sqlite_backend(with_file()).value()).rows.at(0).value, "one");
}

TEST_F(KeyFileBackendTest, ALostKeyIsNotReplacedByANewOne) {
  seal_one();
  ASSERT_TRUE(os::remove_file(key_path()).value());
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto opened = open_sqlite_backend(with_file());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code(), Code::kForbidden);
    EXPECT_EQ(opened.error().message(),
              "the key file " + key_path() + " is missing, and 1 objects in " + options().path +
                  " are sealed with it: put it back, or restore a backup that was made with its key");
    EXPECT_EQ(os::find_file(key_path()).value(), std::nullopt);
  }
}

TEST_F(KeyFileBackendTest, AKeyThatOthersMayReadIsRefused) {
  seal_one();
  ASSERT_EQ(::chmod(key_path().c_str(), 0640), 0);
  const auto opened = open_sqlite_backend(with_file());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), Code::kForbidden);
  EXPECT_NE(opened.error().message().find(key_path() + ": others may access it (mode 0640)"),
            std::string::npos);
}

TEST_F(SqliteBackendTest, WithoutFullDurabilityARestartSkipsTheRevisionsThatMayHaveBeenLost) {
  auto quick = options();
  quick.full_durability = false;
  {
    auto backend = open_sqlite_backend(quick).value();
    ASSERT_TRUE(backend->commit({{"things", {"a", "x"}, 1, object({"a", "x"}, 1, "one")}}, 1).has_value());
  }
  const auto first = open_sqlite_backend(quick).value()->load().value().revision;
  EXPECT_GT(first, 1'000'000U);
  EXPECT_GT(open_sqlite_backend(quick).value()->load().value().revision, first + 1'000'000U);
}

TEST_F(SqliteBackendTest, ADatabaseOfSomethingElseIsRefused) {
  {
    auto db = sqlite::Database::open(options().path, {}).value();
    ASSERT_TRUE(db.execute("CREATE TABLE bookmarks(url TEXT)").has_value());
  }
  EXPECT_EQ(open_sqlite_backend(options()).error().code(), Code::kInvalid);
}

TEST_F(SqliteBackendTest, RefusesTheStoreOfANewerVersion) {
  {
    auto db = sqlite::Database::open(options().path, {}).value();
    ASSERT_TRUE(db.set_user_version(1000).has_value());
  }
  const auto opened = open_sqlite_backend(options());
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code(), Code::kUnsupported);
  EXPECT_NE(opened.error().message().find("1000"), std::string::npos);
}

TEST_F(SqliteBackendTest, ACommitThatFailsChangesNothing) {
  auto backend = open_sqlite_backend(options()).value();
  ASSERT_TRUE(backend->commit({{"things", {"a", "x"}, 1, object({"a", "x"}, 1, "one")}}, 1).has_value());
  auto other = sqlite::Database::open(options().path, {}).value();
  ASSERT_TRUE(other
                  .execute("CREATE TRIGGER refuse BEFORE INSERT ON objects WHEN NEW.name = 'bad' "
                           "BEGIN SELECT RAISE(ABORT, 'refused'); END")
                  .has_value());
  const auto result = backend->commit({{"things", {"a", "x"}, 2, object({"a", "x"}, 2, "two")},
                                       {"things", {"a", "bad"}, 3, object({"a", "bad"}, 3, "three")}},
                                      3);
  ASSERT_FALSE(result.has_value());
  const auto contents = load(*backend);
  EXPECT_EQ(contents.revision, 1U);
  ASSERT_EQ(contents.rows.size(), 1U);
  EXPECT_EQ(contents.rows[0].value, "one");
}

}  // namespace
}  // namespace klutch::apiserver
