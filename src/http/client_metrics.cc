// SPDX-License-Identifier: Apache-2.0
#include "http/client_metrics.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "obs/metrics.h"

namespace klutch::http {
namespace {

/// Hosts whose series are kept at hand; the others are looked up.
constexpr std::size_t kMostHosts = 500;

/// A method of the caller's own invention makes no series of its own.
std::string_view known_method(std::string_view method) noexcept {
  constexpr std::array<std::string_view, 7> kKnown = {"GET",   "HEAD",   "POST",   "PUT",
                                                      "PATCH", "DELETE", "OPTIONS"};
  const auto* known = std::find(kKnown.begin(), kKnown.end(), method);
  return known == kKnown.end() ? "other" : *known;
}

std::string_view status_class(int status) noexcept {
  constexpr std::array<std::string_view, 6> kClasses = {"error", "1xx", "2xx", "3xx", "4xx", "5xx"};
  const auto index = static_cast<std::size_t>(status / 100);
  return index < kClasses.size() ? kClasses[index] : "other";
}

class ClientMetrics final : public ClientObserver {
 public:
  ClientMetrics(obs::Registry& registry, std::string client)
      : client_(std::move(client)),
        requests_(registry.counter({.name = "klutch_http_client_requests_total",
                                    .help = "Requests that were answered or failed.",
                                    .labels = {"client", "host", "method", "code"}})),
        durations_(registry.histogram({.name = "klutch_http_client_request_duration_seconds",
                                       .help = "Time from a request to the head of its response.",
                                       .labels = {"client", "host"}})),
        reused_(registry
                    .counter({.name = "klutch_http_client_reused_connections_total",
                              .help = "Requests that found an open connection.",
                              .labels = {"client"}})
                    .with({client_})) {}

  void request_finished(const ClientRecord& record) override {
    if (record.reused) reused_.increment();
    const auto seconds = std::chrono::duration<double>(record.duration).count();
    if (auto* host = find_host(record.host)) {
      host->duration.observe(seconds);
      count_of(*host, record).increment();
    } else {
      durations_.with({client_, record.host}).observe(seconds);
      new_count(record).increment();
    }
  }

 private:
  struct Count {
    std::string_view method;
    std::string_view code;
    obs::Counter counter;
  };
  struct Host {
    obs::Histogram duration;
    std::vector<Count> counts;  // few: the methods and classes this host has seen
  };

  Host* find_host(std::string_view name) {
    const auto found = hosts_.find(name);
    if (found != hosts_.end()) return &found->second;
    if (hosts_.size() == kMostHosts) return nullptr;
    return &hosts_.emplace(std::string(name), Host{durations_.with({client_, name}), {}}).first->second;
  }

  obs::Counter count_of(Host& host, const ClientRecord& record) {
    const auto method = known_method(record.method);
    const auto code = status_class(record.status);
    const auto found = std::find_if(host.counts.begin(), host.counts.end(), [&](const Count& count) {
      return count.method == method && count.code == code;
    });
    if (found != host.counts.end()) return found->counter;
    host.counts.push_back({method, code, new_count(record)});
    return host.counts.back().counter;
  }

  obs::Counter new_count(const ClientRecord& record) {
    return requests_.with({client_, record.host, known_method(record.method), status_class(record.status)});
  }

  std::string client_;
  obs::Family<obs::Counter> requests_;
  obs::Family<obs::Histogram> durations_;
  obs::Counter reused_;
  std::map<std::string, Host, std::less<>> hosts_;
};

}  // namespace

std::shared_ptr<ClientObserver> make_client_metrics(obs::Registry& registry, std::string client) {
  return std::make_shared<ClientMetrics>(registry, std::move(client));
}

}  // namespace klutch::http
