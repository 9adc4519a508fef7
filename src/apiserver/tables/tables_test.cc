// SPDX-License-Identifier: Apache-2.0
#include "apiserver/tables/tables.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>

#include "apiserver/builtin/facts.h"
#include "base/time.h"
#include "json/build.h"
#include "json/parse.h"

namespace klutch::apiserver {
namespace {

const Time kNow = *parse_rfc3339("2026-01-01T00:00:00Z");

std::vector<json::Value> read_rows() {
  const char* const root = std::getenv("KLUTCH_SOURCE_DIR");
  std::vector<json::Value> rows;
  if (root == nullptr) return rows;
  std::ifstream file(std::string(root) + "/src/apiserver/tables/testdata/tables.jsonl");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#')) rows.push_back(*json::parse(line));
  }
  return rows;
}

kube::ResourceType type_of(const json::Value& row) {
  return {std::string(*row.find_string("group")), std::string(*row.find_string("version")),
          std::string(*row.find_string("resource"))};
}

json::Value columns_of(const TableShape& table) {
  auto columns = json::Value::empty_array();
  for (const TableColumn& column : table.columns()) {
    columns.push_back(json::array({column.name, column.type, column.format, column.priority}));
  }
  return columns;
}

json::Value cells_in(const TableShape& table, const json::Value& object) {
  auto list = json::Value::empty_array();
  for (json::Value& cell : table.cells(object, kNow)) list.push_back(std::move(cell));
  return list;
}

TEST(BuiltinTables, AreThoseOfKubernetes) {
  const auto rows = read_rows();
  ASSERT_GT(rows.size(), 150U);
  for (const json::Value& row : rows) {
    const auto table = builtin_table(type_of(row));
    ASSERT_NE(table, nullptr);
    SCOPED_TRACE(type_of(row).to_string());
    EXPECT_EQ(columns_of(*table), *row.find("columns"));
    EXPECT_EQ(cells_in(*table, *row.find("object")), *row.find("cells")) << *row.find("object");
  }
}

TEST(BuiltinTables, HaveACellForEachColumnWhateverTheObject) {
  // Fields of other types than they should have, and none at all.
  const auto odd = json::object({{"metadata", 1},
                                 {"spec", json::array({1})},
                                 {"status", json::object({{"conditions", json::object()}})},
                                 {"subsets", "x"},
                                 {"webhooks", 5}});
  for (const auto& resource : BuiltinFacts::get().resources()) {
    const auto table = builtin_table(resource.type);
    for (const json::Value& object : {odd, json::Value::empty_object(), json::Value()}) {
      EXPECT_EQ(table->cells(object, kNow).size(), table->columns().size()) << resource.type.to_string();
    }
  }
}

TEST(BuiltinTables, AreRecordedForEveryStoredKind) {
  std::set<std::string> recorded;
  for (const json::Value& row : read_rows()) recorded.insert(type_of(row).to_string());
  // Not in the printers of k8s.io/kubernetes, or more cells than columns there.
  const std::set<std::string> others = {"apiservices.apiregistration.k8s.io", "componentstatuses",
                                        "customresourcedefinitions.apiextensions.k8s.io",
                                        "ipaddresses.networking.k8s.io"};
  for (const auto& resource : BuiltinFacts::get().resources()) {
    const bool stored = resource.verbs.size() != 1;
    const auto name = resource.type.to_string();
    if (stored && !others.contains(name)) {
      EXPECT_TRUE(recorded.contains(name)) << name;
    }
  }
}

TEST(BuiltinTables, ShowWhetherAnApiIsAvailable) {
  const auto table = builtin_table({"apiregistration.k8s.io", "v1", "apiservices", "APIService"});
  const auto object = *json::parse(
      R"({"metadata":{"name":"v1.x","creationTimestamp":"2025-12-31T23:59:00Z"},"spec":{"service":{"namespace":"n","name":"s"}},
          "status":{"conditions":[{"type":"Available","status":"False","reason":"Down"}]}})");
  EXPECT_EQ(cells_in(*table, object), json::array({"v1.x", "n/s", "False (Down)", "60s"}));
  EXPECT_EQ(cells_in(*table, *json::parse(R"({"metadata":{"name":"v1."}})")),
            json::array({"v1.", "Local", "Unknown", "<unknown>"}));
}

TEST(OtherTables, ShowScalesAndKindsWithoutColumns) {
  const auto object = *json::parse(
      R"({"metadata":{"name":"a","creationTimestamp":"2025-12-31T23:59:00Z"},"spec":{"replicas":3},"status":{"replicas":2}})");
  EXPECT_EQ(cells_in(*scale_table(), object), json::array({"a", 3, 2, "60s"}));
  EXPECT_EQ(cells_in(*name_and_age_table(), object), json::array({"a", "60s"}));
  EXPECT_EQ(cells_in(*builtin_table({"apiextensions.k8s.io", "v1", "customresourcedefinitions"}), object),
            json::array({"a", "2025-12-31T23:59:00Z"}));
}

}  // namespace
}  // namespace klutch::apiserver
