// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/printer_column.h"

#include "apiserver/schema/go_text.h"
#include "base/duration.h"
#include "base/time.h"

namespace klutch::apiserver {
namespace {

json::Value age_cell(std::string_view timestamp, Time now) {
  if (timestamp.empty() || timestamp == "null") return "<unknown>";
  const auto time = parse_rfc3339(timestamp);
  return time ? json::Value(format_age(now - *time)) : json::Value("<invalid>");
}

json::Value text_cell(const json::Value& found) {
  if (found.is_null()) return "<no value>";
  if (found.is_string()) return found;
  return found.is_array() || found.is_object() ? go_json(found) : go_plain(found);
}

}  // namespace

Result<PrinterColumn> PrinterColumn::parse(std::string_view type, std::string_view json_path) {
  return PrinterColumn(type, TRY(JsonPath::parse(json_path)));
}

json::Value PrinterColumn::cell(const json::Value& object, Time now) const {
  const auto results = path_.find(object);
  const json::Value* found = results ? results->first() : nullptr;
  if (found == nullptr) return nullptr;
  if (type_ == "string") return text_cell(*found);
  if (type_ == "integer" && found->is_int()) return *found;
  if (type_ == "integer" && found->is_number()) return go_int64(found->to_double());
  if (type_ == "number" && found->is_number()) return found->to_double();
  if (type_ == "boolean" && found->is_bool()) return *found;
  if (type_ == "date" && found->is_string()) return age_cell(found->as_string(), now);
  return nullptr;
}

}  // namespace klutch::apiserver
