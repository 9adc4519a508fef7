// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/router.h"
#include "http/server_observer.h"

// Metrics and access log of a Server, and the routes that show metrics and health to Prometheus and to
// Kubernetes.

namespace klutch::obs {
class HealthChecks;
class Registry;
}  // namespace klutch::obs

namespace klutch::http {

struct TelemetryOptions {
  std::string server = "http";  ///< the value of the label `server` on every metric
  /// One line per request to logger "http.access": method, route, status, sizes, duration, peer, request id
  /// and trace id. Neither paths nor queries nor headers: they can carry secrets.
  bool access_log = true;
};

/// Counts and logs what a Server tells. For one Server: not for use from several loops; the metrics of
/// several may meet in one registry. Metrics: klutch_http_server_requests_total{server,method,route,code},
/// ..._request_duration_seconds{server,route}, ..._requests_in_flight, ..._connections,
/// ..._received_bytes_total, ..._sent_bytes_total, ..._handshake_failures_total and
/// ..._refused_requests_total{server,code}. `registry` must outlive it.
std::shared_ptr<ServerObserver> make_telemetry(obs::Registry& registry, TelemetryOptions options = {});

/// GET /metrics. `registry` must outlive the router's handler.
void add_metrics_route(Router& router, obs::Registry& registry);
/// GET /healthz, /livez and /readyz, each with ?verbose, ?exclude=check and /check below, as the Kubernetes
/// API server has them. `checks` must outlive the router's handler.
void add_health_routes(Router& router, const obs::HealthChecks& checks);

}  // namespace klutch::http
