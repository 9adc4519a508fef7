// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/custom_resource.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "apiserver/custom/custom_testing.h"
#include "apiserver/custom/definition.h"
#include "apiserver/registry/registry.h"
#include "apiserver/verbs/verbs.h"
#include "json/build.h"
#include "kube/api/object.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

ServedPtr find_version(const std::vector<ServedPtr>& all, std::string_view version) {
  const auto found =
      std::ranges::find(all, version, [](const ServedPtr& s) { return s->description.type.version; });
  return found == all.end() ? nullptr : *found;
}

std::string text_of(const FieldErrors& errors) {
  return to_string(errors);
}

class CustomResource : public testing::Test {
 protected:
  SchemaPool pool;
  std::vector<ServedPtr> all = custom_resources_of(stored_definition(established(yaml(kWidgets))), pool);
  ServedPtr v1 = find_version(all, "v1");
  ServedPtr beta = find_version(all, "v1beta1");

  static json::Value widget(std::string_view rest) {
    json::Value object = yaml(
        "{apiVersion: ex.io/v1, kind: Widget, metadata: {name: a, namespace: default, resourceVersion: "
        "'7'}}");
    const json::Value more = yaml(rest);
    for (const auto& [key, value] : more.members()) object.set(key, value);
    return object;
  }
  [[nodiscard]] json::Value read(std::string_view rest) const {
    return v1->behavior->read(widget(rest)).value().object;
  }
};

TEST_F(CustomResource, IsDescribedForEachServedVersion) {
  ASSERT_EQ(all.size(), 2U);
  const auto& description = v1->description;
  EXPECT_EQ(description.type, (kube::ResourceType{"ex.io", "v1", "widgets", "Widget", true}));
  EXPECT_EQ(description.singular, "widget");
  EXPECT_EQ(description.list_kind, "WidgetList");
  EXPECT_EQ(description.short_names, std::vector<std::string>{"wd"});
  EXPECT_EQ(description.categories, std::vector<std::string>{"ex"});
  EXPECT_TRUE(description.custom);
  EXPECT_TRUE(std::ranges::is_sorted(description.verbs));
  EXPECT_TRUE(description.allows("create") && description.allows("deletecollection"));
  EXPECT_EQ(description.subresource("scale")->kind, "Scale");
  EXPECT_EQ(description.subresource("status")->api_version, "ex.io/v1");
  EXPECT_EQ(beta->description.subresource("status"), nullptr);
  EXPECT_EQ(v1->storage_type, "widgets.ex.io");
  EXPECT_EQ(beta->stored_api_version, "ex.io/v1");
  EXPECT_EQ(beta->description.deprecation_warning, "ex.io/v1beta1 Widget is deprecated; use ex.io/v1 Widget");
  EXPECT_EQ(description.deprecation_warning, "");
  EXPECT_EQ(v1->behavior->scale()->label_selector, (std::vector<std::string>{"status", "selector"}));
}

TEST_F(CustomResource, IsNotServedBeforeItsDefinitionIsEstablished) {
  json::Value definition = established(yaml(kWidgets));
  definition["status"]["conditions"].at(0).set("status", "False");
  EXPECT_TRUE(custom_resources_of(stored_definition(definition), pool).empty());
  EXPECT_TRUE(custom_resources_of(stored_definition(yaml(kWidgets)), pool).empty());
}

TEST_F(CustomResource, CannotBeCreatedWhileItsDefinitionIsBeingDeleted) {
  json::Value definition = established(yaml(kWidgets));
  definition["metadata"].set("deletionTimestamp", "2026-01-01T00:00:00Z");
  const auto dying = custom_resources_of(stored_definition(definition), pool);
  ASSERT_EQ(dying.size(), 2U);
  EXPECT_FALSE(dying.front()->description.allows("create"));
  EXPECT_TRUE(dying.front()->description.allows("update"));
}

