// SPDX-License-Identifier: Apache-2.0
#include "testing/memory_api.h"

#include <memory>

#include "base/strings.h"
#include "http/error_response.h"
#include "json/build.h"
#include "json/print.h"

namespace klutch::testing {
namespace {

tl::unexpected<Error> failed(kube::Status status) {
  return fail(status.to_error());
}

kube::Status status_about(const ServedType& type, const std::string& name) {
  kube::Status status;
  status.name = name;
  status.group = type.type.group;
  status.kind = type.type.resource;
  return status;
}

/// One element of Accept.
struct MediaRange {
  std::string_view type = {};
  std::string_view as = {};
  std::string_view group = {};
  std::string_view version = {};
};

MediaRange parse_media_range(std::string_view text) {
  MediaRange range;
  const auto parts = split(text, ';');
  range.type = trim(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto parameter = split_once(trim(parts[i]), "=");
    if (!parameter) continue;
    if (parameter->first == "as") range.as = parameter->second;
    if (parameter->first == "g") range.group = parameter->second;
    if (parameter->first == "v") range.version = parameter->second;
  }
  return range;
}

}  // namespace

tl::unexpected<Error> api_error(int code, std::string reason, std::string message) {
  kube::Status status;
  status.http_status = code;
  status.reason = std::move(reason);
  status.message = std::move(message);
  return failed(std::move(status));
}

tl::unexpected<Error> not_found(const ServedType& type, const std::string& name) {
  auto status = status_about(type, name);
  status.http_status = 404;
  status.reason = "NotFound";
  status.message = type.type.to_string() + " \"" + name + "\" not found";
  return failed(std::move(status));
}

tl::unexpected<Error> conflict(const ServedType& type, const std::string& name, const std::string& why) {
  auto status = status_about(type, name);
  status.http_status = 409;
  status.reason = "Conflict";
  status.message = "Operation cannot be fulfilled on " + type.type.to_string() + " \"" + name + "\": " + why;
  return failed(std::move(status));
}

tl::unexpected<Error> expired(const std::string& message, std::string continue_token) {
  kube::Status status;
  status.http_status = 410;
  status.reason = "Expired";
  status.message = message;
  status.continue_token = std::move(continue_token);
  return failed(std::move(status));
}

tl::unexpected<Error> invalid(const std::string& kind, const std::string& name,
                              std::vector<kube::StatusCause> causes) {
  kube::Status status;
  status.http_status = 422;
  status.reason = "Invalid";
  const auto group = split_once(kind, ".");
  status.kind = group ? group->first : kind;
  if (group) status.group = group->second;
  status.name = name;
  std::vector<std::string> texts;
  for (const auto& cause : causes) texts.push_back(cause.field + ": " + cause.message);
  status.message = kind + " \"" + name + "\" is invalid: " + join(texts, ", ");
  status.causes = std::move(causes);
  return failed(std::move(status));
}

tl::unexpected<Error> invalid_option(const std::string& options, const std::string& field,
                                     const std::string& message) {
  return invalid(options + ".meta.k8s.io", "",
                 {{.reason = "FieldValueForbidden", .message = message, .field = field}});
}

http::Response render_status(const Error& error, const http::ServerRequest&) {
  const auto status = kube::Status::from_error(error);
  auto response = json_response(status.http_status, status.to_json());
  http::add_retry_after(response, error);
  return response;
}

Result<bool> wants_metadata_only(const http::Headers& headers) {
  const auto accept = headers.joined("Accept");
  if (accept.empty()) return false;
  for (const auto element : split(accept, ',')) {
    const auto range = parse_media_range(element);
    if (range.type != "application/json" && range.type != "*/*" && range.type != "application/*") continue;
    if (range.as.empty()) return false;
    const bool partial = range.as == "PartialObjectMetadata" || range.as == "PartialObjectMetadataList";
    if (partial && range.group == "meta.k8s.io" && range.version == "v1") return true;
  }
  return api_error(406, "NotAcceptable",
                   "only the following media types are accepted: application/json, "
                   "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
}

kube::Object to_partial(const kube::Object& object) {
  const auto* metadata = object.find_object("metadata");
  return json::object({{"kind", "PartialObjectMetadata"},
                       {"apiVersion", "meta.k8s.io/v1"},
                       {"metadata", metadata != nullptr ? *metadata : json::Value::empty_object()}});
}

http::Response json_response(int status, const json::Value& value) {
  http::Response response;
  response.status = status;
  response.headers.add("Content-Type", "application/json");
  response.headers.add("Cache-Control", "no-cache, private");
  response.body = http::Body(json::print(value) + "\n");
  return response;
}

bool Selection::matches(const kube::Key& key, const kube::Object& object) const {
  return (ns.empty() || key.ns == ns) && labels.matches(object) && fields.matches(object);
}

Result<Selection> read_selection(const ApiTarget& target, const http::Query& query) {
  Selection selection;
  selection.ns = target.key.ns;
  const auto bad = [](const Error& error) { return api_error(400, "BadRequest", error.message()).value(); };
  if (const auto text = query.get("labelSelector")) {
    selection.labels = TRY(kube::LabelSelector::parse(*text).map_error(bad));
  }
  if (const auto text = query.get("fieldSelector")) {
    selection.fields = TRY(kube::FieldSelector::parse(*text).map_error(bad));
  }
  for (const auto& requirement : selection.fields.requirements()) {
    const auto& field = requirement.field;
    const bool known = field == "metadata.name" ||
                       (target.type->type.namespaced && field == "metadata.namespace") ||
                       (target.type->type.resource == "secrets" && field == "type") ||
                       (target.type->type.resource == "namespaces" && field == "status.phase") ||
                       (target.type->type.resource == "events" && !target.type->custom);
    if (!known) return api_error(400, "BadRequest", "field label not supported: " + field);
  }
  return selection;
}

}  // namespace klutch::testing
