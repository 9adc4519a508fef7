// SPDX-License-Identifier: Apache-2.0
#include "apiserver/openapi/documents.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "apiserver/openapi/openapi_testing.h"
#include "base/strings.h"
#include "json/build.h"
#include "json/print.h"

namespace klutch::apiserver {
namespace {

std::map<std::string, std::vector<ServedPtr>> by_group_version() {
  std::map<std::string, std::vector<ServedPtr>> groups;
  for (const auto& served : describe_builtins()) {
    groups[served->description.type.api_version()].push_back(served);
  }
  groups["ex.io/v1"] = {describe_widgets("v1", widget_schema("v3"))};
  return groups;
}

std::string last_segment(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

/// The names of the parameters of a path and of an operation, sorted.
std::string parameter_names(const json::Value& item, const json::Value& operation) {
  std::set<std::string> names;
  for (const json::Value* place : {&item, &operation}) {
    const json::Value* list = place->find_array("parameters");
    if (list == nullptr) continue;
    for (const auto& parameter : list->elements()) names.emplace(*parameter.find_string("name"));
  }
  return join(names, ",");
}

/// As a row of operations.tsv.
std::vector<std::string> row_of(const std::string& path, std::string_view method, const json::Value& item,
                                const json::Value& operation) {
  const auto text = [&](std::string_view key) {
    return std::string(operation.find_string(key).value_or("-"));
  };
  const json::Value* kind = operation.find("x-kubernetes-group-version-kind");
  std::set<std::string> patches;
  std::string body = "-";
  if (const json::Value* request = operation.find("requestBody")) {
    for (const auto& [type, content] : request->find("content")->members()) {
      if (type.find("patch") != std::string_view::npos) patches.emplace(type);
      body = last_segment(*content.find("schema")->find_string("$ref"));
    }
  }
  const std::string action = text("x-kubernetes-action");
  const json::Value* content = operation.find("responses")->find("200")->find("content");
  return {path, std::string(method), text("operationId"), action,
          std::string(*kind->find_string("group")) + "/" + std::string(*kind->find_string("version")) + "/" +
              std::string(*kind->find_string("kind")),
          parameter_names(item, operation), action == "deletecollection" ? "-" : body,
          patches.empty() ? "-" : join(patches, ","),
          // Some kinds give the object that was deleted.
          action == "delete"
              ? "-"
              : last_segment(*content->find("application/json")->find("schema")->find_string("$ref"))};
}

TEST(Documents, DescribeTheOperationsThatKubernetesDescribes) {
  std::map<std::string, std::string> ours;
  for (const auto& [name, resources] : by_group_version()) {
    const auto document = openapi_v3(resources);
    for (const auto& [path, item] : document.find("paths")->members()) {
      for (const auto& [method, operation] : item.members()) {
        if (method == "parameters") continue;
        ours[std::string(path) + " " + std::string(method)] =
            join(row_of(std::string(path), method, item, operation), "\t");
      }
    }
  }
  for (const auto& row : testing::read_table("src/apiserver/openapi/testdata/operations.tsv", 9)) {
    EXPECT_EQ(ours[row[0] + " " + row[1]], join(row, "\t"));
  }
}

TEST(Documents, LetClientsFindThePatchOfEachKind) {
  // kubectl looks for a PATCH with this kind and a parameter of this name before it sends anything.
  for (const auto& [name, resources] : by_group_version()) {
    const auto document = openapi_v3(resources);
    std::set<std::string> found;
    for (const auto& [path, item] : document.find("paths")->members()) {
      const json::Value* patch = item.find("patch");
      if (patch == nullptr) continue;
      const auto names = parameter_names(json::object(), *patch);
      EXPECT_EQ(names, "dryRun,fieldManager,fieldValidation,force") << path;
      found.emplace(*patch->find("x-kubernetes-group-version-kind")->find_string("kind"));
    }
    for (const auto& served : resources) {
      if (!served->description.allows("patch")) continue;
      EXPECT_TRUE(found.contains(served->description.type.kind)) << served->description.type.to_string();
    }
  }
}

TEST(Documents, AreTheSameWheneverTheyAreMade) {
  const auto groups = by_group_version();
  EXPECT_EQ(json::print(openapi_v3(groups.at("apps/v1"))), json::print(openapi_v3(groups.at("apps/v1"))));
}

TEST(Documents, HoldEverythingInVersionTwo) {
  std::vector<Registry::Group> groups;
  for (const auto& [name, resources] : by_group_version()) {
    const auto& type = resources.front()->description.type;
    groups.push_back({.name = type.group, .versions = {{.version = type.version, .resources = resources}}});
  }
  const auto document = openapi_v2(groups);
  EXPECT_EQ(document.find_string("swagger"), "2.0");
  const json::Value* definitions = document.find("definitions");
  EXPECT_EQ(*definitions->find("io.ex.v1.Widget"), widget_schema("v2"));
  for (const char* name : {"io.k8s.api.core.v1.PodList", "io.k8s.api.autoscaling.v1.Scale",
                           "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"}) {
    EXPECT_TRUE(definitions->contains(name)) << name;
  }
  const json::Value* patch =
      document.find("paths")->find("/apis/ex.io/v1/namespaces/{namespace}/widgets/{name}")->find("patch");
  ASSERT_NE(patch, nullptr);
  EXPECT_EQ(
      json::print(*patch->find("consumes")),
      R"(["application/apply-patch+yaml","application/json-patch+json","application/merge-patch+json"])");
  std::set<std::string> named;
  for (const auto& parameter : patch->find("parameters")->elements()) {
    if (const auto name = parameter.find_string("name")) named.emplace(*name);
  }
  // kubectl does not follow references to find these.
  EXPECT_TRUE(named.contains("dryRun"));
  EXPECT_TRUE(named.contains("fieldValidation"));
  for (const auto& [path, item] : document.find("paths")->members()) {
    for (const auto& [method, operation] : item.members()) {
      const json::Value* list = method == "parameters" ? &operation : operation.find("parameters");
      if (list == nullptr) continue;
      for (const auto& parameter : list->elements()) {
        const auto reference = parameter.find_string("$ref");
        if (!reference) continue;
        EXPECT_TRUE(document.find("parameters")->contains(last_segment(*reference))) << *reference;
      }
    }
  }
}

}  // namespace
}  // namespace klutch::apiserver
