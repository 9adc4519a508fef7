// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "http/client_observer.h"

// Metrics of a Client.

namespace klutch::obs {
class Registry;
}  // namespace klutch::obs

namespace klutch::http {

/// Counts what a Client tells: klutch_http_client_requests_total{client,host,method,code} where code is
/// "2xx", "4xx" and so on or "error", klutch_http_client_request_duration_seconds{client,host} up to the head
/// of the response, and klutch_http_client_reused_connections_total{client}. `client` tells several clients
/// apart. For the clients of one loop; `registry` must outlive it.
std::shared_ptr<ClientObserver> make_client_metrics(obs::Registry& registry, std::string client = "http");

}  // namespace klutch::http
