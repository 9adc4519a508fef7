// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "apiserver/custom/served_definition.h"
#include "apiserver/registry/resource.h"
#include "apiserver/schema/printer_column.h"

// The table of one version's objects: their names and additionalPrinterColumns, or else their ages. Made when
// it is first asked for. Any thread. Private to this library.

namespace klutch::apiserver {

class CustomTable final : public TableShape {
 public:
  CustomTable(std::shared_ptr<const ServedDefinition> definition, std::size_t version)
      : definition_(std::move(definition)), version_(version) {}

  [[nodiscard]] const std::vector<TableColumn>& columns() const override;
  [[nodiscard]] std::vector<json::Value> cells(const json::Value& object, Time now) const override;

 private:
  void make() const;
  /// False if the path cannot be read.
  bool add(TableColumn column, std::string_view json_path) const;

  std::shared_ptr<const ServedDefinition> definition_;
  std::size_t version_;
  mutable std::once_flag once_ = {};
  mutable std::vector<TableColumn> columns_ = {};  ///< the name first
  mutable std::vector<PrinterColumn> printers_ = {};
};

}  // namespace klutch::apiserver