TEST_F(CustomResource, LosesUnknownFieldsAndGetsDefaults) {
  const auto result = v1->behavior->read(
      widget("{metadata: {name: a, bogus: 1, labels: {}}, other: 1, spec: {color: red, x: 1, free: {y: 1}, "
             "ports: [{name: p, z: 1}], template: {apiVersion: v1, kind: Secret, metadata: {name: s, w: 1}, "
             "data: {}}}}"));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->unknown_fields, (std::vector<std::string>{"metadata.bogus", "other", "spec.ports[0].z",
                                                              "spec.template.metadata.w", "spec.x"}));
  EXPECT_EQ(*result->object.find("spec"),
            yaml("{color: red, size: 3, free: {y: 1}, ports: [{name: p, protocol: TCP}], "
                 "template: {apiVersion: v1, kind: Secret, metadata: {name: s}, data: {}}}"));
  EXPECT_EQ(*result->object.find("metadata"), yaml("{name: a}"));
}

TEST_F(CustomResource, IsRefusedInTheWordsOfGoWhenMetadataCannotBeRead) {
  const auto result = v1->behavior->read(widget("{metadata: {name: 1}}"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kBadRequest);
  EXPECT_EQ(result.error().message(),
            "json: cannot unmarshal number into Go struct field ObjectMeta.name of type string");
  const auto embedded = v1->behavior->read(widget("{spec: {template: {metadata: {name: 1}}}}"));
  ASSERT_FALSE(embedded);
  EXPECT_EQ(embedded.error().code(), Code::kBadRequest);
}

TEST_F(CustomResource, IsValidatedAsAWhole) {
  const auto errors = v1->behavior->validate_create(widget(
      "{metadata: {name: B_d, namespace: default}, spec: {size: -6, color: blue, replicas: -1, tags: [a, "
      "a], template: {metadata: {}}}, status: {replicas: 4294967296}}"));
  EXPECT_EQ(
      text_of(errors),
      "[metadata.name: Invalid value: \"B_d\": a lowercase RFC 1123 subdomain must consist of lower case "
      "alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
      "'example.com', regex used for validation is "
      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'), "
      "spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\", "
      "spec.size: Invalid value: -6: spec.size in body should be greater than or equal to -5, "
      ".spec.replicas: Invalid value: -1: should be a non-negative integer, "
      ".status.replicas: Invalid value: 4294967296: should be less than or equal to 2147483647, "
      "spec.template.apiVersion: Required value, "
      "spec.template.kind: Required value, "
      "spec.tags[1]: Duplicate value: \"a\"]");
}

TEST_F(CustomResource, KeepsWhatWasWrongBeforeAndDidNotChange) {
  const json::Value old = widget("{spec: {color: blue, size: -9}}");
  EXPECT_EQ(
      text_of(v1->behavior->validate_update(widget("{spec: {color: blue, size: -9, replicas: 1}}"), old, "")),
      "");
  EXPECT_EQ(text_of(v1->behavior->validate_update(widget("{spec: {color: blue, size: -8}}"), old, "")),
            "spec.size: Invalid value: -8: spec.size in body should be greater than or equal to -5");
  const json::Value twice = widget("{spec: {color: red, tags: [a, a]}}");
  EXPECT_EQ(text_of(v1->behavior->validate_update(twice, twice, "")), "");
  EXPECT_NE(text_of(v1->behavior->validate_update(twice, widget("{spec: {color: red}}"), "")), "");
}

TEST_F(CustomResource, IsValidatedByItsStatusAloneThroughTheStatusEndpoint) {
  const json::Value old = widget("{spec: {color: red}}");
  const auto errors = v1->behavior->validate_update(
      widget("{spec: {color: blue}, status: {phase: Pending, replicas: -1}}"), old, "status");
  EXPECT_EQ(text_of(errors),
            "[status.phase: Too long: may not be more than 5 bytes, "
            ".status.replicas: Invalid value: -1: should be a non-negative integer]");
}

TEST_F(CustomResource, TellsTheTypeOfWhatStandsInThePlaceOfANumber) {
  const auto errors = v1->behavior->validate_update(
      widget("{spec: {color: red, replicas: many}, status: {selector: [1]}}"), widget("{}"), "");
  EXPECT_NE(
      text_of(errors).find(".spec.replicas: Invalid value: 0: .spec.replicas accessor error: many is of the "
                           "type string, expected int64"),
      std::string::npos)
      << text_of(errors);
  EXPECT_NE(text_of(errors).find(
                ".status.selector: Invalid value: \"\": .status.selector accessor error: [1] is of "
                "the type []interface {}, expected string"),
            std::string::npos)
      << text_of(errors);
}

TEST_F(CustomResource, IsStoredInOneVersionAndServedInAll) {
  json::Value object = beta->behavior
                           ->read(yaml("{apiVersion: ex.io/v1beta1, kind: Widget, metadata: {name: a}, "
                                       "spec: {color: red, onlyBeta: x}}"))
                           .value()
                           .object;
  EXPECT_EQ(*object.find("spec"), yaml("{color: red, onlyBeta: x}")) << "defaults are those of its version";
  beta->behavior->to_stored(object);
  EXPECT_EQ(object, yaml("{apiVersion: ex.io/v1, kind: Widget, metadata: {name: a}, spec: {color: red}}"));
  json::Value served = object;
  v1->behavior->from_stored(served);
  EXPECT_EQ(*served.find("spec"), yaml("{color: red, size: 3}"));
  served = object;
  beta->behavior->from_stored(served);
  EXPECT_EQ(served,
            yaml("{apiVersion: ex.io/v1beta1, kind: Widget, metadata: {name: a}, spec: {color: red, size: "
                 "3}}"));
}

TEST_F(CustomResource, IsServedAsItsBytesOnlyWhenReadingThemWouldChangeNothing) {
  json::Value one_version = established(yaml(kWidgets));
  one_version["spec"]["versions"].take_at(0);
  const auto only = custom_resources_of(stored_definition(one_version, 10), pool).front();
  EXPECT_TRUE(only->behavior->serves_as_stored(*stored_definition(yaml(kWidgets), 11)));
  EXPECT_FALSE(only->behavior->serves_as_stored(*stored_definition(yaml(kWidgets), 9)));
  EXPECT_FALSE(beta->behavior->serves_as_stored(*stored_definition(yaml(kWidgets), 11)));
  EXPECT_FALSE(v1->behavior->serves_as_stored(*stored_definition(yaml(kWidgets), 11)))
      << "v1 has defaults that an object that came as v1beta1 lacks";
}

TEST_F(CustomResource, CanBeSelectedByFields) {
  EXPECT_TRUE(v1->behavior->is_selectable("spec.color"));
  EXPECT_FALSE(v1->behavior->is_selectable("spec.port"));
  EXPECT_FALSE(beta->behavior->is_selectable("spec.color"));
  EXPECT_EQ(v1->behavior->selectable_field(read("{spec: {color: red}}"), "spec.color"), "red");
  EXPECT_EQ(v1->behavior->selectable_field(read("{spec: {size: 4}}"), "spec.size"), "4");
  EXPECT_EQ(v1->behavior->selectable_field(read("{}"), "spec.color"), "");
}

TEST_F(CustomResource, HasTheColumnsOfItsDefinitionOrItsAge) {
  const Time now(std::chrono::hours(24 * 365 * 50));
  const json::Value object = widget(
      "{metadata: {name: a, creationTimestamp: '2019-12-20T00:00:00Z'}, spec: {color: "
      "red}}");
  const auto& columns = v1->table->columns();
  ASSERT_EQ(columns.size(), 4U);
  EXPECT_EQ(columns[0].format, "name");
  EXPECT_EQ(columns[1].description, "its color");
  EXPECT_EQ(columns[2].priority, 1);
  EXPECT_EQ(columns[2].description, "Custom resource definition column (in JSONPath format): .spec.size");
  const auto cells = v1->table->cells(object, now);
  ASSERT_EQ(cells.size(), 4U);
  EXPECT_EQ(cells[0], json::Value("a"));
  EXPECT_EQ(cells[1], json::Value("red"));
  EXPECT_TRUE(cells[2].is_null());
  ASSERT_EQ(beta->table->columns().size(), 2U);
  EXPECT_EQ(beta->table->columns()[1].name, "Age");
  EXPECT_EQ(beta->table->cells(object, now)[1], cells[3]);
}

TEST_F(CustomResource, PublishesItsSchemaWithWhatEveryObjectHas) {
  const json::Value schema = v1->behavior->openapi_schema();
  EXPECT_EQ(*schema.find("x-kubernetes-group-version-kind"),
            yaml("[{group: ex.io, version: v1, kind: Widget}]"));
  EXPECT_EQ(*schema.find("x-kubernetes-selectable-fields"),
            yaml("[{fieldPath: spec.color}, {fieldPath: spec.size}]"));
  EXPECT_EQ(*schema.find("description"), json::Value("A widget."));
  const json::Value& properties = *schema.find("properties");
  EXPECT_EQ(*properties.find("metadata")->find("allOf"),
            yaml("[{$ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'}]"));
  EXPECT_EQ(properties.find("kind")->find_string("type"), "string");
  const json::Value& spec = *properties.find("spec")->find("properties");
  EXPECT_EQ(*spec.find("port"),
            yaml("{x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}]}"));
  EXPECT_EQ(*spec.find("template")->find("required"), yaml("[kind, apiVersion]"));
  EXPECT_TRUE(spec.find("template")->find("properties")->contains("metadata"));
}

TEST_F(CustomResource, WarnsOfNewFinalizersWithoutADomain) {
  const json::Value old = widget("{metadata: {name: a, finalizers: [mine]}}");
  const auto warnings = v1->behavior->warnings(
      widget("{metadata: {name: a, finalizers: [mine, orphan, other, a.b, ex.io/ok]}}"), &old);
  EXPECT_EQ(
      warnings,
      (std::vector<std::string>{
          "metadata.finalizers: \"a.b\": prefer a domain-qualified finalizer name including a path (/) to "
          "avoid "
          "accidental conflicts with other finalizer writers",
          "metadata.finalizers: \"other\": prefer a domain-qualified finalizer name to avoid accidental "
          "conflicts with other finalizer writers"}));
}

/// A server with one definition.
struct Bench {
  explicit Bench(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())) {}
  void define(Ctx& ctx, const json::Value& definition) {
    const auto decide = [&](const StoredObject*, Revision) -> Result<Decision> {
      return Decision::put(json::print(definition), {});
    };
    ASSERT_TRUE(storage->write(ctx, kDefinitionsType, {"", "widgets.ex.io"}, decide));
  }
  Result<WriteOutcome> apply(Ctx& ctx, std::string_view manager, std::string_view config,
                             bool force = false) {
    return verbs.patch(ctx, registry.find("ex.io", "v1", "widgets"), {"default", "a"}, PatchType::kApply,
                       yaml(config), user, {.field_manager = std::string(manager), .force = force});
  }

  std::unique_ptr<Storage> storage;
  SchemaPool pool;
  Registry registry{*storage, {}, [&](const StoredPtr& d) { return custom_resources_of(d, pool); }};
  ManualClock clock{Time(std::chrono::hours(24))};
  Verbs verbs{*storage, {.clock = &clock}};
  User user = {.name = "tester"};
};

