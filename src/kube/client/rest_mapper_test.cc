// SPDX-License-Identifier: Apache-2.0
#include "kube/client/rest_mapper.h"

#include <gtest/gtest.h>

#include "async/task_group.h"
#include "json/build.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

struct Served {
  std::string resource;
  std::string kind;
  std::vector<std::string> short_names = {};
  std::vector<std::string> categories = {};
};
/// group/version -> resources, in the order of the server
using ServedVersions = std::vector<std::pair<GroupVersion, std::vector<Served>>>;

json::Value texts(const std::vector<std::string>& strings) {
  auto list = json::Value::empty_array();
  for (const auto& text : strings) list.push_back(text);
  return list;
}

json::Value aggregated(const ServedVersions& all, bool core) {
  auto items = json::Value::empty_array();
  for (const auto& [version, served] : all) {
    if (version.group.empty() != core) continue;
    auto resources = json::Value::empty_array();
    for (const auto& one : served) {
      resources.push_back(json::object({{"resource", one.resource},
                                        {"responseKind", json::object({{"kind", one.kind}})},
                                        {"scope", "Namespaced"},
                                        {"shortNames", texts(one.short_names)},
                                        {"categories", texts(one.categories)}}));
    }
    items.push_back(
        json::object({{"metadata", json::object({{"name", version.group}})},
                      {"versions", json::array({json::object({{"version", version.version},
                                                              {"resources", std::move(resources)}})})}}));
  }
  return json::object({{"kind", "APIGroupDiscoveryList"}, {"items", std::move(items)}});
}

class DiscoveryClient final : public Client {
 public:
  Result<Object> send(Ctx& ctx, const Request& request) override {
    ++asked;
    TRY(ctx.sleep(std::chrono::milliseconds(10)));
    if (broken) return fail(Code::kUnavailable, "down");
    return aggregated(served, request.path == "/api");
  }
  Result<std::unique_ptr<WatchStream>> open(Ctx& /*ctx*/, const Request& /*request*/) override {
    return fail(Code::kUnsupported, "no watches here");
  }

  ServedVersions served = {
      {{"", "v1"}, {{"pods", "Pod", {"po"}, {"all"}}, {"events", "Event", {"ev"}}, {"services", "Service"}}},
      {{"apps", "v1"}, {{"deployments", "Deployment", {"deploy"}, {"all"}}}},
      {{"events.k8s.io", "v1"}, {{"events", "Event", {"ev"}}}},
      {{"autoscaling", "v2"}, {{"horizontalpodautoscalers", "HorizontalPodAutoscaler", {"hpa"}, {"all"}}}},
      {{"autoscaling", "v1"}, {{"horizontalpodautoscalers", "HorizontalPodAutoscaler", {"hpa"}, {"all"}}}},
      {{"serving.knative.dev", "v1"}, {{"services", "Service", {"ksvc", "po"}}}},
      {{"ex.io", "v1"}, {{"widgets", "Widget", {"services"}}}},
  };
  bool broken = false;
  std::size_t asked = 0;
};

std::string describe(const ResourceType& type) {
  return type.api_version() + " " + type.resource;
}

FIBER_TEST(RestMapper, FindsWhatPeopleType) {
  DiscoveryClient client;
  RestMapper mapper(client);
  struct Case {
    std::string_view argument;
    std::string_view found;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"pods", "v1 pods", "plural"},
      {"pod", "v1 pods", "singular"},
      {"po", "v1 pods", "short, in the first group that has it"},
      {"Pod", "v1 pods", "kind"},
      {"PODS", "v1 pods", "case does not matter"},
      {"events", "v1 events", "the core group goes first"},
      {"events.events.k8s.io", "events.k8s.io/v1 events", "group"},
      {"ev.events", "events.k8s.io/v1 events", "short name and the beginning of a group"},
      {"deploy.app", "apps/v1 deployments", "the beginning of a group"},
      {"deployments.v1.apps", "apps/v1 deployments", "version and group"},
      {"Deployment.v1.apps", "apps/v1 deployments", "kind, version and group"},
      {"pods.v1.", "v1 pods", "version of the core group"},
      {"hpa", "autoscaling/v2 horizontalpodautoscalers", "the preferred version"},
      {"hpa.v1.autoscaling", "autoscaling/v1 horizontalpodautoscalers", "the version asked for"},
      {"services", "v1 services", "a full name goes before a short one"},
      {"services.ex.io", "ex.io/v1 widgets", "where it is a short name"},
      {"services.serving.knative.dev", "serving.knative.dev/v1 services", "a group with dots"},
      {"HorizontalPodAutoscaler.autoscaling", "autoscaling/v2 horizontalpodautoscalers", "kind and group"},
  };
  for (const auto& [argument, found, reason] : cases) {
    const auto type = mapper.by_argument(ctx, argument);
    ASSERT_TRUE(type) << argument << ": " << type.error().message();
    EXPECT_EQ(describe(*type), found) << argument << ": " << reason;
  }
  for (const auto* unknown : {"pods.v2.", "deployments.v1.nope", "x", "", ".", "..", "pods.nope"}) {
    EXPECT_EQ(mapper.by_argument(ctx, unknown).error().code(), Code::kNotFound) << unknown;
  }
  EXPECT_EQ(mapper.by_argument(ctx, "foos.v1.ex.io").error().message(),
            "the server doesn't have a resource type \"foos\"");
}

