// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/endpoints/api_request.h"
#include "apiserver/endpoints/negotiation.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "json/value.h"

// Objects, lists and errors as answers.

namespace klutch::apiserver {

struct ListMetadata {
  std::string resource_version = {};
  std::string continue_token = {};
  /// Objects behind this page; negative: not said.
  std::int64_t remaining = -1;
};

/// A stored object in the form in which `resource` serves it.
json::Value served_object(const ServedResource& resource, const StoredObject& stored);
/// The same as JSON bytes, without parsing where they are stored so.
std::string served_bytes(const ServedResource& resource, const StoredObject& stored);

/// Answers with one object, in the form that was negotiated, with the request's warnings.
Result<http::Response> render_object(const ApiRequest& request, const Representation& form,
                                     const json::Value& object, int status, Time now);
/// Answers with a list of stored objects.
Result<http::Response> render_list(const ApiRequest& request, const Representation& form,
                                   const std::vector<StoredPtr>& objects, const ListMetadata& metadata,
                                   Time now);
/// Answers with a Status or another object that is no resource: always JSON or YAML.
http::Response render_plain(const ApiRequest& request, const Representation& form, const json::Value& object,
                            int status);
/// What a client sees of an error: a Status (spec: API conventions, "Response Status Kind").
http::Response render_error(const Error& error, const http::ServerRequest& request);

}  // namespace klutch::apiserver
