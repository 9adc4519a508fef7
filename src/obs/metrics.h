// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Prometheus metrics. A Registry owns families; a family hands out one Counter, Gauge or Histogram per set of
// label values. These handles are one pointer wide, lock-free to update, safe from any thread, and valid as
// long as the Registry: look them up once and keep them. Wrong names are programmer errors and abort.
//
//   auto requests = registry.counter({.name = "klutch_requests_total", .help = "Requests.", .labels =
//   {"route"}}); const obs::Counter listed = requests.with({"/v1/list"}); listed.increment();

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
}  // namespace prometheus

namespace klutch::obs {

namespace detail {
template <class Metric>
class FamilyState;
}  // namespace detail

/// Only goes up.
class Counter {
 public:
  explicit Counter(prometheus::Counter& counter) : counter_(&counter) {}
  /// Negative and non-finite steps are ignored.
  void increment(double by = 1) const noexcept;
  [[nodiscard]] double value() const noexcept;

 private:
  prometheus::Counter* counter_;
};

/// Goes up and down.
class Gauge {
 public:
  explicit Gauge(prometheus::Gauge& gauge) : gauge_(&gauge) {}
  void set(double value) const noexcept;
  void add(double by) const noexcept;
  [[nodiscard]] double value() const noexcept;

 private:
  prometheus::Gauge* gauge_;
};

/// Counts observations by size. Durations are observed in seconds.
class Histogram {
 public:
  explicit Histogram(prometheus::Histogram& histogram) : histogram_(&histogram) {}
  void observe(double value) const noexcept;

 private:
  prometheus::Histogram* histogram_;
};

/// All series of one metric name.
template <class Metric>
class Family {
 public:
  explicit Family(detail::FamilyState<Metric>& state) : state_(&state) {}

  /// The series with these label values, in the order of the label names. A value that is not UTF-8 or longer
  /// than 128 bytes is quoted and cut. Once the family is full, every new set of values gets the series whose
  /// values are all "other", and klutch_metrics_refused_series_total{family} counts.
  [[nodiscard]] Metric with(std::span<const std::string_view> values) const;
  [[nodiscard]] Metric with(std::initializer_list<std::string_view> values) const {
    return with(std::span(values.begin(), values.size()));
  }

 private:
  detail::FamilyState<Metric>* state_;
};

struct MetricOptions {
  std::string name;
  std::string help;
  std::vector<std::string> labels = {};
  /// How many sets of label values there may be. Each costs memory here and in Prometheus.
  std::size_t max_series = 1000;
};

/// Upper bounds in seconds that suit most durations, from 5 ms to 60 s.
std::vector<double> duration_buckets();

class Registry {
 public:
  Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  /// The family of that name; asking again with the same labels gives the same family. Aborts when the name
  /// is in use for something else.
  Family<Counter> counter(const MetricOptions& options);
  Family<Gauge> gauge(const MetricOptions& options);
  /// `bounds` must rise.
  Family<Histogram> histogram(const MetricOptions& options, std::vector<double> bounds = duration_buckets());

  /// Calls `update` at the begin of every render, to set gauges that are read rather than kept. It must be
  /// quick and must not call render.
  void before_render(std::function<void()> update);

 private:
  friend std::string render(Registry& registry);
  struct State;
  std::unique_ptr<State> state_;
};

/// The Content-Type of what render() gives.
inline constexpr std::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics in Prometheus' text format, for the /metrics route.
std::string render(Registry& registry);

/// Adds what Prometheus clients report of their process (processor time, memory, open files, start) and
/// klutch_build_info.
void add_process_metrics(Registry& registry);

}  // namespace klutch::obs
