// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/endpoints/api_request.h"
#include "apiserver/endpoints/negotiation.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "json/value.h"

// Objects, lists and errors as answers. Pure functions; what they return holds no reference to a request.
// JSON of objects that can be served as they are stored is copied, not parsed.
//
//   return render_object(request, form, outcome.object, outcome.created ? 201 : 200, clock.now());

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

/// What is left of an object for those who want to know its metadata alone; `version` is "v1" or "v1beta1".
json::Value partial_metadata(const json::Value& object, std::string_view version);
/// An object as it is, as PartialObjectMetadata, or as a Table of one row.
json::Value in_form(const ServedResource& resource, const Representation& form, json::Value object, Time now);
/// Adds the request's warnings, and that of a deprecated resource.
void add_answer_headers(const ApiRequest& request, http::Headers& headers);

/// Answers with one object, in the form that was negotiated, with the request's warnings.
Result<http::Response> render_object(const ApiRequest& request, const Representation& form,
                                     const json::Value& object, int status, Time now);
/// Answers with a stored object (200).
Result<http::Response> render_stored(const ApiRequest& request, const Representation& form,
                                     const StoredObject& stored, Time now);
/// Answers with a list of stored objects.
Result<http::Response> render_list(const ApiRequest& request, const Representation& form,
                                   const std::vector<StoredPtr>& objects, const ListMetadata& metadata,
                                   Time now);
/// Answers with a Status or another object that is no resource: always JSON or YAML.
http::Response render_plain(const ApiRequest& request, const Representation& form, const json::Value& object,
                            int status);
/// For paths below groups that nothing serves; render_error() makes plain text of it.
Error page_not_found();
/// For a resource or subresource that its group does not have: a Status that names nothing.
Error unknown_resource();
/// What a client sees of an error: a Status (spec: API conventions, "Response Status Kind").
http::Response render_error(const Error& error, const http::ServerRequest& request);

}  // namespace klutch::apiserver