FIBER_TEST(CustomResources, AreAppliedItemByItemAndFieldByField) {
  Bench bench(ctx);
  bench.define(ctx, established(yaml(kWidgets)));
  constexpr std::string_view kHead = "apiVersion: ex.io/v1\nkind: Widget\nmetadata: {name: a}\n";
  const auto first = bench.apply(ctx, "m1",
                                 std::string(kHead) +
                                     "spec: {color: red, ports: [{name: p, number: 1}], tags: [a], whole: "
                                     "{a: x}, free: {k: 1}}\n");
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(kube::generation(first->object), 1);
  const auto second = bench.apply(ctx, "m2",
                                  std::string(kHead) +
                                      "spec: {ports: [{name: p, protocol: UDP}, {name: p, protocol: TCP, "
                                      "number: 1}], tags: [b], free: {l: 1}}\n");
  ASSERT_TRUE(second) << second.error().message();
  EXPECT_EQ(kube::generation(second->object), 2);
  EXPECT_EQ(second->object.find("spec")->find("ports")->size(), 2U);
  EXPECT_EQ(*second->object.find("spec")->find("tags"), yaml("[a, b]"));
  EXPECT_EQ(*second->object.find("spec")->find("free"), yaml("{k: 1, l: 1}"));
  const auto conflict =
      bench.apply(ctx, "m2", std::string(kHead) + "spec: {whole: {b: why}, color: green}\n");
  ASSERT_FALSE(conflict);
  EXPECT_EQ(conflict.error().code(), Code::kConflict);
  EXPECT_NE(conflict.error().message().find("- .spec.color\n- .spec.whole"), std::string::npos)
      << conflict.error().message();
  const auto unknown = bench.apply(ctx, "m2", std::string(kHead) + "spec: {bogus: 1}\n");
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message().find(".spec.bogus: field not declared in schema"), std::string::npos);
  bench.storage->stop(ctx);
}

