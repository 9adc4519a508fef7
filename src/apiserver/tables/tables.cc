// SPDX-License-Identifier: Apache-2.0
#include "apiserver/tables/tables.h"

#include "apiserver/tables/cell_values.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

using CellFunction = std::vector<json::Value> (*)(const json::Value& object, Time now);

std::string describe(std::string_view column) {
  if (column == "Name") {
    return "Name must be unique within a namespace (or within the cluster, for objects without one).";
  }
  if (column == "Age" || column == "Created At") return "When the server created this object, in UTC.";
  return {};
}

TableColumn parse_column(std::string_view text) {
  TableColumn column;
  if (text.ends_with('*')) {
    column.priority = 1;
    text.remove_suffix(1);
  }
  if (text.ends_with('!')) {
    column.format = "name";
    text.remove_suffix(1);
  }
  if (const auto typed = split_once(text, ":")) {
    text = typed->first;
    column.type = typed->second;
  }
  column.name = text;
  column.description = describe(text);
  return column;
}

class FunctionTable final : public TableShape {
 public:
  FunctionTable(std::string_view specification, CellFunction make_cells) : cells_(make_cells) {
    for (const std::string_view column : split(specification, '|')) columns_.push_back(parse_column(column));
  }

  [[nodiscard]] const std::vector<TableColumn>& columns() const override { return columns_; }
  [[nodiscard]] std::vector<json::Value> cells(const json::Value& object, Time now) const override {
    return cells_(object, now);
  }

 private:
  std::vector<TableColumn> columns_;
  CellFunction cells_;
};

std::vector<json::Value> creation_cells(const json::Value& object, Time /*now*/) {
  return cells_of(name_of(object), text_or(object, "metadata.creationTimestamp", "0001-01-01T00:00:00Z"));
}

std::vector<json::Value> age_cells(const json::Value& object, Time now) {
  return cells_of(name_of(object), age_of(object, now));
}

const KindTable* find_table(std::string_view group, std::string_view resource) {
  for (const auto tables : {core_tables(), workload_tables(), network_tables(), cluster_tables()}) {
    for (const KindTable& table : tables) {
      if (table.group == group && table.resource == resource) return &table;
    }
  }
  return nullptr;
}

std::shared_ptr<const TableShape> make_table(std::string_view group, std::string_view resource) {
  const KindTable* const table = find_table(group, resource);
  if (table == nullptr) return std::make_shared<FunctionTable>("Name!|Created At:date", creation_cells);
  return std::make_shared<FunctionTable>(table->columns, table->cells);
}

}  // namespace

std::shared_ptr<const TableShape> builtin_table(const kube::ResourceType& type) {
  return make_table(type.group, type.resource);
}

const std::shared_ptr<const TableShape>& scale_table() {
  static const auto table = make_table("autoscaling", "scales");
  return table;
}

const std::shared_ptr<const TableShape>& name_and_age_table() {
  static const std::shared_ptr<const TableShape> table =
      std::make_shared<FunctionTable>("Name!|Age:date", age_cells);
  return table;
}

}  // namespace klutch::apiserver
