// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/custom_table.h"

#include "apiserver/custom/definition_json.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kNameDescription =
    "Name must be unique within a namespace. Is required when creating resources, although some resources "
    "may allow a client to request the generation of an appropriate name automatically. Name is primarily "
    "intended for creation idempotence and configuration definition. Cannot be updated. More info: "
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names";
constexpr std::string_view kAgeDescription =
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not "
    "guaranteed to be set in happens-before order across separate operations. Clients may not set this "
    "value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for "
    "lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

}  // namespace

bool CustomTable::add(TableColumn column, std::string_view json_path) const {
  auto printer = PrinterColumn::parse(column.type, json_path);
  if (!printer) return false;
  printers_.push_back(*std::move(printer));
  columns_.push_back(std::move(column));
  return true;
}

void CustomTable::make() const {
  columns_.push_back({.name = "Name", .format = "name", .description = std::string(kNameDescription)});
  const json::Value version = definition_->version_json(version_);
  const auto own = list_at(version, "additionalPrinterColumns");
  if (own.empty()) {
    add({.name = "Age", .type = "date", .description = std::string(kAgeDescription)},
        ".metadata.creationTimestamp");
  }
  for (const json::Value& column : own) {
    const std::string path = text_at(column, "jsonPath");
    TableColumn shown{.name = text_at(column, "name"),
                      .type = text_at(column, "type"),
                      .format = text_at(column, "format"),
                      .description = text_at(column, "description"),
                      .priority = static_cast<int>(column.find_int("priority").value_or(0))};
    if (shown.description.empty()) {
      shown.description = "Custom resource definition column (in JSONPath format): " + path;
    }
    if (!add(std::move(shown), path)) return;
  }
}

const std::vector<TableColumn>& CustomTable::columns() const {
  std::call_once(once_, [&] { make(); });
  return columns_;
}

std::vector<json::Value> CustomTable::cells(const json::Value& object, Time now) const {
  std::vector<json::Value> cells;
  cells.reserve(columns().size());
  cells.emplace_back(kube::name(object));
  for (const PrinterColumn& printer : printers_) cells.push_back(printer.cell(object, now));
  return cells;
}

}  // namespace klutch::apiserver
