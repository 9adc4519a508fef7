// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "kube/api/request.h"

// What HttpClient tells about its requests, and the metrics made of it: by verb and resource, of which there
// are few, not by path. Calls come from the client's loop and must not suspend.

namespace klutch::obs {
class Registry;
}  // namespace klutch::obs

namespace klutch::kube {

/// One attempt: up to the end of the answer, or until a watch was accepted.
struct RequestRecord {
  const Request& request;
  int attempt = 1;               ///< from 1; more after 429, 503 and renewed credentials
  int status = 0;                ///< of HTTP; 0 if there was no answer
  const Error* error = nullptr;  ///< what became of it if it failed, be it for the answer
  Duration duration{};
};

class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void request_finished(const RequestRecord& record) = 0;
};

/// Counts klutch_kube_client_requests_total{cluster,verb,resource,code}, where code is "200" and so on or
/// "error", klutch_kube_client_repeated_requests_total{cluster} and
/// klutch_kube_client_request_duration_seconds{cluster,verb}, without watches. `cluster` tells several
/// clients apart. `registry` must outlive it.
std::shared_ptr<RequestObserver> make_kube_client_metrics(obs::Registry& registry, std::string cluster);

}  // namespace klutch::kube
