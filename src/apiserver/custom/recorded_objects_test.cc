// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>

#include "apiserver/custom/custom_resource.h"
#include "apiserver/custom/custom_testing.h"
#include "apiserver/ownership/managed_fields.h"
#include "json/build.h"
#include "json/parse.h"
#include "testing/table.h"

// What k8s.io/apiextensions-apiserver made of objects of one definition, of the shape that Crossplane gives
// its composite resources: testdata/objects.tsv.

namespace klutch::apiserver {
namespace {

using json::Value;

Value errors_as_json(const FieldErrors& errors) {
  Value out = Value::empty_array();
  for (const FieldError& error : errors) {
    out.push_back(json::array({reason_of(error.type), error.field, error.body}));
  }
  return out;
}

void add_texts(Value& out, std::string_view key, std::vector<std::string> list) {
  if (list.empty()) return;
  std::ranges::sort(list);
  Value array = Value::empty_array();
  for (const std::string& text : list) array.push_back(text);
  out.set(key, std::move(array));
}

void add_columns(Value& out, const TableShape& table) {
  Value columns = Value::empty_array();
  for (const TableColumn& column : table.columns()) {
    columns.push_back(json::object({{"name", column.name},
                                    {"type", column.type},
                                    {"format", column.format},
                                    {"description", column.description},
                                    {"priority", column.priority}}));
  }
  out.set("columns", std::move(columns));
}

/// managedFields without their times, taken out of the object.
Value take_owners(Value& object) {
  Value owners = object["metadata"].take("managedFields").value_or(Value::empty_array());
  for (Value& entry : owners.elements()) entry.erase("time");
  return owners;
}

Value answer_owners(const ServedResource& served, const Value& question) {
  Value steps = Value::empty_array();
  Value live = Value::empty_object();
  for (const Value& step : question.find("steps")->elements()) {
    const std::string_view subresource = step.find_bool("status").value_or(false) ? "status" : "";
    const WriteIdentity write{.manager = std::string(*step.find_string("manager")),
                              .api_version = served.description.type.api_version(),
                              .subresource = std::string(subresource),
                              .now = Time(std::chrono::hours(24))};
    const OwnershipTypes types = served.behavior->ownership(subresource);
    Value updated = *step.find("obj");
    if (*step.find_bool("apply")) {
      const Force force = step.find_bool("force").value_or(false) ? Force::kYes : Force::kNo;
      auto applied = apply_object(live, updated, write, types, force);
      if (!applied) {
        steps.push_back(json::object({{"error", applied.error().message()}}));
        continue;
      }
      updated = *std::move(applied);
    } else {
      if (const Value* metadata = live.find("metadata");
          metadata != nullptr && metadata->contains("managedFields")) {
        updated["metadata"].set("managedFields", *metadata->find("managedFields"));
      }
      track_update(live, updated, write, types);
    }
    live = updated;
    Value owners = take_owners(updated);
    steps.push_back(json::object({{"obj", std::move(updated)}, {"fields", std::move(owners)}}));
  }
  return json::object({{"steps", std::move(steps)}});
}

Value answer_about(const ServedResource& served, const Value& question, const Value& expected) {
  const ResourceBehavior& behavior = *served.behavior;
  if (question.find_string("op") == "published") {
    return json::object({{"schema", behavior.openapi_schema()}});
  }
  if (question.find_string("op") == "owners") return answer_owners(served, question);
  auto read = behavior.read(*question.find("obj"));
  if (!read) return json::object({{"decode", read.error().message()}});
  const Value& object = read->object;
  const Value* old = question.find("old");
  const std::string_view subresource = question.find_string("sub").value_or("");
  Value out = json::object({{"obj", object}});
  add_texts(out, "unknown", read->unknown_fields);
  out.set("errs", errors_as_json(old == nullptr ? behavior.validate_create(object)
                                                : behavior.validate_update(object, *old, subresource)));
  if (subresource.empty()) add_texts(out, "warnings", behavior.warnings(object, old));
  if (const Value* fields = expected.find("fields")) {
    Value found = Value::empty_object();
    for (const auto& [name, value] : fields->members()) {
      found.set(name, behavior.selectable_field(object, name).value_or("(none)"));
    }
    out.set("fields", std::move(found));
  }
  if (expected.contains("columns")) add_columns(out, *served.table);
  if (expected.contains("cells")) {
    Value cells = Value::empty_array();
    for (Value& cell : served.table->cells(object, Time{})) cells.push_back(std::move(cell));
    out.set("cells", std::move(cells));
  }
  return out;
}

TEST(RecordedObjects, AreTreatedAsKubernetesTreatsThem) {
  const auto rows = testing::read_table("src/apiserver/custom/testdata/objects.tsv", 2);
  SchemaPool pool;
  const auto all =
      custom_resources_of(stored_definition(established(json::parse(rows.front()[0]).value())), pool);
  ASSERT_EQ(all.size(), 2U);
  for (const auto& row : std::span(rows).subspan(1)) {
    const Value question = json::parse(row[0]).value();
    Value expected = json::parse(row[1]).value();
    const auto served = std::ranges::find_if(all, [&](const ServedPtr& resource) {
      return resource->description.type.version == question.find_string("version");
    });
    if (Value* unknown = expected.find("unknown")) {
      std::ranges::sort(unknown->elements(), {}, [](const Value& path) { return path.as_string(); });
    }
    const Value answered = answer_about(**served, question, expected);
    for (const auto& [part, value] : expected.members()) {
      const Value* own = answered.find(part);
      ASSERT_NE(own, nullptr) << part << " of " << row[0];
      EXPECT_EQ(*own, value) << part << " of " << row[0];
    }
    EXPECT_EQ(answered.size(), expected.size()) << row[0];
  }
}

}  // namespace
}  // namespace klutch::apiserver
