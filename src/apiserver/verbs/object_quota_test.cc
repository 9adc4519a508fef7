// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/object_quota.h"

#include <gtest/gtest.h>

#include "json/build.h"
#include "json/print.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

struct QuotaBench {
  explicit QuotaBench(Ctx& ctx) : storage(*Storage::open(ctx, make_ephemeral_backend())) {}

  void put(Ctx& ctx, std::string_view type, const kube::Key& key, const json::Value& object) {
    EXPECT_TRUE(storage->write(ctx, type, key, [&](const StoredObject*, Revision) -> Result<Decision> {
      return Decision::put(json::print(object), {});
    }));
  }
  void add_quota(Ctx& ctx, const kube::Key& key, json::Value hard) {
    put(ctx, "resourcequotas", key, json::object({{"spec", json::object({{"hard", std::move(hard)}})}}));
  }
  [[nodiscard]] Result<> create(const ServedResource& resource, std::string_view name) const {
    const kube::Key key{"ns", std::string(name)};
    const User user;
    return quota.admit({.resource = resource, .key = key, .user = user});
  }

  std::unique_ptr<Storage> storage;
  ObjectQuota quota{*storage};
};

ServedResource served(std::string group, std::string resource) {
  ServedResource out;
  out.description.type = {std::move(group), "v1", std::move(resource), "Kind"};
  out.storage_type = out.description.type.to_string();
  return out;
}

FIBER_TEST(ObjectQuota, RefusesWhatIsBeyondTheHardLimit) {
  QuotaBench bench(ctx);
  bench.add_quota(ctx, {"ns", "q"}, json::object({{"count/secrets", "2"}, {"secrets", "1"}}));
  const auto secrets = served("", "secrets");
  EXPECT_TRUE(bench.create(secrets, "a"));
  bench.put(ctx, "secrets", {"ns", "a"}, json::object());
  bench.put(ctx, "secrets", {"other", "b"}, json::object());
  const auto refused = bench.create(secrets, "b");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kForbidden);
  EXPECT_EQ(refused.error().message(),
            "secrets \"b\" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1, limited: "
            "secrets=1");
  bench.put(ctx, "secrets", {"ns", "b"}, json::object());
  EXPECT_EQ(bench.create(secrets, "c").error().message(),
            "secrets \"c\" is forbidden: exceeded quota: q, requested: count/secrets=1,secrets=1, used: "
            "count/secrets=2,secrets=2, limited: count/secrets=2,secrets=1");
  bench.storage->stop(ctx);
}

FIBER_TEST(ObjectQuota, CountsKindsOfAllGroupsAndNothingElse) {
  QuotaBench bench(ctx);
  bench.add_quota(ctx, {"ns", "q"},
                  json::object({{"count/widgets.ex.io", "0"}, {"requests.cpu", "0"}, {"widgets", "0"}}));
  bench.add_quota(ctx, {"elsewhere", "q"}, json::object({{"count/secrets", "0"}}));
  EXPECT_TRUE(bench.create(served("", "secrets"), "a"));
  EXPECT_TRUE(bench.create(served("other.io", "widgets"), "a"));
  EXPECT_FALSE(bench.create(served("ex.io", "widgets"), "a"));
  bench.storage->stop(ctx);
}

FIBER_TEST(ObjectQuota, LetsChangesOfWhatIsThereBe) {
  QuotaBench bench(ctx);
  bench.add_quota(ctx, {"ns", "q"}, json::object({{"secrets", "0"}}));
  const auto secrets = served("", "secrets");
  const kube::Key key{"ns", "a"};
  const User user;
  EXPECT_TRUE(bench.quota.admit(
      {.operation = Admission::Change::Operation::kUpdate, .resource = secrets, .key = key, .user = user}));
  bench.storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
