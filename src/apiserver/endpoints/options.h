// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "apiserver/verbs/verbs.h"
#include "base/result.h"
#include "http/headers.h"
#include "http/query.h"

// What a request says about how something is to be changed or deleted, in the texts of Kubernetes' own
// checks (k8s.io/apimachinery, pkg/apis/meta/v1/validation). Pure functions. Errors: kBadRequest for a
// parameter that cannot be read; kInvalid, carrying a Status of kind "CreateOptions" (and so on) in group
// "meta.k8s.io", for a value that is not allowed.
//
//   WriteOptions options = TRY(read_create_options(request.http.query, request.http.headers));
//   options.subresource = request.attributes.subresource;

namespace klutch::apiserver {

/// The field manager is what the client calls itself (User-Agent, up to the first '/') if it names none.
Result<WriteOptions> read_create_options(const http::Query& query, const http::Headers& headers);
Result<WriteOptions> read_update_options(const http::Query& query, const http::Headers& headers);
/// Apply patches must name a field manager; `force` is for them alone.
Result<WriteOptions> read_patch_options(const http::Query& query, const http::Headers& headers,
                                        PatchType type);

/// From the body (DeleteOptions as JSON, YAML or protobuf; may be empty) and the query. What the body says
/// comes first.
Result<DeleteOptions> read_delete_options(const http::Query& query, const http::Headers& headers,
                                          std::string_view body);

/// The field manager of a client that names none.
std::string default_field_manager(const http::Headers& headers);

/// A parameter that is true unless it is missing, "0" or "false".
bool read_flag(const http::Query& query, std::string_view name);

}  // namespace klutch::apiserver
