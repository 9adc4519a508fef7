// SPDX-License-Identifier: Apache-2.0
#include "kube/client/discovery.h"

#include <gtest/gtest.h>

#include "json/build.h"
#include "kube/client/client_testing.h"
#include "kube/client/http_client.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using testing::json_response;
using testing::RecordingServer;
using Seen = RecordingServer::Seen;

json::Value aggregated(std::initializer_list<json::Item> groups) {
  return json::object({{"kind", "APIGroupDiscoveryList"},
                       {"apiVersion", "apidiscovery.k8s.io/v2"},
                       {"items", json::array(groups)}});
}

json::Value group(std::string_view name, std::initializer_list<json::Item> versions) {
  return json::object({{"metadata", json::object({{"name", name}})}, {"versions", json::array(versions)}});
}

json::Value version(std::string_view name, std::initializer_list<json::Item> resources,
                    std::string_view freshness = "Current") {
  return json::object({{"version", name}, {"freshness", freshness}, {"resources", json::array(resources)}});
}

json::Value kind_of(std::string_view kind) {
  return json::object({{"group", ""}, {"version", ""}, {"kind", kind}});
}

json::Value widgets() {
  return json::object(
      {{"resource", "widgets"},
       {"responseKind", kind_of("Widget")},
       {"scope", "Namespaced"},
       {"singularResource", "widget"},
       {"verbs", json::array({"get", "list"})},
       {"shortNames", json::array({"wd"})},
       {"categories", json::array({"all"})},
       {"subresources",
        json::array(
            {json::object({{"subresource", "status"}, {"responseKind", kind_of("Widget")}}),
             json::object({{"subresource", "scale"},
                           {"responseKind",
                            json::object({{"group", "autoscaling"}, {"version", "v1"}, {"kind", "Scale"}})},
                           {"verbs", json::array({"get"})}})})}});
}

json::Value plain(std::string_view resource, std::string_view kind, std::string_view scope = "Cluster") {
  return json::object({{"resource", resource}, {"responseKind", kind_of(kind)}, {"scope", scope}});
}

const json::Value kCore = aggregated({group("", {version("v1", {plain("pods", "Pod", "Namespaced")})})});

/// Serves what a test has put under a path; 404 in plain text for the rest.
class Site {
 public:
  explicit Site(Ctx& ctx) : server(ctx, [this](const Seen& seen) { return answer(seen); }) {
    client = HttpClient::make(ctx, server.config()).value();
  }
  void serve(const std::string& path, json::Value body) { pages[path] = std::move(body); }
  [[nodiscard]] std::size_t asked() const { return server.seen().size(); }

  std::map<std::string, json::Value> pages;
  std::map<std::string, int> broken;
  std::string etag;
  RecordingServer server;
  std::unique_ptr<HttpClient> client;

 private:
  Result<http::Response> answer(const Seen& seen) {
    if (broken.contains(seen.target)) return http::Response{.status = broken[seen.target]};
    const auto page = pages.find(seen.target);
    if (page == pages.end()) {
      return http::Response{
          .status = 404, .headers = {{"Content-Type", "text/plain"}}, .body = "404 page not found"};
    }
    if (!etag.empty() && seen.header("If-None-Match") == etag) return http::Response{.status = 304};
    auto response = json_response(page->second);
    if (!etag.empty()) response.headers.add("ETag", etag);
    return response;
  }
};

