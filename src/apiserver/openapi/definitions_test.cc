// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/definitions.h"

#include <gtest/gtest.h>

#include "apiserver/openapi/openapi_testing.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

const ServedPtr& builtin_of(const std::vector<ServedPtr>& all, std::string_view group,
                            std::string_view kind) {
  for (const auto& served : all) {
    if (served->description.type.group == group && served->description.type.kind == kind) return served;
  }
  CHECK(false);
  return all.front();
}

TEST(Definitions, HaveTheNamesOfKubernetes) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"core.v1.Pod", "io.k8s.api.core.v1.Pod"},
      {"rbac.v1.Role", "io.k8s.api.rbac.v1.Role"},
      {"meta.v1.ObjectMeta", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"},
      {"api.resource.Quantity", "io.k8s.apimachinery.pkg.api.resource.Quantity"},
      {"util.intstr.IntOrString", "io.k8s.apimachinery.pkg.util.intstr.IntOrString"},
      {"runtime.RawExtension", "io.k8s.apimachinery.pkg.runtime.RawExtension"},
      {"apiextensions.v1.JSON", "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON"},
      {"apiregistration.v1.APIService", "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService"},
  };
  for (const auto& [message, name] : cases) EXPECT_EQ(definition_name(message), name);
  EXPECT_EQ(custom_definition_name("ex.io", "v1", "Widget"), "io.ex.v1.Widget");
  EXPECT_EQ(custom_definition_name("a.b.example.com", "v1beta1", "X"), "com.example.b.a.v1beta1.X");
}

TEST(Definitions, SayWhatKubernetesSaysOfBuiltinKinds) {
  Definitions definitions(Dialect::kSwagger2);
  for (const auto& served : describe_builtins()) {
    definitions.add_kind(*served);
    definitions.add_list(*served);
    for (const auto& sub : served->description.subresources) {
      definitions.add_known(sub.api_version, sub.kind);
    }
  }
  definitions.add_known("v1", "DeleteOptions");
  definitions.add_known("v1", "Status");
  const auto all = without_descriptions(definitions.take());
  for (const auto& row : testing::read_table("src/apiserver/openapi/testdata/definitions.tsv", 2)) {
    const json::Value* schema = all.find(row[0]);
    ASSERT_NE(schema, nullptr) << row[0];
    EXPECT_EQ(json::canonical(*schema), json::canonical(json::parse(row[1]).value())) << row[0];
  }
}

TEST(Definitions, BringAllThatTheyReferTo) {
  for (const Dialect dialect : {Dialect::kSwagger2, Dialect::kOpenApi3}) {
    Definitions definitions(dialect);
    const auto all = describe_builtins();
    definitions.add_kind(*builtin_of(all, "apps", "Deployment"));
    const auto schemas = definitions.take();
    EXPECT_TRUE(schemas.contains("io.k8s.api.core.v1.Container"));
    EXPECT_FALSE(schemas.contains("io.k8s.api.core.v1.Node"));
    const std::string text = json::print(schemas);
    const std::string_view prefix =
        dialect == Dialect::kSwagger2 ? "\"#/definitions/" : "\"#/components/schemas/";
    std::size_t references = 0;
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
      const auto begin = at + prefix.size();
      const std::string name = text.substr(begin, text.find('"', begin) - begin);
      EXPECT_TRUE(schemas.contains(name)) << name;
      ++references;
    }
    EXPECT_GT(references, 100U);
  }
}

TEST(Definitions, DifferByDialectInWhatTheDialectsCanSay) {
  const auto all = describe_builtins();
  Definitions definitions(Dialect::kOpenApi3);
  definitions.add_kind(*builtin_of(all, "", "Service"));
  definitions.add_kind(*builtin_of(all, "apps", "Deployment"));
  const auto schemas = without_descriptions(definitions.take());
  EXPECT_EQ(json::canonical(*schemas.find("io.k8s.apimachinery.pkg.util.intstr.IntOrString")),
            R"({"format":"int-or-string","oneOf":[{"type":"integer"},{"type":"string"}]})");
  EXPECT_EQ(json::canonical(*schemas.find("io.k8s.apimachinery.pkg.api.resource.Quantity")),
            R"({"oneOf":[{"type":"string"},{"type":"number"}]})");
  const json::Value* port = schemas.find("io.k8s.api.core.v1.ServicePort")->find("properties");
  EXPECT_EQ(port->find("protocol")->find_string("default"), "TCP");
  // Beside a bare reference the strategy would be ignored.
  const json::Value* spec = schemas.find("io.k8s.api.apps.v1.DeploymentSpec")->find("properties");
  EXPECT_EQ(json::canonical(*spec->find("strategy")),
            R"({"allOf":[{"$ref":"#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy"}],)"
            R"("x-kubernetes-patch-strategy":"retainKeys"})");
}

