// SPDX-License-Identifier: Apache-2.0
// Any bytes as YAML: refused with an error, or read to values that our own YAML text gives back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/parse.h"
#include "json/print.h"
#include "json/yaml.h"

namespace {

using klutch::json::Value;
using klutch::json::YamlDocument;
using klutch::json::YamlOptions;

/// One text for all values that print alike: Go's format drops the last digits of large whole doubles.
std::string as_printed(const Value& value) {
  return klutch::json::canonical(klutch::json::parse(klutch::json::print(value)).value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  YamlOptions options;
  options.max_depth = 64;
  options.max_documents = 50;
  options.max_alias_nodes = 2'000;
  const auto documents = klutch::json::parse_yaml_documents(text, options);
  if (!documents) {
    CHECK(!documents.error().message().empty());
    return 0;
  }
  CHECK(documents->size() <= options.max_documents);
  for (const YamlDocument& document : *documents) {
    CHECK(document.line >= 1);
    const std::string printed = klutch::json::print_yaml(document.value);
    const auto again = klutch::json::parse_yaml(printed, options);
    CHECK(again.has_value());
    CHECK(as_printed(*again) == as_printed(document.value));
    CHECK(klutch::json::print_yaml(*again) == printed);
  }
  return 0;
}
