// SPDX-License-Identifier: Apache-2.0
#include "kube/api/kinds.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"

namespace klutch::kube {
namespace {

static_assert(Kind<Namespace> && Kind<Secret> && Kind<ConfigMap> && Kind<ServiceAccount> && Kind<Lease> &&
              Kind<Event> && Kind<CustomResourceDefinition>);

TEST(Kinds, StartAsObjectsThatAServerTakes) {
  const Key key{"default", "x"};
  EXPECT_EQ(json::print(Namespace("team").object()),
            R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"team"}})");
  EXPECT_EQ(json::print(Secret(key).object()),
            R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"x","namespace":"default"}})");
  EXPECT_EQ(
      json::print(Lease(key).object()),
      R"({"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"x","namespace":"default"}})");
  EXPECT_EQ(kind(ConfigMap(key).object()), "ConfigMap");
  EXPECT_EQ(kind(ServiceAccount(key).object()), "ServiceAccount");
  EXPECT_EQ(kind(Event(key).object()), "Event");
  EXPECT_EQ(CustomResourceDefinition::type().to_string(), "customresourcedefinitions.apiextensions.k8s.io");
  EXPECT_FALSE(CustomResourceDefinition::type().namespaced);
}

TEST(Kinds, ReadAsEmptyWhatIsMissingOrOfTheWrongKind) {
  for (const auto* text : {"null", "[]", "{}", R"({"spec":7,"status":"x","data":[],"type":1})",
                           R"({"spec":{"holderIdentity":1,"renewTime":"soon"},"data":{"a":7}})"}) {
    const auto object = *json::parse(text);
    EXPECT_EQ(Namespace(object).phase(), "") << text;
    EXPECT_EQ(Secret(object).secret_type(), "") << text;
    EXPECT_FALSE(Secret(object).data("a").has_value()) << text;
    EXPECT_FALSE(ConfigMap(object).data("a").has_value()) << text;
    EXPECT_EQ(Lease(object).holder(), "") << text;
    EXPECT_EQ(Lease(object).duration_seconds(), 0) << text;
    EXPECT_FALSE(Lease(object).renew_time().has_value()) << text;
    EXPECT_FALSE(CustomResourceDefinition(object).is_established()) << text;
    EXPECT_FALSE(CustomResourceDefinition(object).served_type().has_value()) << text;
  }
}

TEST(Secret, EncodesAndDecodesItsData) {
  Secret secret(Key{"default", "s"});
  const std::string bytes("\0\xff binary", 9);
  EXPECT_TRUE(secret.set_data("key", bytes));
  EXPECT_FALSE(secret.set_data("key", bytes));
  EXPECT_EQ(secret.data("key"), bytes);
  EXPECT_EQ(secret.object().find("data")->find_string("key"), "AP8gYmluYXJ5");
  EXPECT_TRUE(secret.set_data("key", ""));
  EXPECT_EQ(secret.data("key"), "");
  EXPECT_FALSE(secret.data("other").has_value());
}

TEST(Secret, HasNoValueWhereTheBase64IsBroken) {
  EXPECT_FALSE(Secret(*json::parse(R"({"data":{"a":"%%%"}})")).data("a").has_value());
}

TEST(Secret, CopiesTypeAndDataOnly) {
  const Secret secret(*json::parse(R"({"apiVersion":"v1","kind":"Secret","type":"Opaque","data":{"a":"YQ=="},
      "immutable":true,"metadata":{"name":"s","namespace":"n","uid":"u","labels":{"a":"b"},"finalizers":["f"]}})"));
  EXPECT_EQ(secret.copy_as({"other", "t"}).object(), *json::parse(R"({"apiVersion":"v1","kind":"Secret",
      "type":"Opaque","data":{"a":"YQ=="},"metadata":{"name":"t","namespace":"other"}})"));
}

TEST(ConfigMap, KeepsTextAsItIs) {
  ConfigMap map(Key{"default", "m"});
  EXPECT_TRUE(map.set_data("a", "x\ny"));
  EXPECT_FALSE(map.set_data("a", "x\ny"));
  EXPECT_EQ(map.data("a"), "x\ny");
}

TEST(Lease, KeepsMicroseconds) {
  Lease lease(Key{"default", "leader"});
  const auto time = *parse_rfc3339("2026-01-01T00:00:00.123456Z");
  lease.set_holder("me");
  lease.set_duration_seconds(15);
  lease.set_acquire_time(time);
  lease.set_renew_time(time + std::chrono::seconds(1));
  lease.set_transitions(3);
  EXPECT_EQ(lease.spec(), *json::parse(R"({"holderIdentity":"me","leaseDurationSeconds":15,
      "acquireTime":"2026-01-01T00:00:00.123456Z","renewTime":"2026-01-01T00:00:01.123456Z","leaseTransitions":3})"));
  EXPECT_EQ(lease.holder(), "me");
  EXPECT_EQ(lease.duration_seconds(), 15);
  EXPECT_EQ(lease.acquire_time(), time);
  EXPECT_EQ(lease.renew_time(), time + std::chrono::seconds(1));
  EXPECT_EQ(lease.transitions(), 3);
}

TEST(Lease, NobodyHoldsItOnceItsHolderIsEmpty) {
  Lease lease(Key{"default", "leader"});
  lease.set_holder("me");
  lease.set_holder("");
  EXPECT_FALSE(lease.spec().contains("holderIdentity")) << "servers refuse an empty one";
}

TEST(CustomResourceDefinition, TellsTheTypeItServes) {
  const auto crd = [](std::string_view spec, std::string_view established = "True") {
    return CustomResourceDefinition(*json::parse(
        R"({"spec":)" + std::string(spec) +
        R"(,"status":{"conditions":[{"type":"NamesAccepted","status":"True"},{"type":"Established","status":")" +
        std::string(established) + R"("}]}})"));
  };
  const std::string head = R"({"group":"ex.io","names":{"plural":"widgets","kind":"Widget"},)";
  struct Case {
    std::string_view reason;
    std::string spec;
    std::optional<ResourceType> type;
  };
  for (
      const auto& c : {
          Case{"one version",
               head + R"("scope":"Namespaced","versions":[{"name":"v1","served":true,"storage":true}]})",
               ResourceType{"ex.io", "v1", "widgets", "Widget", true}},
          Case{"the storage version of several",
               head + R"("scope":"Cluster","versions":[{"name":"v1alpha1","served":true,"storage":false},)"
                      R"({"name":"v1","served":true,"storage":true},{"name":"v2","served":true}]})",
               ResourceType{"ex.io", "v1", "widgets", "Widget", false}},
          Case{"a storage version that is not served",
               head + R"("scope":"Namespaced","versions":[{"name":"v1","served":false,"storage":true}]})",
               std::nullopt},
          Case{"no scope", head + R"("versions":[{"name":"v1","served":true,"storage":true}]})",
               std::nullopt},
          Case{
              "no names",
              R"({"group":"ex.io","scope":"Cluster","versions":[{"name":"v1","served":true,"storage":true}]})",
              std::nullopt},
      }) {
    EXPECT_EQ(crd(c.spec).served_type(), c.type) << c.reason;
  }
  EXPECT_TRUE(crd("{}").is_established());
  EXPECT_FALSE(crd("{}", "False").is_established());
  EXPECT_FALSE(crd("{}", "Unknown").is_established());
}

}  // namespace
}  // namespace klutch::kube
