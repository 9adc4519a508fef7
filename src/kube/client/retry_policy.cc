// SPDX-License-Identifier: Apache-2.0
#include "kube/client/retry_policy.h"

namespace klutch::kube {

bool is_idempotent(const Request& request) noexcept {
  return request.method == "GET" || request.method == "PUT" || request.method == "DELETE" ||
         request.method == "HEAD" || request.content_type.starts_with("application/apply-patch");
}

bool may_repeat(const Request& request, int status) noexcept {
  if (status == 429 || status == 503) return true;
  return status >= 500 && is_idempotent(request);
}

}  // namespace klutch::kube
