// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "json/value.h"

// Small parts of cells. Objects are what clients sent: a field that is missing or of another type reads as
// empty. Private to src/apiserver/tables.

namespace klutch::apiserver {

/// One kind's columns and how its cells are filled.
struct KindTable {
  std::string_view group = {};
  std::string_view resource = {};
  /// "Name!|Desired:integer|Node*": '!' has the format "name", '*' shows with `-o wide` alone.
  std::string_view columns = {};
  std::vector<json::Value> (*cells)(const json::Value& object, Time now) = nullptr;
};

std::span<const KindTable> core_tables();
std::span<const KindTable> workload_tables();
std::span<const KindTable> network_tables();
std::span<const KindTable> cluster_tables();

std::vector<json::Value> pod_cells(const json::Value& object, Time now);

/// The value at "spec.template.spec"; null if there is none.
const json::Value& value_at(const json::Value& object, std::string_view path);
std::string text_at(const json::Value& object, std::string_view path);
/// `fallback` if there is no text or an empty one.
std::string text_or(const json::Value& object, std::string_view path, std::string_view fallback);
std::int64_t number_at(const json::Value& object, std::string_view path);
bool truth_at(const json::Value& object, std::string_view path);
/// The elements of a list.
std::span<const json::Value> list_at(const json::Value& object, std::string_view path);

std::string name_of(const json::Value& object);
/// Since a point in time that is written at `path`: "5m"; "<unknown>" if there is none.
std::string since(const json::Value& object, std::string_view path, Time now);
/// Since its creation.
std::string age_of(const json::Value& object, Time now);
bool is_being_deleted(const json::Value& object);

/// Names and images, joined with commas.
std::string container_names(const json::Value& pod_spec);
std::string container_images(const json::Value& pod_spec);
/// "a=1,b=2", sorted; "<none>".
std::string labels_text(const json::Value& labels);
/// A label selector (meta/v1) as text; `nothing` if it is empty.
std::string selector_text(const json::Value& selector, std::string_view nothing);
/// The texts with commas in between; after `most` of them "+ N more...".
std::string list_text(const std::vector<std::string>& texts, std::size_t most);
std::string none_if_empty(std::string text);

template <class... Values>
std::vector<json::Value> cells_of(Values&&... values) {
  std::vector<json::Value> cells;
  cells.reserve(sizeof...(values));
  (cells.emplace_back(std::forward<Values>(values)), ...);
  return cells;
}

}  // namespace klutch::apiserver
