// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/lib_maps.h"

#include <array>
#include <string>
#include <utility>

#include "apiserver/cel/ast.h"
#include "apiserver/cel/functions.h"
#include "apiserver/cel/heap.h"

namespace klutch::apiserver::cel {
namespace {

/// A map that may be changed: `map` itself if nothing else holds it.
Value owned_map(Value map) {
  if (map.heap_map() != nullptr && map.is_sole_owner()) return map;
  auto* copy = new detail::MapObject;
  Value owned = Value::adopt(Kind::kMap, copy);
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (auto entry = map.entry(i)) copy->set(entry->first, std::move(entry->second));
  }
  return owned;
}

Value insert_one(Arguments a) {
  return insert_entry(a[0], a[1], a[2]);
}

Value insert_all(Arguments a) {
  Value merged = owned_map(a[0]);
  for (std::size_t i = 0; i < a[1].size(); ++i) {
    auto entry = a[1].entry(i);
    if (!entry) continue;
    merged = insert_entry(std::move(merged), entry->first, entry->second);
    if (merged.is_error()) break;
  }
  return merged;
}

constexpr std::array kMapFunctions = {
    OverloadSpec{function::kMapInsert, "@mapInsert_map_key_value", "(map(K, V), K, V) -> map(K, V)",
                 insert_one},
    OverloadSpec{function::kMapInsert, "@mapInsert_map_map", "(map(K, V), map(K, V)) -> map(K, V)",
                 insert_all},
};

}  // namespace

Value insert_entry(Value map, const Value& key, const Value& value) {
  const auto present = map.find(key);
  if (present) return Value::error("insert failed: key " + key.text() + " already exists");
  Value grown = owned_map(std::move(map));
  grown.heap_map()->set(key, value);
  return grown;
}

std::span<const OverloadSpec> map_overloads() {
  return kMapFunctions;
}

}  // namespace klutch::apiserver::cel
