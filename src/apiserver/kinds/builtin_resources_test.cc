// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/builtin_resources.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "apiserver/kinds/service_addresses.h"
#include "json/build.h"
#include "json/print.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using json::Value;

ServedPtr find_served(const std::vector<ServedPtr>& all, std::string_view api_version,
                      std::string_view resource) {
  const auto found = std::ranges::find_if(all, [&](const ServedPtr& served) {
    const auto& type = served->description.type;
    return type.api_version() == api_version && type.resource == resource;
  });
  return found == all.end() ? nullptr : *found;
}

const ResourceBehavior& behavior_of(std::string_view api_version, std::string_view resource) {
  static const auto all = builtin_resources({});
  return *find_served(all, api_version, resource)->behavior;
}

TEST(BuiltinResources, AreAllThatOnlyHaveToBeStored) {
  const auto all = builtin_resources({});
  for (const auto& served : all) {
    EXPECT_NE(served->behavior, nullptr) << served->description.type.to_string();
    EXPECT_FALSE(served->storage_type.empty()) << served->description.type.to_string();
    EXPECT_NE(served->message, nullptr);
  }
  EXPECT_NE(find_served(all, "apps/v1", "deployments"), nullptr);
  EXPECT_NE(find_served(all, "autoscaling/v2", "horizontalpodautoscalers"), nullptr);
  EXPECT_EQ(find_served(all, "autoscaling/v1", "horizontalpodautoscalers"), nullptr);
  EXPECT_EQ(find_served(all, "v1", "bindings"), nullptr);
  EXPECT_EQ(find_served(all, "v1", "componentstatuses"), nullptr);
  EXPECT_GE(all.size(), 45U);
}

TEST(BuiltinResources, ReviewsAndTokensAreServedWhereSomebodyProvidesThem) {
  EXPECT_EQ(find_served(builtin_resources({}), "authentication.k8s.io/v1", "tokenreviews"), nullptr);
  EXPECT_EQ(find_served(builtin_resources({}), "v1", "serviceaccounts")->description.subresource("token"),
            nullptr);
  const Action action = [](Ctx&, const ActionRequest&, Value object) -> Result<Value> { return object; };
  BuiltinOptions options;
  options.actions["tokenreviews.authentication.k8s.io"] = action;
  options.actions["serviceaccounts/token"] = action;
  const auto all = builtin_resources(options);
  const auto reviews = find_served(all, "authentication.k8s.io/v1", "tokenreviews");
  ASSERT_NE(reviews, nullptr);
  EXPECT_TRUE(reviews->storage_type.empty());
  EXPECT_TRUE(reviews->actions.contains(""));
  const auto accounts = find_served(all, "v1", "serviceaccounts");
  EXPECT_TRUE(accounts->actions.contains("token"));
  EXPECT_EQ(accounts->description.subresource("token")->kind, "TokenRequest");
}

TEST(BuiltinResources, PodsHaveNothingThatNeedsAKubelet) {
  const auto pods = find_served(builtin_resources({}), "v1", "pods");
  ASSERT_EQ(pods->description.subresources.size(), 1U);
  EXPECT_EQ(pods->description.subresources[0].name, "status");
}

TEST(BuiltinResources, BothFormsOfEventsAreStoredTogether) {
  const auto all = builtin_resources({});
  const auto core = find_served(all, "v1", "events");
  const auto fresh = find_served(all, "events.k8s.io/v1", "events");
  EXPECT_EQ(core->storage_type, fresh->storage_type);
  EXPECT_EQ(fresh->stored_api_version, "v1");
  Value event = json::object({{"apiVersion", "events.k8s.io/v1"},
                              {"kind", "Event"},
                              {"metadata", json::object({{"name", "e"}, {"namespace", "n"}})},
                              {"note", "hello"},
                              {"regarding", json::object({{"kind", "Pod"}, {"name", "p"}})},
                              {"reportingController", "c"},
                              {"type", "Normal"}});
  event = fresh->behavior->read(event)->object;
  const Value as_served = event;
  EXPECT_EQ(fresh->behavior->selectable_field(event, "regarding.name"), "p");
  EXPECT_EQ(fresh->behavior->selectable_field(event, "reportingController"), "c");
  fresh->behavior->to_stored(event);
  EXPECT_EQ(event.find_string("apiVersion"), "v1");
  EXPECT_EQ(event.find_string("message"), "hello");
  EXPECT_EQ(core->behavior->selectable_field(event, "involvedObject.name"), "p");
  EXPECT_EQ(core->behavior->selectable_field(event, "source"), "c");
  fresh->behavior->from_stored(event);
  EXPECT_EQ(event, as_served);
}

