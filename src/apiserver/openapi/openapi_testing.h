// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "apiserver/discovery/discovery_testing.h"
#include "base/check.h"
#include "json/parse.h"
#include "json/value.h"
#include "testing/table.h"

// What the tests of this folder describe: see discovery_testing.h; widgets have a schema.

namespace klutch::apiserver {

/// The schema of widgets in ex.io/v1: "v3" or "v2".
inline json::Value widget_schema(const std::string& version) {
  for (const auto& row : testing::read_table("src/apiserver/openapi/testdata/widget.tsv", 2)) {
    if (row[0] == version) return json::parse(row[1]).value();
  }
  CHECK(false);
  return {};
}

/// Without descriptions, which are our own.
inline json::Value without_descriptions(json::Value value) {
  if (value.is_object()) {
    value.erase_if([](const json::Member& member) {
      return member.key() == "description" && member.value().is_string();
    });
    for (auto& member : value.members()) member.value() = without_descriptions(std::move(member.value()));
  } else if (value.is_array()) {
    for (auto& element : value.elements()) element = without_descriptions(std::move(element));
  }
  return value;
}

}  // namespace klutch::apiserver
