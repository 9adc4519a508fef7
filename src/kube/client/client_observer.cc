// SPDX-License-Identifier: Apache-2.0
#include "kube/client/client_observer.h"

#include <map>
#include <tuple>
#include <utility>

#include "obs/metrics.h"

namespace klutch::kube {
namespace {

/// Series that are kept at hand; the others are looked up.
constexpr std::size_t kMostKept = 1000;

class KubeClientMetrics final : public RequestObserver {
 public:
  KubeClientMetrics(obs::Registry& registry, std::string cluster)
      : cluster_(std::move(cluster)),
        requests_(registry.counter({.name = "klutch_kube_client_requests_total",
                                    .help = "Requests to an API server, each attempt counted.",
                                    .labels = {"cluster", "verb", "resource", "code"}})),
        durations_(registry.histogram({.name = "klutch_kube_client_request_duration_seconds",
                                       .help = "Time of one attempt, watches left out.",
                                       .labels = {"cluster", "verb"}})),
        repeated_(registry
                      .counter({.name = "klutch_kube_client_repeated_requests_total",
                                .help = "Attempts after the first of a request.",
                                .labels = {"cluster"}})
                      .with({cluster_})) {}

  void request_finished(const RequestRecord& record) override {
    count_of(record).increment();
    if (record.attempt > 1) repeated_.increment();
    if (record.request.verb == Verb::kWatch) return;
    const auto seconds = std::chrono::duration<double>(record.duration).count();
    durations_.with({cluster_, to_string(record.request.verb)}).observe(seconds);
  }

 private:
  using Series = std::tuple<Verb, std::string, int>;

  obs::Counter count_of(const RequestRecord& record) {
    const auto& type = record.request.type;
    Series series{record.request.verb, type.resource.empty() ? std::string() : type.to_string(),
                  record.status};
    const auto found = counts_.find(series);
    if (found != counts_.end()) return found->second;
    const auto code = record.status == 0 ? std::string("error") : std::to_string(record.status);
    auto counter = requests_.with({cluster_, to_string(record.request.verb), std::get<1>(series), code});
    if (counts_.size() < kMostKept) counts_.emplace(std::move(series), counter);
    return counter;
  }

  std::string cluster_;
  obs::Family<obs::Counter> requests_;
  obs::Family<obs::Histogram> durations_;
  obs::Counter repeated_;
  std::map<Series, obs::Counter> counts_;
};

}  // namespace

std::shared_ptr<RequestObserver> make_kube_client_metrics(obs::Registry& registry, std::string cluster) {
  return std::make_shared<KubeClientMetrics>(registry, std::move(cluster));
}

}  // namespace klutch::kube
