// SPDX-License-Identifier: Apache-2.0
#include "apiserver/ownership/managed_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "base/time.h"

namespace klutch::apiserver {
namespace {

using json::Value;

std::string_view operation_name(ManagerId::Operation operation) {
  return operation == ManagerId::Operation::kApply ? "Apply" : "Update";
}

Result<std::pair<ManagerId, ManagedSet>> read_entry(const Value& entry) {
  const auto text = [&](std::string_view name) { return std::string(entry.find_string(name).value_or("")); };
  ManagerId id{.manager = text("manager"), .subresource = text("subresource")};
  ManagedSet set{.api_version = text("apiVersion")};
  const auto operation = text("operation");
  if (operation == "Apply") {
    id.operation = ManagerId::Operation::kApply;
  } else if (operation == "Update") {
    id.api_version = set.api_version;
  } else {
    return fail(Code::kInvalid, fmt::format("unexpected operation {}", quote(operation)));
  }
  if (const auto time = text("time"); !time.empty()) set.time = TRY(parse_rfc3339(time));
  if (const auto* fields = entry.find("fieldsV1"); fields != nullptr && !fields->is_null()) {
    set.fields = TRY(FieldSet::from_json(*fields));
  }
  return std::pair(std::move(id), std::move(set));
}

}  // namespace

std::string ManagerId::to_string() const {
  auto text = quote(manager);
  if (!subresource.empty()) text += " with subresource " + quote(subresource);
  if (operation == Operation::kUpdate) text += " using " + api_version;
  return text;
}

Result<ManagedFields> read_managed_fields(const Value& entries) {
  ManagedFields managed;
  if (entries.is_null()) return managed;
  if (!entries.is_array()) return fail(Code::kInvalid, "metadata.managedFields is no list");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto [id, set] =
        TRY(read_entry(entries.at(i)).map_error(context(fmt::format("cannot read managedFields[{}]", i))));
    managed[std::move(id)] = std::move(set);
  }
  return managed;
}

Value print_managed_fields(const ManagedFields& managed) {
  std::vector<const ManagedFields::value_type*> order;
  for (const auto& entry : managed) order.push_back(&entry);
  std::ranges::stable_sort(order, {}, [](const ManagedFields::value_type* entry) {
    const auto& [id, set] = *entry;
    return std::tuple(id.operation, set.time, std::string_view(id.manager), std::string_view(set.api_version),
                      std::string_view(id.subresource));
  });
  auto entries = Value::empty_array();
  for (const auto* entry : order) {
    const auto& [id, set] = *entry;
    auto object = Value::empty_object();
    if (!id.manager.empty()) object.set("manager", id.manager);
    object.set("operation", operation_name(id.operation));
    object.set("apiVersion", set.api_version);
    if (set.time != Time{}) object.set("time", format_rfc3339(set.time));
    object.set("fieldsType", "FieldsV1");
    object.set("fieldsV1", set.fields.to_json());
    if (!id.subresource.empty()) object.set("subresource", id.subresource);
    entries.push_back(std::move(object));
  }
  return entries;
}

}  // namespace klutch::apiserver
