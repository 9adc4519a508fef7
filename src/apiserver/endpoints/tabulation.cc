// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/tabulation.h"

#include <string>
#include <utility>
#include <vector>

#include "apiserver/endpoints/rendering.h"
#include "base/duration.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

/// Of kinds that have no columns of their own.
class NameAndAge final : public TableShape {
 public:
  [[nodiscard]] const std::vector<TableColumn>& columns() const override { return columns_; }
  [[nodiscard]] std::vector<json::Value> cells(const json::Value& object, Time now) const override {
    std::vector<json::Value> cells;
    cells.emplace_back(kube::name(object));
    const auto created = kube::creation_time(object);
    cells.emplace_back(created ? format_age(now - *created) : "<unknown>");
    return cells;
  }

 private:
  std::vector<TableColumn> columns_ = {
      {.name = "Name",
       .type = "string",
       .format = "name",
       .description = "Name must be unique within a namespace."},
      {.name = "Age", .type = "string", .description = "When the object was created."}};
};

const TableShape& shape_of(const ServedResource& resource) {
  static const NameAndAge fallback;
  return resource.table != nullptr ? *resource.table : fallback;
}

json::Value column_definitions(const TableShape& shape) {
  auto list = json::Value::empty_array();
  for (const TableColumn& column : shape.columns()) {
    list.push_back(json::object({{"name", column.name},
                                 {"type", column.type},
                                 {"format", column.format},
                                 {"description", column.description},
                                 {"priority", column.priority}}));
  }
  return list;
}

}  // namespace

Tabulation::Tabulation(const ServedResource& resource, const Representation& form, Time now, bool headers)
    : resource_(resource), form_(form), now_(now), headers_(headers) {}

void Tabulation::add_row(json::Value object) {
  auto cells = json::Value::empty_array();
  for (json::Value& cell : shape_of(resource_).cells(object, now_)) cells.push_back(std::move(cell));
  auto row = json::Value::empty_object();
  row.set("cells", std::move(cells));
  switch (form_.include) {
    case Representation::Include::kNone: row.set("object", nullptr); break;
    case Representation::Include::kMetadata:
      row.set("object", partial_metadata(object, form_.version));
      break;
    case Representation::Include::kObject: row.set("object", std::move(object)); break;
  }
  rows_.push_back(std::move(row));
}

json::Value Tabulation::finish(json::Value list_metadata) && {
  auto table = json::object({{"kind", "Table"}, {"apiVersion", "meta.k8s.io/" + form_.version}});
  table.set("metadata", std::move(list_metadata));
  table.set("columnDefinitions", headers_ ? column_definitions(shape_of(resource_)) : json::Value());
  table.set("rows", std::move(rows_));
  return table;
}

}  // namespace klutch::apiserver
