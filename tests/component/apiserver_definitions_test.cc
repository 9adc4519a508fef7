// SPDX-License-Identifier: Apache-2.0
// CustomResourceDefinitions and their objects on klutch-apiserver, from the first request to the last.
#include "apiserver_setup.h"
#include "kube/api/status.h"

namespace klutch::testing {
namespace {

const kube::ResourceType kWidgets{"ex.io", "v1", "widgets", "Widget"};
const kube::ResourceType kOldWidgets{"ex.io", "v1beta1", "widgets", "Widget"};

constexpr std::string_view kDefinition = R"(
metadata: {name: widgets.ex.io}
spec:
  group: ex.io
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns: [{name: Color, type: string, jsonPath: .spec.color}]
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [color]
            x-kubernetes-validations:
            - {rule: 'self.size <= self.limit', message: 'size must not exceed limit'}
            properties:
              color: {type: string, enum: [red, green]}
              size: {type: integer, default: 3}
              limit: {type: integer, default: 10}
              replicas: {type: integer}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
  - name: v1beta1
    served: true
    storage: false
    schema:
      openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
)";

kube::Object widget(std::string_view spec) {
  kube::Object object = yaml("metadata: {name: a, namespace: default}");
  object["spec"] = yaml(spec);
  return object;
}

/// Creates the definition and the first object as soon as it is served.
kube::Object define(Ctx& ctx, ApiBench& bench) {
  EXPECT_TRUE(bench.client->create(ctx, kDefinitions, yaml(kDefinition)));
  kube::Object first;
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto created = bench.client->create(ctx, kWidgets, widget("{color: red}"));
    if (created) first = *created;
    return created.has_value();
  }));
  return first;
}

IO_FIBER_TEST(Definitions, AreEstablishedAndServeDefaults) {
  ApiBench bench(ctx);
  const auto first = define(ctx, bench);
  EXPECT_EQ(*first.find("spec"), yaml("{color: red, size: 3, limit: 10}"));
  const auto definition = *bench.client->get(ctx, kDefinitions, {"", "widgets.ex.io"});
  const std::string text = json::print(*definition.find("status"));
  EXPECT_NE(text.find(R"("reason":"InitialNamesAccepted")"), std::string::npos) << text;
  EXPECT_NE(text.find(R"("reason":"NoConflicts")"), std::string::npos) << text;
}

IO_FIBER_TEST(Definitions, ValidateWithAllErrorsAtOnce) {
  ApiBench bench(ctx);
  define(ctx, bench);
  auto bad = widget("{color: blue, size: 'x'}");
  bad["metadata"]["name"] = "bad";
  const auto refused = bench.client->create(ctx, kWidgets, bad);
  ASSERT_FALSE(refused);
  const auto* status = refused.error().detail<kube::Status>();
  ASSERT_NE(status, nullptr);
  EXPECT_EQ(status->http_status, 422);
  EXPECT_NE(
      status->message.find("spec.color: Unsupported value: \"blue\": supported values: \"red\", \"green\""),
      std::string::npos)
      << status->message;
  EXPECT_NE(
      status->message.find("spec.size: Invalid value: \"string\": spec.size in body must be of type integer: "
                           "\"string\""),
      std::string::npos)
      << status->message;
}

IO_FIBER_TEST(Definitions, ApplyTheirRules) {
  ApiBench bench(ctx);
  define(ctx, bench);
  const auto refused = bench.client->patch(ctx, kWidgets, {"default", "a"}, kube::PatchType::kMerge,
                                           yaml("{spec: {size: 11}}"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(),
            "Widget.ex.io \"a\" is invalid: spec: Invalid value: \"object\": size must not exceed limit");
}

IO_FIBER_TEST(Definitions, ServeAllVersionsOfOneObject) {
  ApiBench bench(ctx);
  define(ctx, bench);
  const auto old = bench.client->get(ctx, kOldWidgets, {"default", "a"});
  ASSERT_TRUE(old) << old.error().message();
  EXPECT_EQ(kube::api_version(*old), "ex.io/v1beta1");
  const auto patched = bench.client->patch(ctx, kOldWidgets, {"default", "a"}, kube::PatchType::kMerge,
                                           yaml("{spec: {color: green}}"));
  ASSERT_TRUE(patched) << patched.error().message();
  EXPECT_EQ(bench.client->get(ctx, kWidgets, {"default", "a"})->find("spec")->find_string("color"), "green");
}

IO_FIBER_TEST(Definitions, AChangedSchemaCountsAtOnce) {
  ApiBench bench(ctx);
  define(ctx, bench);
  ASSERT_TRUE(bench.client->patch(
      ctx, kDefinitions, {"", "widgets.ex.io"}, kube::PatchType::kJson,
      yaml(R"([{op: add, path: /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/extra,
               value: {type: string, default: new}}])")));
  const auto read = bench.client->get(ctx, kWidgets, {"default", "a"});
  EXPECT_EQ(read->find("spec")->find_string("extra"), "new");
}

IO_FIBER_TEST(Definitions, TakeTheirObjectsWithThem) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  define(ctx, bench);
  for (int i = 0; i < 100; ++i) {
    auto another = widget("{color: red}");
    another["metadata"]["name"] = "w" + std::to_string(i);
    ASSERT_TRUE(client.create(ctx, kWidgets, another));
  }
  ASSERT_TRUE(client.patch(ctx, kWidgets, {"default", "a"}, kube::PatchType::kMerge,
                           yaml("{metadata: {finalizers: [ex.io/hold]}}")));
  ASSERT_TRUE(client.remove(ctx, kDefinitions, {"", "widgets.ex.io"}));
  EXPECT_TRUE(eventually(ctx, [&] {
    const auto left = client.list(ctx, kWidgets, {.ns = "default"});
    return left && left->items.size() == 1;
  }));
  ASSERT_TRUE(client.patch(ctx, kWidgets, {"default", "a"}, kube::PatchType::kMerge,
                           yaml("{metadata: {finalizers: null}}")));
  EXPECT_TRUE(eventually(ctx, [&] { return is_gone(ctx, client, kDefinitions, {"", "widgets.ex.io"}); }));
  EXPECT_FALSE(client.list(ctx, kWidgets, {.ns = "default"}));
  // And again, from nothing.
  define(ctx, bench);
}

IO_FIBER_TEST(Definitions, ANameThatIsTakenIsNotAcceptedUntilItIsFree) {
  ApiBench bench(ctx);
  auto& client = *bench.client;
  define(ctx, bench);
  auto second = yaml(kDefinition);
  second["metadata"]["name"] = "gadgets.ex.io";
  second["spec"]["names"] = yaml("{plural: gadgets, kind: Widget, listKind: GadgetList}");
  ASSERT_TRUE(client.create(ctx, kDefinitions, second));
  const auto status_text = [&] {
    const auto found = client.get(ctx, kDefinitions, {"", "gadgets.ex.io"});
    const auto* status = found ? found->find("status") : nullptr;
    return status == nullptr ? std::string() : json::print(*status);
  };
  EXPECT_TRUE(eventually(ctx, [&] { return status_text().find("KindConflict") != std::string::npos; }))
      << status_text();
  ASSERT_TRUE(client.remove(ctx, kDefinitions, {"", "widgets.ex.io"}));
  EXPECT_TRUE(eventually(ctx, [&] {
    return status_text().find("InitialNamesAccepted") != std::string::npos;
  })) << status_text();
}

}  // namespace
}  // namespace klutch::testing
