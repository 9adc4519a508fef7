// SPDX-License-Identifier: Apache-2.0
#include "http/observability.h"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/strings.h"
#include "obs/health.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "obs/trace.h"

namespace klutch::http {
namespace {

using std::string_view;

/// Methods are the client's choice, label values must not be.
string_view method_label(string_view method) noexcept {
  constexpr std::array<string_view, 7> kKnown = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  const auto* known = std::find(kKnown.begin(), kKnown.end(), method);
  return known == kKnown.end() ? "other" : *known;
}

string_view route_label(string_view route) noexcept {
  return route.empty() ? "unmatched" : route;
}

double seconds(Duration duration) noexcept {
  return std::chrono::duration<double>(duration).count();
}

class Telemetry final : public ServerObserver {
 public:
  Telemetry(obs::Registry& registry, TelemetryOptions options)
      : server_(std::move(options.server)),
        access_log_(options.access_log),
        requests_(registry.counter({.name = "klutch_http_server_requests_total",
                                    .help = "Requests answered.",
                                    .labels = {"server", "method", "route", "code"}})),
        durations_(registry.histogram({.name = "klutch_http_server_request_duration_seconds",
                                       .help = "Time from a request's head to the end of its response.",
                                       .labels = {"server", "route"}})),
        refused_(registry.counter({.name = "klutch_http_server_refused_requests_total",
                                   .help = "Messages that no handler could be asked; code 0 got no answer.",
                                   .labels = {"server", "code"}})),
        in_flight_(gauge(registry, "klutch_http_server_requests_in_flight", "Requests being answered.")),
        connections_(gauge(registry, "klutch_http_server_connections", "Open connections.")),
        received_(counter(registry, "klutch_http_server_received_bytes_total", "Bytes of request bodies.")),
        sent_(counter(registry, "klutch_http_server_sent_bytes_total", "Bytes of response bodies.")),
        handshake_failures_(counter(registry, "klutch_http_server_handshake_failures_total",
                                    "TLS handshakes that failed.")) {}

  void connection_opened() override { connections_.add(1); }
  void connection_closed() override { connections_.add(-1); }

  void handshake_failed(string_view peer, const Error& error) override {
    handshake_failures_.increment();
    log_.debug("TLS handshake failed", {{"peer", peer}, {"error", error}});
  }

  void request_refused(string_view peer, int status, const Error& error) override {
    refused_.with({server_, std::to_string(status)}).increment();
    log_.debug("refused what is no request", {{"peer", peer}, {"status", status}, {"error", error}});
  }

  void request_started() override { in_flight_.add(1); }

  void request_finished(const RequestRecord& record) override {
    in_flight_.add(-1);
    received_.increment(static_cast<double>(record.bytes_received));
    sent_.increment(static_cast<double>(record.bytes_sent));
    auto& route = find_route(route_label(record.route));
    route.duration.observe(seconds(record.duration));
    count_of(route, record).increment();
    if (access_log_) write_line(record);
  }

  void handler_failed(string_view route, string_view request_id, const Error& error) override {
    log_.error("a handler failed", {{"route", route}, {"request_id", request_id}, {"error", error}});
  }

 private:
  struct Count {
    string_view method;
    int status;
    obs::Counter counter;
  };
  struct Route {
    obs::Histogram duration;
    std::vector<Count> counts;  // few: the methods and statuses that this route has seen
  };

  obs::Gauge gauge(obs::Registry& registry, const char* name, const char* help) const {
    return registry.gauge({.name = name, .help = help, .labels = {"server"}}).with({server_});
  }
  obs::Counter counter(obs::Registry& registry, const char* name, const char* help) const {
    return registry.counter({.name = name, .help = help, .labels = {"server"}}).with({server_});
  }

  Route& find_route(string_view label) {
    const auto found = routes_.find(label);
    if (found != routes_.end()) return found->second;
    return routes_.emplace(std::string(label), Route{durations_.with({server_, label}), {}}).first->second;
  }

  obs::Counter count_of(Route& route, const RequestRecord& record) {
    const auto method = method_label(record.method);
    const auto found = std::find_if(route.counts.begin(), route.counts.end(), [&](const Count& count) {
      return count.status == record.status && count.method == method;
    });
    if (found != route.counts.end()) return found->counter;
    const auto count =
        requests_.with({server_, method, route_label(record.route), std::to_string(record.status)});
    route.counts.push_back({method, record.status, count});
    return count;
  }

  void write_line(const RequestRecord& record) const {
    access_.info(
        record.aborted ? obs::LogText("request aborted") : obs::LogText("request"),
        {{"method", method_label(record.method)},
         {"route", route_label(record.route)},
         {"status", record.status},
         {"bytes_in", record.bytes_received},
         {"bytes_out", record.bytes_sent},
         {"duration", record.duration},
         {"peer", record.peer},
         {"request_id", record.request_id},
         {"trace_id", record.trace == nullptr ? std::string() : obs::to_hex(record.trace->trace_id)}});
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(string_view text) const noexcept { return std::hash<string_view>()(text); }
  };

  const std::string server_;
  const bool access_log_;
  const obs::Logger log_{"http.server"};
  const obs::Logger access_{"http.access"};
  obs::Family<obs::Counter> requests_;
  obs::Family<obs::Histogram> durations_;
  obs::Family<obs::Counter> refused_;
  obs::Gauge in_flight_;
  obs::Gauge connections_;
  obs::Counter received_;
  obs::Counter sent_;
  obs::Counter handshake_failures_;
  std::unordered_map<std::string, Route, Hash, std::equal_to<>> routes_;
};

Response health_response(const obs::HealthReport& report) {
  static const obs::Logger log("http.health");
  for (const auto& [check, error] : report.failures)
    log.warn("health check failed", {{"check", check}, {"error", error}});
  Response response;
  response.status = report.http_status;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"Cache-Control", "no-store"}};
  response.body = Body(report.body);
  return response;
}

void add_probe(Router& router, const obs::HealthChecks& checks, obs::Probe probe) {
  const std::string path = "/" + std::string(obs::probe_name(probe));
  router.get(path, [&checks, probe](Ctx&, ServerRequest& request) -> Result<Response> {
    obs::HealthQuery query;
    query.verbose = request.query.get("verbose").has_value();
    for (const auto name : request.query.all("exclude")) query.exclude.emplace_back(name);
    return health_response(checks.run(probe, query));
  });
  router.get(path + "/{check...}", [&checks, probe](Ctx&, ServerRequest& request) -> Result<Response> {
    return health_response(checks.run_one(probe, join(request.tail, "/")));
  });
}

}  // namespace

std::shared_ptr<ServerObserver> make_telemetry(obs::Registry& registry, TelemetryOptions options) {
  return std::make_shared<Telemetry>(registry, std::move(options));
}

void add_metrics_route(Router& router, obs::Registry& registry) {
  router.get("/metrics", [&registry](Ctx&, ServerRequest&) -> Result<Response> {
    return Response{200, {{"Content-Type", obs::kMetricsContentType}}, Body(obs::render(registry)), {}};
  });
}

void add_health_routes(Router& router, const obs::HealthChecks& checks) {
  for (const auto probe : {obs::Probe::kHealth, obs::Probe::kLive, obs::Probe::kReady}) {
    add_probe(router, checks, probe);
  }
}

}  // namespace klutch::http
