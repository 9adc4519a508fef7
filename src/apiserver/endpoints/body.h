// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/headers.h"
#include "json/value.h"

// Bodies of requests: JSON, YAML and, for built-in kinds, Kubernetes' protobuf. Pure functions, safe from any
// thread; their stack use is bounded by the depth that the parsers allow. Texts of errors never repeat the
// body, which may be a Secret.
//
//   const std::string bytes = TRY(request.http.read_body(ctx));
//   DecodedBody body = TRY(decode_body(bytes, request.http.headers, {.protobuf = true, .kind = "Secret"}));

namespace klutch::apiserver {

struct RequestBodyOptions {
  /// Built-in kinds alone.
  bool protobuf = false;
  /// What was expected, for messages: "Widget". A body that is no object is refused then.
  std::string_view kind = {};
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

/// The media type of a Content-Type header, in lower case and without parameters: "application/json". Empty
/// if there is none.
std::string media_type_of(const http::Headers& headers);
/// Carries a Status 415 that names `accepted`.
Error unsupported_media_type(const std::vector<std::string_view>& accepted);

}  // namespace klutch::apiserver
