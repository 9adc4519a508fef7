// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/storage_metrics.h"

#include <gtest/gtest.h>

#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

/// A disk that is full when told so.
class MoodyBackend final : public Backend {
 public:
  explicit MoodyBackend(const bool& full) : full_(full) {}
  Result<Contents> load() override { return Contents{}; }
  Result<> commit(const std::vector<RowChange>& /*changes*/, Revision /*revision*/) override {
    if (full_) return fail(Code::kUnavailable, "the disk is full");
    return {};
  }

 private:
  const bool& full_;
};

FIBER_TEST(StorageMetrics, CountCommitsAndTellOfTrouble) {
  bool full = false;
  auto storage = *Storage::open(ctx, std::make_unique<MoodyBackend>(full));
  obs::Registry registry;
  obs::HealthChecks health;
  add_storage_metrics(registry, *storage);
  add_storage_check(health, *storage);
  const auto write = [&](std::string name) {
    return storage->write(
        ctx, "things", {"", std::move(name)},
        [](const StoredObject*, Revision) -> Result<Decision> { return Decision::put("{}", {}); });
  };
  ASSERT_TRUE(write("a"));
  EXPECT_TRUE(health.run(obs::Probe::kReady).healthy);
  EXPECT_NE(render(registry).find("klutch_apiserver_storage_commits_total 1"), std::string::npos);

  full = true;
  EXPECT_EQ(write("b").error().code(), Code::kUnavailable);
  EXPECT_FALSE(health.run(obs::Probe::kReady).healthy);
  EXPECT_TRUE(health.run(obs::Probe::kLive).healthy);
  EXPECT_NE(render(registry).find("klutch_apiserver_storage_failed_changes_total 1"), std::string::npos);

  full = false;
  ASSERT_TRUE(write("b"));
  EXPECT_TRUE(health.run(obs::Probe::kReady).healthy);
  EXPECT_NE(render(registry).find("klutch_apiserver_storage_objects 2"), std::string::npos)
      << render(registry);
  storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
