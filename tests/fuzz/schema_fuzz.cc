// SPDX-License-Identifier: Apache-2.0
// Two JSON texts, split at the first record separator (0x1e, which JSON cannot hold): an openAPIV3Schema and
// an object. What was pruned or completed once stays as it is, and an unchanged object is never refused for
// more than a new one.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "apiserver/schema/defaulting.h"
#include "apiserver/schema/prune.h"
#include "apiserver/schema/structural_check.h"
#include "apiserver/schema/structural_schema.h"
#include "apiserver/schema/validation.h"
#include "base/check.h"
#include "json/parse.h"

namespace {

using namespace klutch;
using namespace klutch::apiserver;

void check_object(json::Value object, const StructuralSchema& schema) {
  const FieldErrors errors = validate_value({}, object, schema);
  CHECK(errors.size() <= kMaxValidationErrors);
  CHECK(validate_value_update({}, object, object, schema).size() <= errors.size());
  validate_value({}, object, schema, ValidationPurpose::kDefault);
  validate_unique_lists({}, object, schema);
  prune(object, &schema, {.resource_root = true, .report = true});
  CHECK(prune(object, &schema, {.resource_root = true, .report = true}).empty());
  drop_nulls(object, &schema);
  apply_defaults(object, &schema);
  const json::Value completed = object;
  apply_defaults(object, &schema);
  CHECK(object == completed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t split = text.find('\x1e');
  if (split == std::string_view::npos) return 0;
  const auto schema_json = json::parse(text.substr(0, split));
  const auto object = json::parse(text.substr(split + 1));
  if (!schema_json || !object) return 0;
  SchemaPool pool;
  const auto schema = parse_schema(*schema_json, pool);
  if (!schema) return 0;
  CHECK(parse_schema(*schema_json, pool).value() == *schema);
  validate_structural(FieldPath("schema"), *schema_json);
  check_object(*object, **schema);
  return 0;
}