FIBER_TEST(RestMapper, FindsKinds) {
  DiscoveryClient client;
  RestMapper mapper(client);
  EXPECT_EQ(describe(mapper.by_kind(ctx, GroupKind{"autoscaling", "HorizontalPodAutoscaler"}).value()),
            "autoscaling/v2 horizontalpodautoscalers");
  EXPECT_EQ(
      describe(mapper.by_kind(ctx, GroupVersion{"autoscaling", "v1"}, "HorizontalPodAutoscaler").value()),
      "autoscaling/v1 horizontalpodautoscalers");
  EXPECT_EQ(describe(mapper.by_object(ctx, json::object({{"apiVersion", "v1"}, {"kind", "Pod"}})).value()),
            "v1 pods");
  EXPECT_EQ(mapper.by_object(ctx, json::object({{"apiVersion", "v1"}})).error().code(), Code::kInvalid);
  EXPECT_EQ(mapper.by_object(ctx, json::object({{"kind", "Pod"}})).error().code(), Code::kInvalid);
  EXPECT_EQ(mapper.by_kind(ctx, GroupKind{"apps", "Pod"}).error().code(), Code::kNotFound);
  EXPECT_EQ(mapper.by_kind(ctx, GroupVersion{"ex.io", "v2"}, "Widget").error().message(),
            "no matches for kind \"Widget\" in version \"ex.io/v2\"");
}

FIBER_TEST(RestMapper, ACategoryIsOfEachGroupOnce) {
  DiscoveryClient client;
  RestMapper mapper(client);
  const auto all = mapper.by_category(ctx, "all").value();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(describe(all[2]), "autoscaling/v2 horizontalpodautoscalers");
  EXPECT_TRUE(mapper.by_category(ctx, "none")->empty());
}

FIBER_TEST(RestMapper, LearnsNewTypesWithoutAskingAtEveryMiss) {
  DiscoveryClient client;
  RestMapper mapper(client, {.reload_interval = std::chrono::seconds(3)});
  EXPECT_FALSE(mapper.by_argument(ctx, "gadgets"));
  EXPECT_EQ(client.asked, 2U) << "just loaded";
  client.served.push_back({{"ex.io", "v2"}, {{"gadgets", "Gadget"}}});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(mapper.by_argument(ctx, "gadgets"));
  EXPECT_EQ(client.asked, 2U);
  ASSERT_TRUE(ctx.sleep(std::chrono::seconds(3)));
  EXPECT_TRUE(mapper.by_argument(ctx, "gadgets"));
  EXPECT_EQ(client.asked, 4U);
  ASSERT_TRUE(ctx.sleep(std::chrono::hours(1)));
  EXPECT_TRUE(mapper.by_argument(ctx, "gadgets"));
  EXPECT_EQ(client.asked, 4U) << "what is known needs no question";
}

FIBER_TEST(RestMapper, ManyFibersShareOneReload) {
  DiscoveryClient client;
  RestMapper mapper(client);
  int found = 0;
  ASSERT_TRUE(async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    for (int i = 0; i < 20; ++i) {
      tasks.spawn("asker", [&](Ctx& task) -> Result<> {
        TRY(mapper.by_argument(task, "pods"));
        ++found;
        return {};
      });
    }
    return {};
  }));
  EXPECT_EQ(found, 20);
  EXPECT_EQ(client.asked, 2U);
}

FIBER_TEST(RestMapper, AServerInTroubleIsNotAServerWithoutTheType) {
  DiscoveryClient client;
  client.broken = true;
  RestMapper mapper(client);
  EXPECT_EQ(mapper.by_argument(ctx, "pods").error().code(), Code::kUnavailable);
  client.broken = false;
  ASSERT_TRUE(mapper.by_argument(ctx, "pods"));
  client.broken = true;
  ASSERT_TRUE(ctx.sleep(std::chrono::minutes(1)));
  EXPECT_TRUE(mapper.by_argument(ctx, "pods")) << "known already";
  EXPECT_EQ(mapper.by_argument(ctx, "gadgets").error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace klutch::kube