FIBER_TEST(CustomResources, FollowTheirDefinitionWhenItChanges) {
  Bench bench(ctx);
  json::Value definition = established(yaml(kWidgets));
  bench.define(ctx, definition);
  const auto created =
      bench.verbs.create(ctx, bench.registry.find("ex.io", "v1", "widgets"), "default",
                         yaml("{metadata: {name: a}, spec: {color: red, port: http}}"), bench.user);
  ASSERT_TRUE(created) << created.error().message();

  json::Value& spec = definition["spec"]["versions"].at(1)["schema"]["openAPIV3Schema"]["properties"]["spec"];
  spec["properties"].erase("port");
  spec["properties"].set("extra", yaml("{type: string, default: more}"));
  bench.define(ctx, definition);
  const ServedPtr now = bench.registry.find("ex.io", "v1", "widgets");
  const auto stored = bench.storage->get("widgets.ex.io", {"default", "a"});
  EXPECT_EQ(*served_value(*now, *stored).find("spec"), yaml("{color: red, size: 3, extra: more}"));
  bench.storage->stop(ctx);
}

/// A definition of objects in objects, `levels` schemas deep, the last one with a default and a rule.
json::Value deep_definition(std::size_t levels) {
  json::Value schema = yaml(
      "{type: object, properties: {end: {type: string, default: x}}, "
      "x-kubernetes-validations: [{rule: self.end != 'bad'}]}");
  for (std::size_t i = 2; i < levels; ++i) {
    json::Value outer = yaml("{type: object, properties: {}}");
    outer["properties"].set("a", std::move(schema));
    schema = std::move(outer);
  }
  json::Value definition = yaml(kWidgets);
  json::Value& versions = definition["spec"]["versions"];
  versions.take_at(0);
  for (const std::string_view key : {"selectableFields", "additionalPrinterColumns", "subresources"}) {
    versions.at(0).erase(key);
  }
  versions.at(0)["schema"].set("openAPIV3Schema", std::move(schema));
  return definition;
}