TEST(BuiltinKinds, KnowTheFieldsThatSelectorsMayName) {
  const struct {
    const char* reason;
    const char* api_version;
    const char* resource;
    const char* field;
    bool known;
  } rows[] = {
      {"by type", "v1", "secrets", "type", true},
      {"no data", "v1", "secrets", "data.a", false},
      {"no fields", "v1", "configmaps", "data.a", false},
      {"phases", "v1", "namespaces", "status.phase", true},
      {"where it runs", "v1", "pods", "spec.nodeName", true},
      {"who it runs as", "v1", "pods", "spec.serviceAccountName", true},
      {"only metadata", "apps/v1", "deployments", "spec.replicas", false},
      {"of events", "v1", "events", "involvedObject.uid", true},
      {"of old events only", "events.k8s.io/v1", "events", "involvedObject.uid", false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.reason);
    EXPECT_EQ(behavior_of(row.api_version, row.resource).is_selectable(row.field), row.known);
  }
  const Value pod = json::object({{"spec", json::object({{"nodeName", "n1"}})}});
  const auto& pods = behavior_of("v1", "pods");
  EXPECT_EQ(pods.selectable_field(pod, "spec.nodeName"), "n1");
  EXPECT_EQ(pods.selectable_field(pod, "spec.hostNetwork"), "false");
  EXPECT_EQ(pods.selectable_field(pod, "status.phase"), "");
  EXPECT_EQ(pods.selectable_field(pod, "spec.bogus"), std::nullopt);
}

TEST(BuiltinKinds, SayHowUpdatesGo) {
  EXPECT_FALSE(behavior_of("coordination.k8s.io/v1", "leases").allows_unconditional_update());
  EXPECT_TRUE(behavior_of("coordination.k8s.io/v1", "leases").allows_create_on_update());
  EXPECT_TRUE(behavior_of("v1", "configmaps").allows_unconditional_update());
  EXPECT_FALSE(behavior_of("v1", "configmaps").allows_create_on_update());
  EXPECT_TRUE(behavior_of("rbac.authorization.k8s.io/v1", "roles").allows_create_on_update());
  EXPECT_TRUE(behavior_of("apps/v1", "deployments").counts_generations());
  EXPECT_FALSE(behavior_of("v1", "services").counts_generations());
  EXPECT_TRUE(behavior_of("v1", "services").has_status_subresource());
  EXPECT_FALSE(behavior_of("v1", "secrets").has_status_subresource());
  ASSERT_NE(behavior_of("apps/v1", "statefulsets").scale(), nullptr);
  EXPECT_EQ(behavior_of("apps/v1", "daemonsets").scale(), nullptr);
}

TEST(BuiltinKinds, ReadingIsAFixedPoint) {
  const Value deployment = json::object(
      {{"apiVersion", "apps/v1"},
       {"kind", "Deployment"},
       {"spec",
        json::object(
            {{"template",
              json::object(
                  {{"spec", json::object({{"containers", json::array({json::object(
                                                             {{"name", "c"}, {"image", "i"}})})}})}})}})}});
  const auto& behavior = behavior_of("apps/v1", "deployments");
  const auto once = behavior.read(deployment)->object;
  EXPECT_EQ(behavior.read(once)->object, once);
  EXPECT_EQ(once.find("spec")->find_int("replicas"), 1);
}

struct AddressBench {
  explicit AddressBench(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())) {}
  void add(Ctx& ctx, std::string_view name, std::string_view address) {
    const Value service = json::object({{"spec", json::object({{"clusterIP", address}})}});
    EXPECT_TRUE(storage->write(ctx, "services", {"ns", std::string(name)},
                               [&](const StoredObject*, Revision) -> Result<Decision> {
                                 return Decision::put(json::print(service), {});
                               }));
  }
  std::unique_ptr<Storage> storage;
};

FIBER_TEST(ServiceAddresses, AreGivenOutOnceEach) {
  AddressBench bench(ctx);
  const StoredServiceAddresses addresses(*bench.storage, {.first = 0x0a000000, .prefix_bits = 29});
  bench.add(ctx, "a", "10.0.0.2");
  bench.add(ctx, "headless", "None");
  std::vector<std::string> given;
  for (int i = 0; i < 5; ++i) given.push_back(addresses.allocate());
  std::ranges::sort(given);
  EXPECT_EQ(given, (std::vector<std::string>{"10.0.0.1", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"}));
  for (int i = 0; i < 7; ++i) bench.add(ctx, "s" + std::to_string(i), "10.0.0." + std::to_string(i));
  EXPECT_EQ(addresses.allocate(), "");
  bench.storage->stop(ctx);
}

FIBER_TEST(ServiceAddresses, SayWhyOneCannotBeHad) {
  AddressBench bench(ctx);
  const StoredServiceAddresses addresses(*bench.storage);
  bench.add(ctx, "a", "10.96.1.1");
  EXPECT_EQ(addresses.problem("10.96.1.2", {"ns", "b"}), "");
  EXPECT_EQ(addresses.problem("10.96.1.1", {"ns", "a"}), "");
  EXPECT_EQ(addresses.problem("10.96.1.1", {"ns", "b"}), "provided IP is already allocated");
  EXPECT_EQ(addresses.problem("10.1.1.1", {"ns", "b"}),
            "the provided network does not match the current range");
  bench.storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
