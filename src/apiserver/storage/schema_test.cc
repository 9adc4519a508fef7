// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/schema.h"

#include <gtest/gtest.h>

#include <vector>

namespace klutch::apiserver {
namespace {

/// The steps of a program two versions ahead.
std::vector<std::string_view> future_steps() {
  std::vector<std::string_view> steps(schema_steps().begin(), schema_steps().end());
  steps.push_back("ALTER TABLE objects ADD COLUMN note TEXT NOT NULL DEFAULT 'none'");
  steps.push_back("CREATE TABLE notes(text TEXT) STRICT; INSERT INTO notes VALUES ('made')");
  return steps;
}

std::int64_t number(sqlite::Database& db, std::string_view sql) {
  auto row = db.prepare(sql).value();
  EXPECT_TRUE(row.step().value());
  return row.integer(0);
}

TEST(Schema, AnEmptyDatabaseGetsAllStepsAndAReopenedOneNone) {
  auto db = sqlite::Database::open_in_memory().value();
  const auto newest = static_cast<int>(schema_steps().size());
  const auto first = bring_up_to_date(db, "x").value();
  EXPECT_EQ(first.before, 0);
  EXPECT_EQ(first.now, newest);
  const auto again = bring_up_to_date(db, "x").value();
  EXPECT_EQ(again.before, newest);
  EXPECT_EQ(read_revision(db, "x").value(), 0U);
}

TEST(Schema, AnOlderStoreIsBroughtUpAndKeepsItsObjects) {
  auto db = sqlite::Database::open_in_memory().value();
  ASSERT_TRUE(bring_up_to_date(db, "x").has_value());
  ASSERT_TRUE(db.execute("INSERT INTO objects VALUES ('things', 'a', 'x', 1, 1, 0, X'7b7d')").has_value());
  ASSERT_TRUE(write_revision(db, 7).has_value());
  const auto steps = future_steps();
  const auto versions = bring_up_to_date(db, "x", steps).value();
  EXPECT_EQ(versions.now - versions.before, 2);
  EXPECT_EQ(db.user_version().value(), static_cast<int>(steps.size()));
  EXPECT_EQ(number(db, "SELECT count(*) FROM objects WHERE note = 'none'"), 1);
  EXPECT_EQ(read_revision(db, "x").value(), 7U);

  const auto old_program = bring_up_to_date(db, "the/file");
  ASSERT_FALSE(old_program.has_value());
  EXPECT_EQ(old_program.error().code(), Code::kUnsupported);
  EXPECT_NE(old_program.error().message().find("the/file was written by a newer version (schema 3"),
            std::string::npos);
  EXPECT_EQ(require_readable(db, "x").error().code(), Code::kUnsupported);
  EXPECT_EQ(number(db, "SELECT count(*) FROM notes"), 1) << "a refusal changes nothing";
}

TEST(Schema, AStepThatFailsLeavesTheVersionBeforeIt) {
  auto db = sqlite::Database::open_in_memory().value();
  auto steps = future_steps();
  steps.back() = "CREATE TABLE notes(text TEXT) STRICT; INSERT INTO missing VALUES (1)";
  const auto failed = bring_up_to_date(db, "x", steps);
  ASSERT_FALSE(failed.has_value());
  EXPECT_NE(failed.error().message().find("cannot bring x to schema 3"), std::string::npos);
  EXPECT_EQ(db.user_version().value(), 2);
  EXPECT_EQ(number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'notes'"), 0);
  EXPECT_TRUE(bring_up_to_date(db, "x", future_steps()).has_value()) << "a better program goes on from there";
}

TEST(Schema, OtherDatabasesAreNoStores) {
  for (const char* sql :
       {"CREATE TABLE bookmarks(url TEXT)", "PRAGMA user_version = 1", "PRAGMA user_version = -1",
        "CREATE TABLE store(x INTEGER); PRAGMA user_version = 1"}) {
    auto db = sqlite::Database::open_in_memory().value();
    ASSERT_TRUE(db.execute(sql).has_value());
    EXPECT_EQ(bring_up_to_date(db, "x").error().code(), Code::kInvalid) << sql;
    EXPECT_EQ(require_readable(db, "x").error().code(), Code::kInvalid) << sql;
  }
  auto empty = sqlite::Database::open_in_memory().value();
  EXPECT_EQ(require_readable(empty, "x").error().code(), Code::kInvalid);
}

TEST(Schema, ARevisionThatIsMissingOrImpossibleIsDamage) {
  auto db = sqlite::Database::open_in_memory().value();
  ASSERT_TRUE(bring_up_to_date(db, "x").has_value());
  ASSERT_TRUE(db.execute("UPDATE store SET revision = -1").has_value());
  EXPECT_EQ(read_revision(db, "x").error().code(), Code::kInternal);
  ASSERT_TRUE(db.execute("DELETE FROM store").has_value());
  EXPECT_EQ(read_revision(db, "x").error().code(), Code::kInternal);
}

}  // namespace
}  // namespace klutch::apiserver
