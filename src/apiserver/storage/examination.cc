// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/examination.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apiserver/storage/schema.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

void add_problem(CheckReport& report, std::string problem) {
  ++report.problem_count;
  if (report.problems.size() < CheckReport::kMaxProblems) report.problems.push_back(std::move(problem));
}

Result<> examine_pages(sqlite::Database& database, CheckReport& report) {
  auto pages = TRY(database.prepare("PRAGMA integrity_check(100)"));
  while (TRY(pages.step())) {
    if (pages.text(0) != "ok") add_problem(report, fmt::format("the database is damaged: {}", pages.text(0)));
  }
  auto unused =
      TRY(database.prepare("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size"));
  if (TRY(unused.step())) report.unused_bytes = static_cast<std::size_t>(unused.integer(0));
  return {};
}

/// What contradicts the row in the object's own words; empty if nothing does.
std::string contradiction(const Row& row, const json::Value& value) {
  const auto* metadata = value.find("metadata");
  if (metadata == nullptr || !metadata->is_object()) return {};
  const std::pair<std::string_view, std::string> expected[] = {
      {"name", row.key.name}, {"namespace", row.key.ns}, {"resourceVersion", std::to_string(row.revision)}};
  for (const auto& [field, text] : expected) {
    if (metadata->find(field) == nullptr) continue;
    if (metadata->find_string(field) != text) {
      return fmt::format("its metadata.{} is not \"{}\"", field, text);
    }
  }
  return {};
}

void examine_row(const Row& row, CheckReport& report) {
  const auto what = row.type + " " + row.key.to_string();
  if (row.type.empty() || row.key.name.empty()) add_problem(report, what + ": it has no type or no name");
  if (row.revision == 0 || row.revision > report.revision || row.created > row.revision) {
    add_problem(report, fmt::format("{}: revision {}, made with {}, cannot be in a store at revision {}",
                                    what, row.revision, row.created, report.revision));
  }
  const auto value = json::parse(row.value);
  // The parser's words could show a part of a Secret.
  if (!value || !value->is_object()) return add_problem(report, what + ": it is not a JSON object");
  if (const auto wrong = contradiction(row, *value); !wrong.empty()) add_problem(report, what + ": " + wrong);
}

struct SealCounts {
  std::size_t plain = 0;     // of types that ought to be sealed
  std::size_t stale = 0;     // sealed with an older key
  std::size_t unopened = 0;  // because there is no key
};

Result<> examine_rows(sqlite::Database& database, const Examination& examination, CheckReport& report) {
  SealCounts seals;
  auto rows = TRY(database.prepare(kSelectRows));
  while (TRY(rows.step())) {
    auto raw = read_raw_row(rows);
    ++report.objects;
    ++report.by_type[raw.row.type];
    const auto& types = examination.sealed_types;
    if (!raw.sealed && std::ranges::find(types, raw.row.type) != types.end()) ++seals.plain;
    if (raw.sealed) {
      ++report.sealed;
      if (!examination.keys) {
        ++seals.unopened;
        continue;
      }
      if (examination.keys->is_stale(raw.row.value)) ++seals.stale;
    }
    const auto row = open_row(std::move(raw), examination.keys);
    row ? examine_row(*row, report) : add_problem(report, row.error().message());
  }
  if (seals.unopened != 0) {
    add_problem(report, fmt::format("{} sealed objects cannot be opened: there is no key", seals.unopened));
  }
  if (seals.plain != 0) {
    report.remarks.push_back(fmt::format("{} objects lie unsealed that would be sealed now", seals.plain));
  }
  if (seals.stale != 0) {
    report.remarks.push_back(fmt::format("{} objects are sealed with an older key", seals.stale));
  }
  return {};
}

Result<> examine_revisions(sqlite::Database& database, CheckReport& report) {
  auto twice = TRY(database.prepare(
      "SELECT revision, count(*) FROM objects GROUP BY revision HAVING count(*) > 1 LIMIT 100"));
  while (TRY(twice.step())) {
    add_problem(report, fmt::format("{} objects share revision {}", twice.integer(1), twice.integer(0)));
  }
  return {};
}

}  // namespace

std::vector<std::string> default_sealed_types() {
  return {"secrets"};
}

Result<> examine(sqlite::Database& database, const Examination& examination, CheckReport& report) {
  // One snapshot for all that follows, whatever others write meanwhile.
  TRY(database.execute("BEGIN"));
  auto examined = [&]() -> Result<> {
    report.schema = TRY(require_readable(database, examination.name));
    report.revision = TRY(read_revision(database, examination.name));
    TRY(examine_pages(database, report));
    TRY(examine_rows(database, examination, report));
    return examine_revisions(database, report);
  }();
  // Ends a transaction that only read; there is nothing to lose.
  static_cast<void>(database.execute("ROLLBACK"));
  return examined;
}

}  // namespace klutch::apiserver