FIBER_TEST(CustomResources, AreServedFromSchemasAsDeepAsTheyMayBe) {
  Bench bench(ctx);
  const auto behavior = definition_behavior(bench.pool);
  const auto judge = [&](std::size_t levels) {
    json::Value definition = behavior->read(deep_definition(levels)).value().object;
    behavior->prepare_create(definition, {});
    return text_of(behavior->validate_create(definition));
  };
  EXPECT_EQ(judge(kMaxSchemaDepth), "");
  EXPECT_NE(judge(kMaxSchemaDepth + 1).find("schemas may be nested at most 80 levels deep"),
            std::string::npos);

  bench.define(ctx, established(deep_definition(kMaxSchemaDepth)));
  json::Value value = json::object({{"end", "bad"}});
  for (std::size_t i = 3; i < kMaxSchemaDepth; ++i) value = json::object({{"a", std::move(value)}});
  const json::Value object = json::object({{"apiVersion", "ex.io/v1"},
                                           {"kind", "Widget"},
                                           {"metadata", json::object({{"name", "a"}})},
                                           {"a", std::move(value)}});
  const auto applied = bench.apply(ctx, "m", json::print(object));
  ASSERT_FALSE(applied);
  EXPECT_NE(applied.error().message().find("failed rule: self.end != 'bad'"), std::string::npos)
      << applied.error().message();
  EXPECT_TRUE(bench.registry.find("ex.io", "v1", "widgets")->behavior->openapi_schema().is_object());
  bench.storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
