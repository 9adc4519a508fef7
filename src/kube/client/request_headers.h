// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/headers.h"
#include "kube/client/client_config.h"

// Private to kube/client: headers of Kubernetes' own. Pure functions.

namespace klutch::kube {

/// Impersonate-User and its kin; nothing without a user.
http::Headers impersonation_headers(const Impersonation& as);

/// The texts of all Warning fields with code 299 (RFC 7234 §5.5), in order; what is malformed is left out.
std::vector<std::string> warning_texts(const http::Headers& headers);

/// Whether Content-Type is JSON, parameters aside.
bool is_json(std::string_view content_type) noexcept;

}  // namespace klutch::kube
