// SPDX-License-Identifier: Apache-2.0
// Our requests against those that client-go sends for the same wishes.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "json/build.h"
#include "json/parse.h"
#include "kube/api/request.h"
#include "testing/table.h"

namespace klutch::kube {
namespace {

using json::object;

const ResourceType kDeploymentType{"apps", "v1", "deployments", "Deployment"};
const Key kWeb{"default", "web"};

Object web_deployment() {
  return object({{"apiVersion", "apps/v1"},
                 {"kind", "Deployment"},
                 {"metadata", object({{"name", "web"}, {"namespace", "default"}})}});
}

std::map<std::string, Request> reading_requests() {
  const ResourceType secrets{"", "v1", "secrets", "Secret"};
  const ResourceType namespaces{"", "v1", "namespaces", "Namespace", false};
  return {
      {"get", get_request(kDeploymentType, kWeb)},
      {"get scale from a cache",
       get_request(kDeploymentType, kWeb, {.resource_version = "0", .subresource = "scale"})},
      {"get a namespace", get_request(namespaces, {"", "default"})},
      {"list in all namespaces", list_request(secrets)},
      {"list a page", list_request(kDeploymentType, {.ns = "default",
                                                     .labels = *LabelSelector::parse("a in (x,y),!b"),
                                                     .fields = FieldSelector::exactly("metadata.name", "a,b"),
                                                     .limit = 500,
                                                     .resource_version = "42",
                                                     .resource_version_match = "NotOlderThan"})},
      {"list the next page",
       list_request(kDeploymentType, {.ns = "default", .limit = 500, .continue_token = "abc=="})},
      {"watch", watch_request(kDeploymentType, {.ns = "default",
                                                .labels = LabelSelector::exactly("a", "b"),
                                                .resource_version = "42",
                                                .timeout = std::chrono::seconds(300)})},
      {"watch with initial events",
       watch_request(kDeploymentType, {.ns = "default", .send_initial_events = true})},
      {"get metadata", get_request(kDeploymentType, kWeb, {.metadata_only = true})},
      {"list metadata",
       list_request(kDeploymentType, {.ns = "default", .limit = 500, .metadata_only = true})},
      {"watch metadata",
       watch_request(kDeploymentType, {.ns = "default", .resource_version = "42", .metadata_only = true})},
  };
}

std::map<std::string, Request> writing_requests() {
  return {
      {"create", create_request(
                     kDeploymentType, web_deployment(),
                     {.field_manager = "me", .dry_run = true, .field_validation = FieldValidation::kStrict})},
      {"update", update_request(kDeploymentType, web_deployment(),
                                {.field_manager = "me", .field_validation = FieldValidation::kWarn})},
      {"update status",
       update_request(kDeploymentType, web_deployment(), {.field_manager = "me", .subresource = "status"})},
      {"merge patch",
       patch_request(kDeploymentType, kWeb, PatchType::kMerge, *json::parse(R"({"spec":{"replicas":1}})"),
                     {.field_manager = "me", .field_validation = FieldValidation::kIgnore})},
      {"JSON patch of status",
       patch_request(kDeploymentType, kWeb, PatchType::kJson,
                     *json::parse(R"([{"op":"remove","path":"/spec"}])"), {.subresource = "status"})},
      {"strategic merge patch",
       patch_request(kDeploymentType, kWeb, PatchType::kStrategicMerge, object(), {.dry_run = true})},
      {"apply", patch_request(kDeploymentType, kWeb, PatchType::kApply, web_deployment(),
                              {.field_manager = "me", .force = true})},
      {"delete with preconditions", delete_request(kDeploymentType, kWeb,
                                                   {.propagation = Propagation::kBackground,
                                                    .uid = "u-1",
                                                    .resource_version = "42",
                                                    .grace_period_seconds = 0,
                                                    .dry_run = true})},
      {"delete a collection",
       delete_collection_request(kDeploymentType,
                                 {.ns = "default", .labels = LabelSelector::exactly("a", "b")},
                                 {.propagation = Propagation::kBackground})},
  };
}

std::string sorted_query(const http::Query& query) {
  std::vector<http::Query::Parameter> parameters(query.begin(), query.end());
  std::sort(parameters.begin(), parameters.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  http::Query sorted;
  for (const auto& [name, value] : parameters) sorted.add(name, value);
  return sorted.empty() ? "-" : sorted.to_string();
}

TEST(Request, IsWhatClientGoSends) {
  auto requests = reading_requests();
  requests.merge(writing_requests());
  const auto rows = testing::read_table("src/kube/api/testdata/requests.tsv", 7);
  EXPECT_EQ(rows.size(), requests.size());
  for (const auto& row : rows) {
    const auto found = requests.find(row[0]);
    ASSERT_NE(found, requests.end()) << row[0];
    const auto& request = found->second;
    EXPECT_EQ(request.method, row[1]) << row[0];
    EXPECT_EQ(request.path, row[2]) << row[0];
    EXPECT_EQ(sorted_query(request.query), row[3]) << row[0];
    EXPECT_EQ(request.accept, row[4]) << row[0];
    EXPECT_EQ(request.content_type.empty() ? "-" : request.content_type, row[5]) << row[0];
    if (row[6] == "-") {
      EXPECT_EQ(request.body, "") << row[0];
    } else {
      EXPECT_EQ(*json::parse(request.body), *json::parse(row[6])) << row[0];
    }
  }
}

}  // namespace
}  // namespace klutch::kube
