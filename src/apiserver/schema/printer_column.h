// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "apiserver/schema/json_path.h"
#include "base/clock.h"
#include "base/result.h"
#include "json/value.h"

// A column of the table that `kubectl get` shows of custom resources (additionalPrinterColumns). Immutable;
// any thread.

namespace klutch::apiserver {

class PrinterColumn {
 public:
  /// `type` is that of the column: "string", "integer", "number", "boolean" or "date". kInvalid for a path
  /// that cannot be read.
  static Result<PrinterColumn> parse(std::string_view type, std::string_view json_path);

  /// What stands in the column for `object`, null for nothing: a date as its age at `now`, strings as text
  /// whatever was found, other types only what is of that type.
  [[nodiscard]] json::Value cell(const json::Value& object, Time now) const;

 private:
  PrinterColumn(std::string_view type, JsonPath path) : type_(type), path_(std::move(path)) {}

  std::string type_;
  JsonPath path_;
};

}  // namespace klutch::apiserver
