// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/headers.h"
#include "json/value.h"

// Bodies of requests: JSON, YAML and, for built-in kinds, Kubernetes' protobuf.

namespace klutch::apiserver {

struct RequestBodyOptions {
  /// Built-in kinds alone.
  bool protobuf = false;
};

struct DecodedBody {
  json::Value object = {};
  /// As strict field validation names them: `spec.color`, `spec.ports[0].x`.
  std::vector<std::string> duplicate_fields = {};
};

/// By Content-Type; none means JSON. An empty body gives null. kBadRequest for what cannot be read; carries a
/// Status 415, naming what is accepted, for another content type.
Result<DecodedBody> decode_body(std::string_view body, const http::Headers& headers,
                                const RequestBodyOptions& options);
/// JSON when it looks like JSON, else YAML 1.1: for apply patches.
Result<DecodedBody> decode_yaml_body(std::string_view body);

}  // namespace klutch::apiserver