IO_FIBER_TEST(Discovery, ReadsAggregatedDiscoveryInTwoRequests) {
  Site site(ctx);
  site.serve("/api", kCore);
  site.serve("/apis",
             aggregated({group("apps", {version("v1", {plain("deployments", "Deployment")})}),
                         group("ex.io", {version("v1", {widgets()}), version("v1beta1", {widgets()})})}));
  Discovery discovery(*site.client);
  const auto catalog = discovery.load(ctx).value();
  EXPECT_EQ(site.asked(), 2U);
  EXPECT_NE(site.server.last().header("Accept").find("v=v2;as=APIGroupDiscoveryList"), std::string::npos);
  EXPECT_NE(site.server.last().header("Accept").find("v=v2beta1"), std::string::npos);
  ASSERT_EQ(catalog->groups.size(), 3U);
  EXPECT_EQ(catalog->groups[0].name, "") << "the core group first";
  EXPECT_EQ(catalog->groups[2].versions[0].version, "v1") << "in the server's order";
  EXPECT_EQ(catalog->resource_count(), 4U);
  const auto* widget = catalog->find({"ex.io", "v1"}, "widgets");
  ASSERT_NE(widget, nullptr);
  EXPECT_EQ(widget->type, (ResourceType{"ex.io", "v1", "widgets", "Widget", true}));
  EXPECT_EQ(widget->short_names, std::vector<std::string>{"wd"});
  EXPECT_EQ(widget->categories, std::vector<std::string>{"all"});
  EXPECT_TRUE(widget->has_verb("list"));
  EXPECT_FALSE(widget->has_verb("watch"));
  EXPECT_TRUE(widget->has_subresource("status"));
  ASSERT_EQ(widget->subresources.size(), 2U);
  EXPECT_EQ(widget->subresources[0].group_version.to_string(), "ex.io/v1") << "that of the parent";
  EXPECT_EQ(widget->subresources[1].group_version.to_string(), "autoscaling/v1");
  EXPECT_FALSE(catalog->find({"apps", "v1"}, "deployments")->type.namespaced);
  EXPECT_EQ(catalog->find({"apps", "v1"}, "deployments")->singular, "deployment") << "made from the kind";
  EXPECT_TRUE(catalog->failures.empty());
}

IO_FIBER_TEST(Discovery, WhatDidNotChangeIsNotReadAgain) {
  Site site(ctx);
  site.etag = "\"1\"";
  site.serve("/api", kCore);
  site.serve("/apis", aggregated({}));
  Discovery discovery(*site.client);
  const auto first = discovery.load(ctx).value();
  EXPECT_EQ(discovery.load(ctx).value(), first) << "the very same catalog";
  EXPECT_EQ(site.server.last().header("If-None-Match"), "\"1\"");
  site.etag = "\"2\"";
  site.serve("/apis", aggregated({group("ex.io", {version("v1", {widgets()})})}));
  const auto second = discovery.load(ctx).value();
  EXPECT_NE(second->find({"ex.io", "v1"}, "widgets"), nullptr);
  EXPECT_EQ(first->find({"ex.io", "v1"}, "widgets"), nullptr) << "a catalog never changes";
}

IO_FIBER_TEST(Discovery, AFailureInBetweenLosesNothingThatWasNew) {
  Site site(ctx);
  site.etag = "\"1\"";
  site.serve("/api", kCore);
  site.serve("/apis", aggregated({}));
  Discovery discovery(*site.client);
  ASSERT_TRUE(discovery.load(ctx));
  site.serve("/api", aggregated({group("", {version("v1", {plain("nodes", "Node")})})}));
  site.etag = "\"2\"";
  site.broken["/apis"] = 500;
  EXPECT_EQ(discovery.load(ctx).error().code(), Code::kInternal);
  site.broken.clear();
  EXPECT_NE(discovery.load(ctx).value()->find({"", "v1"}, "nodes"), nullptr);
}

IO_FIBER_TEST(Discovery, StalePartsAreReportedAndStay) {
  Site site(ctx);
  site.serve("/api", kCore);
  site.serve(
      "/apis",
      aggregated({group("metrics.k8s.io", {version("v1beta1", {plain("nodes", "NodeMetrics")}, "Stale")}),
                  group("ex.io", {version("v1", {widgets()})})}));
  const auto catalog = Discovery(*site.client).load(ctx).value();
  ASSERT_EQ(catalog->failures.size(), 1U);
  EXPECT_EQ(catalog->failures[0].group_version.to_string(), "metrics.k8s.io/v1beta1");
  EXPECT_NE(catalog->find({"metrics.k8s.io", "v1beta1"}, "nodes"), nullptr);
  EXPECT_NE(catalog->find({"ex.io", "v1"}, "widgets"), nullptr);
}

