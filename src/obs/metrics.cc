// SPDX-License-Identifier: Apache-2.0
#include "obs/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace klutch::obs {
namespace {

constexpr std::string_view kOther = "other";

bool is_letter(char c) {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}

/// https://prometheus.io/docs/concepts/data_model: letters, digits and '_', for metrics ':' as well.
bool is_name(std::string_view name, bool colon) {
  if (name.empty() || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [colon](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || (colon && c == ':');
  });
}

void check_names(const MetricOptions& options) {
  CHECK(is_name(options.name, true));
  for (const auto& label : options.labels) {
    CHECK(is_name(label, false) && !label.starts_with("__") && label != "le");
    CHECK(std::count(options.labels.begin(), options.labels.end(), label) == 1);
  }
}

std::string label_value(std::string_view value) {
  constexpr std::size_t kMaxBytes = 128;
  if (value.size() <= kMaxBytes && is_utf8(value)) return std::string(value);
  return quote(value, kMaxBytes);
}

template <class Metric>
struct Backend;
template <>
struct Backend<Counter> {
  using Type = prometheus::Counter;
};
template <>
struct Backend<Gauge> {
  using Type = prometheus::Gauge;
};
template <>
struct Backend<Histogram> {
  using Type = prometheus::Histogram;
};

}  // namespace

namespace detail {

template <class Metric>
class FamilyState {
 public:
  using Series = typename Backend<Metric>::Type;
  using Bounds = std::vector<double>;

  FamilyState(prometheus::Family<Series>& family, const MetricOptions& options, Bounds bounds,
              prometheus::Counter* refused)
      : family_(family),
        labels_(options.labels),
        max_series_(options.max_series),
        bounds_(std::move(bounds)),
        refused_(refused) {}

  [[nodiscard]] bool same_labels(const MetricOptions& options) const { return labels_ == options.labels; }

  Series& series(std::span<const std::string_view> values) {
    CHECK(values.size() == labels_.size());
    std::vector<std::string> key;
    key.reserve(values.size());
    for (const auto value : values) key.push_back(label_value(value));
    const std::lock_guard lock(mutex_);
    if (const auto known = series_.find(key); known != series_.end()) return *known->second;
    if (series_.size() >= max_series_) return other();
    return *series_.emplace(std::move(key), &add(key)).first->second;
  }

 private:
  Series& other() {
    if (refused_ != nullptr) refused_->Increment();
    if (other_ == nullptr) other_ = &add(std::vector<std::string>(labels_.size(), std::string(kOther)));
    return *other_;
  }

  Series& add(const std::vector<std::string>& values) {
    prometheus::Labels labels;
    for (std::size_t i = 0; i < values.size(); ++i) labels.emplace(labels_[i], values[i]);
    if constexpr (std::is_same_v<Metric, Histogram>) {
      return family_.Add(labels, bounds_);
    } else {
      return family_.Add(labels);
    }
  }

  prometheus::Family<Series>& family_;
  const std::vector<std::string> labels_;
  const std::size_t max_series_;
  const Bounds bounds_;
  prometheus::Counter* const refused_;
  std::mutex mutex_;
  std::map<std::vector<std::string>, Series*> series_;
  Series* other_ = nullptr;
};

}  // namespace detail

namespace {

template <class Metric>
using Families = std::map<std::string, std::unique_ptr<detail::FamilyState<Metric>>, std::less<>>;

}  // namespace

struct Registry::State {
  prometheus::Registry registry;
  std::mutex mutex;
  Families<Counter> counters;
  Families<Gauge> gauges;
  Families<Histogram> histograms;
  std::vector<std::function<void()>> updates;
  prometheus::Family<prometheus::Counter>* refused = nullptr;

  [[nodiscard]] bool in_use(const std::string& name) const {
    return counters.contains(name) || gauges.contains(name) || histograms.contains(name);
  }

  template <class Metric, class Builder>
  Family<Metric> find_or_add(Families<Metric>& families, const MetricOptions& options, Builder builder,
                             std::vector<double> bounds = {}) {
    check_names(options);
    const std::lock_guard lock(mutex);
    auto known = families.find(options.name);
    if (known == families.end()) {
      CHECK(!in_use(options.name));
      auto& family = builder.Name(options.name).Help(options.help).Register(registry);
      auto* const refusals = refused != nullptr ? &refused->Add({{"family", options.name}}) : nullptr;
      auto state =
          std::make_unique<detail::FamilyState<Metric>>(family, options, std::move(bounds), refusals);
      known = families.emplace(options.name, std::move(state)).first;
    }
    CHECK(known->second->same_labels(options));
    return Family<Metric>(*known->second);
  }
};

Registry::Registry() : state_(std::make_unique<State>()) {
  state_->refused = &prometheus::BuildCounter()
                         .Name("klutch_metrics_refused_series_total")
                         .Help("Look-ups of label values that a full family answered with \"other\".")
                         .Register(state_->registry);
}

Registry::~Registry() = default;

Family<Counter> Registry::counter(const MetricOptions& options) {
  return state_->find_or_add(state_->counters, options, prometheus::BuildCounter());
}

Family<Gauge> Registry::gauge(const MetricOptions& options) {
  return state_->find_or_add(state_->gauges, options, prometheus::BuildGauge());
}

Family<Histogram> Registry::histogram(const MetricOptions& options, std::vector<double> bounds) {
  CHECK(std::adjacent_find(bounds.begin(), bounds.end(), std::greater_equal<>()) == bounds.end());
  return state_->find_or_add(state_->histograms, options, prometheus::BuildHistogram(), std::move(bounds));
}

void Registry::before_render(std::function<void()> update) {
  const std::lock_guard lock(state_->mutex);
  state_->updates.push_back(std::move(update));
}

template <class Metric>
Metric Family<Metric>::with(std::span<const std::string_view> values) const {
  return Metric(state_->series(values));
}
template class Family<Counter>;
template class Family<Gauge>;
template class Family<Histogram>;

void Counter::increment(double by) const noexcept {
  if (by > 0 && std::isfinite(by)) counter_->Increment(by);
}
double Counter::value() const noexcept {
  return counter_->Value();
}

void Gauge::set(double value) const noexcept {
  gauge_->Set(value);
}
void Gauge::add(double by) const noexcept {
  gauge_->Increment(by);
}
double Gauge::value() const noexcept {
  return gauge_->Value();
}

void Histogram::observe(double value) const noexcept {
  histogram_->Observe(value);
}

std::vector<double> duration_buckets() {
  return {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

std::string render(Registry& registry) {
  std::vector<std::function<void()>> updates;
  {
    const std::lock_guard lock(registry.state_->mutex);
    updates = registry.state_->updates;
  }
  for (const auto& update : updates) update();
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, registry.state_->registry.Collect());
  return std::move(out).str();
}

}  // namespace klutch::obs
