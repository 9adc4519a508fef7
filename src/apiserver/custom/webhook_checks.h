// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "apiserver/schema/field_error.h"

// Whether the address of a webhook can be one (k8s.io/apiserver/pkg/util/webhook). Pure functions. Private to
// this library.

namespace klutch::apiserver {

struct WebhookService {
  std::string ns = {};
  std::string name = {};
  std::optional<std::string> path = {};
  std::int64_t port = 443;
};

FieldErrors validate_webhook_url(const FieldPath& path, std::string_view url);
FieldErrors validate_webhook_service(const FieldPath& path, const WebhookService& service);
/// `bundle`: certificates in PEM, in base64, as JSON has them. An empty one is right: the system's are used.
FieldErrors validate_ca_bundle(const FieldPath& path, std::string_view bundle);

}  // namespace klutch::apiserver