IO_FIBER_TEST(Discovery, AsksOlderServersOneByOne) {
  Site site(ctx);
  const auto entry = [](std::string_view name) { return json::object({{"version", name}}); };
  site.serve("/api", json::object({{"kind", "APIVersions"}, {"versions", json::array({"v1"})}}));
  site.serve(
      "/apis",
      json::object(
          {{"kind", "APIGroupList"},
           {"groups",
            json::array({json::object({{"name", "ex.io"},
                                       {"versions", json::array({entry("v1beta1"), entry("v1")})},
                                       {"preferredVersion", entry("v1")}}),
                         json::object({{"name", "down.io"}, {"versions", json::array({entry("v1")})}})})}}));
  site.serve("/api/v1",
             json::object({{"kind", "APIResourceList"},
                           {"resources", json::array({json::object({{"name", "pods"},
                                                                    {"singularName", "pod"},
                                                                    {"namespaced", true},
                                                                    {"kind", "Pod"},
                                                                    {"verbs", json::array({"get"})},
                                                                    {"shortNames", json::array({"po"})}}),
                                                      json::object({{"name", "pods/eviction"},
                                                                    {"namespaced", true},
                                                                    {"group", "policy"},
                                                                    {"version", "v1"},
                                                                    {"kind", "Eviction"}})})}}));
  site.serve("/apis/ex.io/v1", json::object({{"kind", "APIResourceList"}, {"resources", nullptr}}));
  site.serve("/apis/ex.io/v1beta1", json::object({{"kind", "Pod"}}));
  site.broken["/apis/down.io/v1"] = 503;
  const auto catalog = Discovery(*site.client).load(ctx).value();
  EXPECT_EQ(site.asked(), 6U);
  const auto* pods = catalog->find({"", "v1"}, "pods");
  ASSERT_NE(pods, nullptr);
  EXPECT_TRUE(pods->type.namespaced);
  ASSERT_EQ(pods->subresources.size(), 1U);
  EXPECT_EQ(pods->subresources[0].group_version.to_string(), "policy/v1");
  ASSERT_EQ(catalog->groups.size(), 3U);
  EXPECT_EQ(catalog->groups[1].versions[0].version, "v1") << "the preferred one first";
  ASSERT_EQ(catalog->failures.size(), 2U);
  EXPECT_EQ(catalog->failures[0].group_version.to_string(), "ex.io/v1beta1") << "no discovery at all";
  EXPECT_EQ(catalog->failures[1].group_version.to_string(), "down.io/v1");

  site.broken["/api/v1"] = 503;
  EXPECT_FALSE(Discovery(*site.client).load(ctx)) << "nothing of the core group can be read";
}

IO_FIBER_TEST(Discovery, AServerMayServeOnlyOneOfTheTwo) {
  Site site(ctx);
  site.serve("/apis", aggregated({group("ex.io", {version("v1", {widgets()})})}));
  const auto catalog = Discovery(*site.client).load(ctx).value();
  EXPECT_EQ(catalog->resource_count(), 1U);
  EXPECT_EQ(catalog->failures.size(), 1U);
  site.pages.clear();
  EXPECT_EQ(Discovery(*site.client).load(ctx).error().code(), Code::kNotFound);
  site.serve("/api", json::object({{"kind", "Status"}}));
  EXPECT_EQ(Discovery(*site.client).load(ctx).error().code(), Code::kInternal);
}

TEST(ReadAggregated, LeavesOutWhatIsMalformed) {
  std::vector<ApiGroup> groups;
  std::vector<DiscoveryFailure> failures;
  const auto strange =
      aggregated({5,
                  group("a", {7, json::object({{"resources", 3}}),
                              version("v1", {nullptr, json::object(), json::object({{"resource", "x"}}),
                                             json::object({{"resource", "y"}, {"responseKind", 4}}),
                                             plain("good", "Good")})}),
                  group("a", {version("v2", {})})});
  read_aggregated(strange, groups, failures);
  const auto found =
      std::find_if(groups.begin(), groups.end(), [](const ApiGroup& each) { return each.name == "a"; });
  ASSERT_NE(found, groups.end());
  ASSERT_EQ(found->versions.size(), 2U) << "one group, though named twice";
  ASSERT_EQ(found->versions[0].resources.size(), 1U);
  EXPECT_EQ(found->versions[0].resources[0].type.resource, "good");
}

}  // namespace
}  // namespace klutch::kube
