// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/tls.h"

// Private to kube/client: client certificates, checked before a server sees them, because a server only says
// no.

namespace klutch::kube {

struct ClientCertificate {
  std::shared_ptr<const http::KeyPair> identity;
  Time not_before;
  Time not_after;
};

/// kInvalid, beginning with `label`, unless both are PEM and belong together.
Result<ClientCertificate> make_client_certificate(const std::string& label, http::KeyPair pair);

/// kUnauthenticated, saying when it expired or begins, unless `certificate` is valid at `now`.
Result<> check_validity(const ClientCertificate& certificate, const std::string& label, Time now);

}  // namespace klutch::kube
