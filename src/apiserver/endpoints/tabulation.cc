// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/tabulation.h"

#include <string_view>
#include <utility>

#include "apiserver/endpoints/rendering.h"
#include "apiserver/tables/tables.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

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

const TableShape& table_of(const ServedResource& resource) {
  return resource.table != nullptr ? *resource.table : *name_and_age_table();
}

const TableShape& table_of(const ServedResource& resource, const json::Value& object) {
  const std::string_view kind = kube::kind(object);
  if (kind.empty() || kind == resource.description.type.kind) return table_of(resource);
  const bool scale = kind == "Scale" && kube::api_version(object) == "autoscaling/v1";
  return scale ? *scale_table() : *name_and_age_table();
}

Tabulation::Tabulation(const TableShape& shape, const Representation& form, Time now, bool headers)
    : shape_(shape), form_(form), now_(now), headers_(headers) {}

void Tabulation::add_row(json::Value object) {
  auto cells = json::Value::empty_array();
  for (json::Value& cell : shape_.cells(object, now_)) cells.push_back(std::move(cell));
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
  table.set("columnDefinitions", headers_ ? column_definitions(shape_) : json::Value());
  table.set("rows", std::move(rows_));
  return table;
}

}  // namespace klutch::apiserver
