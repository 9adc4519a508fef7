// SPDX-License-Identifier: Apache-2.0
#include "obs/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "obs/build_info.h"

namespace klutch::obs {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, AreRenderedAsPrometheusText) {
  Registry registry;
  auto requests =
      registry.counter({.name = "test_requests_total", .help = "Requests.", .labels = {"route", "code"}});
  requests.with({"/a", "200"}).increment();
  requests.with({"/a", "200"}).increment(2);
  requests.with({"/b", "404"}).increment();
  registry.gauge({.name = "test_open", .help = "Open."}).with({}).set(-1.5);
  const auto text = render(registry);
  EXPECT_THAT(text, HasSubstr("# HELP test_requests_total Requests.\n# TYPE test_requests_total counter\n"));
  EXPECT_THAT(text, HasSubstr("test_requests_total{code=\"200\",route=\"/a\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("test_requests_total{code=\"404\",route=\"/b\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE test_open gauge\ntest_open -1.5\n"));
}

TEST(Metrics, HistogramsCountIntoTheirBuckets) {
  Registry registry;
  const auto histogram = registry.histogram({.name = "test_seconds", .help = "Time."}, {1, 2}).with({});
  for (const double value : {0.5, 1.0, 1.5, 9.0}) histogram.observe(value);
  const auto text = render(registry);
  EXPECT_THAT(text, HasSubstr("test_seconds_count 4\n"));
  EXPECT_THAT(text, HasSubstr("test_seconds_sum 12\n"));
  EXPECT_THAT(text, HasSubstr("test_seconds_bucket{le=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("test_seconds_bucket{le=\"2\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("test_seconds_bucket{le=\"+Inf\"} 4\n"));
}

TEST(Metrics, CountersNeverGoDown) {
  Registry registry;
  const auto counter = registry.counter({.name = "test_total", .help = "h"}).with({});
  counter.increment(5);
  for (const double step : {-1.0, 0.0, std::nan(""), HUGE_VAL}) counter.increment(step);
  EXPECT_EQ(counter.value(), 5);
}

TEST(Metrics, GaugesGoBothWays) {
  Registry registry;
  const auto gauge = registry.gauge({.name = "test", .help = "h"}).with({});
  gauge.add(3);
  gauge.add(-1);
  EXPECT_EQ(gauge.value(), 2);
}

TEST(Metrics, AskingAgainGivesTheSameSeries) {
  Registry registry;
  const MetricOptions options{.name = "test_total", .help = "h", .labels = {"a"}};
  registry.counter(options).with({"x"}).increment();
  EXPECT_EQ(registry.counter(options).with({"x"}).value(), 1);
}

TEST(Metrics, AFullFamilyAnswersOtherAndCountsTheRefusals) {
  Registry registry;
  auto family = registry.counter({.name = "test_total", .help = "h", .labels = {"user"}, .max_series = 3});
  for (int i = 0; i < 1000; ++i) family.with({std::to_string(i)}).increment();
  family.with({"1"}).increment();
  const auto text = render(registry);
  EXPECT_THAT(text, HasSubstr("test_total{user=\"1\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("test_total{user=\"other\"} 997\n"));
  EXPECT_THAT(text, Not(HasSubstr("user=\"3\"")));
  EXPECT_THAT(text, HasSubstr("klutch_metrics_refused_series_total{family=\"test_total\"} 997\n"));
}

TEST(Metrics, AnOrdinaryValueNamedOtherSharesTheSeriesOfTheRefused) {
  Registry registry;
  auto family = registry.counter({.name = "test_total", .help = "h", .labels = {"user"}, .max_series = 1});
  family.with({"other"}).increment();
  family.with({"more"}).increment();
  EXPECT_THAT(render(registry), HasSubstr("test_total{user=\"other\"} 2\n"));
}

TEST(Metrics, LabelValuesAreEscapedAndBounded) {
  Registry registry;
  auto family = registry.counter({.name = "test_total", .help = "h", .labels = {"v"}});
  family.with({"a\"b\\c\nd"}).increment();
  family.with({std::string(10'000, 'x')}).increment();
  family.with({"\xFF"}).increment();
  const auto text = render(registry);
  EXPECT_THAT(text, HasSubstr(R"(test_total{v="a\"b\\c\nd"} 1)"));
  EXPECT_LT(text.size(), 2000U);
  EXPECT_THAT(text, HasSubstr(R"(\\xFF)"));
}

TEST(Metrics, UpdatesRunBeforeEachRender) {
  Registry registry;
  const auto gauge = registry.gauge({.name = "test", .help = "h"}).with({});
  registry.before_render([gauge] { gauge.add(1); });
  (void)render(registry);
  EXPECT_THAT(render(registry), HasSubstr("test 2\n"));
}

TEST(Metrics, ProcessMetricsDescribeThisProcess) {
  Registry registry;
  add_process_metrics(registry);
  const auto text = render(registry);
  for (const std::string_view name :
       {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
        "process_open_fds", "process_max_fds", "process_start_time_seconds"}) {
    EXPECT_THAT(text, HasSubstr("\n" + std::string(name) + " "));
    EXPECT_THAT(text, Not(HasSubstr("\n" + std::string(name) + " 0\n"))) << name;
  }
  EXPECT_THAT(text, HasSubstr("klutch_build_info{"));
  EXPECT_THAT(text, HasSubstr("version=\"" + std::string(build_info().version) + "\""));
}

TEST(Metrics, ThreadsMayCountAndRenderAtOnce) {
  Registry registry;
  auto family = registry.counter({.name = "test_total", .help = "h", .labels = {"t"}});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) family.with({std::to_string((i + t) % 4)}).increment();
      (void)render(registry);
    });
  }
  for (auto& thread : threads) thread.join();
  double total = 0;
  for (const std::string_view label : {"0", "1", "2", "3"}) total += family.with({label}).value();
  EXPECT_EQ(total, 2000);
}

TEST(MetricsDeathTest, WrongNamesAreProgrammerErrors) {
  Registry registry;
  (void)registry.counter({.name = "taken", .help = "h"});
  EXPECT_DEATH((void)registry.counter({.name = "1a", .help = "h"}), "is_name");
  EXPECT_DEATH((void)registry.counter({.name = "a", .help = "h", .labels = {"__x"}}), "label");
  EXPECT_DEATH((void)registry.gauge({.name = "taken", .help = "h"}), "in_use");
  EXPECT_DEATH((void)registry.counter({.name = "taken", .help = "h", .labels = {"a"}}), "same_labels");
  EXPECT_DEATH((void)registry.histogram({.name = "a", .help = "h"}, {2, 1}), "bounds");
}

}  // namespace
}  // namespace klutch::obs
