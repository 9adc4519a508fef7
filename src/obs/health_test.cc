// SPDX-License-Identifier: Apache-2.0
#include "obs/health.h"

#include <gtest/gtest.h>

namespace klutch::obs {
namespace {

Result<> good() {
  return {};
}
Result<> bad() {
  return fail(Code::kUnavailable, "password=hunter2 refused");
}

TEST(Health, AllWellIsOk) {
  HealthChecks checks;
  checks.add("store", good);
  const auto report = checks.run(Probe::kReady);
  EXPECT_TRUE(report.healthy);
  EXPECT_EQ(report.http_status, 200);
  EXPECT_EQ(report.body, "ok");
}

TEST(Health, VerboseListsEveryCheckAsKubernetesDoes) {
  HealthChecks checks;
  checks.add("store", good);
  EXPECT_EQ(checks.run(Probe::kLive, {.verbose = true}).body,
            "[+]ping ok\n[+]store ok\nlivez check passed\n");
}

TEST(Health, AFailureIsListedWithoutItsReason) {
  HealthChecks checks;
  checks.add("store", bad);
  checks.add("cache", good);
  const auto report = checks.run(Probe::kHealth);
  EXPECT_FALSE(report.healthy);
  EXPECT_EQ(report.http_status, 500);
  EXPECT_EQ(report.body, "[+]ping ok\n[-]store failed: reason withheld\n[+]cache ok\nhealthz check failed\n");
  ASSERT_EQ(report.failures.size(), 1U);
  EXPECT_EQ(report.failures[0].first, "store");
  EXPECT_TRUE(is(report.failures[0].second, Code::kUnavailable));
}

TEST(Health, ReadinessDoesNotCountForLife) {
  HealthChecks checks;
  checks.add_readiness("synced", bad);
  EXPECT_TRUE(checks.run(Probe::kLive).healthy);
  EXPECT_TRUE(checks.run(Probe::kHealth).healthy);
  EXPECT_FALSE(checks.run(Probe::kReady).healthy);
}

TEST(Health, ExcludedChecksAreNotRun) {
  HealthChecks checks;
  int runs = 0;
  checks.add("store", [&runs] {
    ++runs;
    return bad();
  });
  const auto report = checks.run(Probe::kReady, {.verbose = true, .exclude = {"store"}});
  EXPECT_TRUE(report.healthy);
  EXPECT_EQ(runs, 0);
  EXPECT_EQ(report.body, "[+]ping ok\n[+]store excluded: ok\nreadyz check passed\n");
}

TEST(Health, ExcludingWhatDoesNotExistIsAWarningOnOneLine) {
  const HealthChecks checks;
  const auto report = checks.run(Probe::kReady, {.verbose = true, .exclude = {"x", "a\nb", "x"}});
  EXPECT_TRUE(report.healthy);
  EXPECT_EQ(report.body,
            "[+]ping ok\nwarn: some health checks cannot be excluded: no matches for \"a\\nb\",\"x\"\n"
            "readyz check passed\n");
  std::vector<std::string> many;
  for (int i = 0; i < 10'000; ++i) many.push_back(std::string(100, 'x') + std::to_string(i));
  EXPECT_LT(checks.run(Probe::kReady, {.verbose = true, .exclude = many}).body.size(), 3000U);
}

TEST(Health, ASingleCheckAnswersForItself) {
  HealthChecks checks;
  checks.add("good", good);
  checks.add("bad", bad);
  checks.add_readiness("synced", good);
  EXPECT_EQ(checks.run_one(Probe::kLive, "good").http_status, 200);
  const auto failed = checks.run_one(Probe::kLive, "bad");
  EXPECT_EQ(failed.http_status, 500);
  EXPECT_EQ(failed.body.find("hunter2"), std::string::npos);
  EXPECT_EQ(failed.failures.size(), 1U);
  EXPECT_EQ(checks.run_one(Probe::kLive, "synced").http_status, 404);
  EXPECT_EQ(checks.run_one(Probe::kReady, "synced").http_status, 200);
  EXPECT_EQ(checks.run_one(Probe::kReady, "").http_status, 404);
}

TEST(Health, ChecksCanBeTakenAwayAgain) {
  HealthChecks checks;
  checks.add("temporary", bad);
  EXPECT_TRUE(checks.remove("temporary"));
  EXPECT_FALSE(checks.remove("temporary"));
  EXPECT_TRUE(checks.run(Probe::kReady).healthy);
}

TEST(Health, ACheckMayAddAnother) {
  HealthChecks checks;
  checks.add("grows", [&checks] {
    checks.add("late", good);
    return good();
  });
  EXPECT_TRUE(checks.run(Probe::kReady).healthy);
  EXPECT_EQ(checks.run_one(Probe::kReady, "late").http_status, 200);
}

TEST(HealthDeathTest, NamesAreCheckedAndUnique) {
  HealthChecks checks;
  EXPECT_DEATH(checks.add("ping", good), "name");
  EXPECT_DEATH(checks.add("a b", good), "is_check_name");
  EXPECT_DEATH(checks.add("", good), "is_check_name");
}

}  // namespace
}  // namespace klutch::obs
