// SPDX-License-Identifier: Apache-2.0
// One rule of a custom resource. Whatever it is, reading, checking, planning and evaluating it ends, the same
// way each time.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "apiserver/cel/expression.h"
#include "apiserver/cel/schema.h"
#include "apiserver/schema/structural_schema.h"
#include "base/check.h"
#include "json/parse.h"

namespace {

using namespace klutch;
using namespace klutch::apiserver;

/// What an expression may cost here: enough for some loops.
constexpr std::uint64_t kBudget = 20'000;

constexpr std::string_view kSchema = R"({"type": "object", "properties": {
  "n": {"type": "integer"}, "f": {"type": "number"}, "b": {"type": "boolean"}, "s": {"type": "string"},
  "t": {"type": "string", "format": "date-time"}, "d": {"type": "string", "format": "duration"},
  "y": {"type": "string", "format": "byte"}, "i": {"x-kubernetes-int-or-string": true},
  "l": {"type": "array", "items": {"type": "integer"}},
  "k": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"],
        "items": {"type": "object", "properties": {"a": {"type": "string"}, "b-c": {"type": "integer"}}}},
  "e": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
  "m": {"type": "object", "additionalProperties": {"type": "string"}},
  "u": {"type": "string", "nullable": true}}})";
constexpr std::string_view kObject = R"({"n": 5, "f": 2.5, "b": true, "s": "hello w\u00f6rld",
  "t": "2020-01-02T03:04:05Z", "d": "1h", "y": "aGk=", "i": "50%", "l": [1, 2, 3],
  "k": [{"a": "x", "b-c": 1}, {"a": "y"}], "e": ["p", "q"], "m": {"k1": "v1", "k2": "v2"}, "u": null})";

struct World {
  json::Value object = *json::parse(kObject);
  std::shared_ptr<const cel::Schema> schema = [] {
    SchemaPool pool;
    return cel::Schema::from_structural(**parse_schema(*json::parse(kSchema), pool), {});
  }();
  cel::Environment environment;

  World() { environment.declare_self(schema); }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const World kWorld;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto expression = cel::Expression::compile(text, kWorld.environment);
  if (!expression) {
    CHECK(!expression.error().message().empty());
    return 0;
  }
  const cel::Value self = cel::Value::from_json(kWorld.object, *kWorld.schema);
  const std::array<std::pair<std::string_view, cel::Value>, 2> variables = {
      {{"self", self}, {"oldSelf", self}}};
  const cel::Evaluation first = expression->evaluate(variables, kBudget);
  const cel::Evaluation second = expression->evaluate(variables, kBudget);
  CHECK(first.cost == second.cost && first.is_cancelled == second.is_cancelled);
  CHECK(first.value.debug() == second.value.debug());
  return 0;
}