TEST(Definitions, TakeCustomKindsAsTheyArePublished) {
  Definitions definitions(Dialect::kOpenApi3);
  const auto schema = widget_schema("v3");
  EXPECT_EQ(definitions.add_kind(*describe_widgets("v1", schema)), "io.ex.v1.Widget");
  EXPECT_EQ(definitions.add_list(*describe_widgets("v1", schema)), "io.ex.v1.WidgetList");
  const auto schemas = definitions.take();
  EXPECT_EQ(*schemas.find("io.ex.v1.Widget"), schema);
  EXPECT_TRUE(schemas.contains("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"));
  EXPECT_EQ(json::canonical(*schemas.find("io.ex.v1.WidgetList")->find("x-kubernetes-group-version-kind")),
            R"([{"group":"ex.io","kind":"WidgetList","version":"v1"}])");
}

TEST(Definitions, KnowAKindWithoutASchema) {
  Definitions definitions(Dialect::kSwagger2);
  definitions.add_kind(*describe_widgets("v1beta1"));
  EXPECT_EQ(json::canonical(*definitions.take().find("io.ex.v1beta1.Widget")),
            R"({"type":"object","x-kubernetes-group-version-kind":)"
            R"([{"group":"ex.io","kind":"Widget","version":"v1beta1"}]})");
}

TEST(ToSwagger, GivesWhatKubernetesPublishes) {
  EXPECT_EQ(json::canonical(to_swagger(widget_schema("v3"))), json::canonical(widget_schema("v2")));
}

TEST(ToSwagger, LeavesOutWhatOldClientsMisread) {
  struct Case {
    std::string_view schema;
    std::string_view swagger;
    std::string_view reason;
  };
  const Case cases[] = {
      {R"({"type":"object","required":["a","b"],"properties":{"a":{"type":"string","nullable":true},"b":{}}})",
       R"({"properties":{"a":{},"b":{}},"required":["b"],"type":"object"})",
       "a field that may be null is not missed"},
      {R"({"type":"object","required":["a"],"additionalProperties":{"type":"string","nullable":true}})",
       R"({"additionalProperties":{},"type":"object"})", "neither are entries of a map of such"},
      {R"({"properties":{"l":{"type":"array","x-kubernetes-preserve-unknown-fields":true,"items":{}}}})",
       R"({"properties":{"l":{"x-kubernetes-preserve-unknown-fields":true}}})",
       "an array of anything has no type"},
      {R"({"properties":{"p":{"type":"array"}}})", R"({"properties":{"p":{}}})", "nor has one without items"},
      {R"({"properties":{"e":{"type":"object","x-kubernetes-embedded-resource":true,)"
       R"("x-kubernetes-preserve-unknown-fields":true,"required":["kind","apiVersion","spec"]}}})",
       R"({"properties":{"e":{"required":["spec"],"x-kubernetes-embedded-resource":true,)"
       R"("x-kubernetes-preserve-unknown-fields":true}}})",
       "what publishing added is not required of what nobody checks"},
      {R"({"type":"object","additionalProperties":false})",
       R"({"additionalProperties":false,"type":"object"})", "flags stay"},
      {R"({"allOf":[{"required":["a"]}],"default":1,"minimum":2,"$schema":"x","title":"t"})",
       R"({"minimum":2,"title":"t"})", "alternatives and defaults are unknown"},
      {R"({"type":null,"items":true,"properties":7,"required":["a",1]})", R"({"required":["a"]})",
       "what is no schema is nothing"},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(json::canonical(to_swagger(json::parse(test.schema).value())), test.swagger) << test.reason;
  }
}

}  // namespace
}  // namespace klutch::apiserver
