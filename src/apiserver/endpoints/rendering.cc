// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/rendering.h"

#include <memory>
#include <utility>

#include "apiserver/endpoints/tabulation.h"
#include "apiserver/verbs/verbs.h"
#include "http/error_response.h"
#include "json/build.h"
#include "json/print.h"
#include "json/yaml.h"
#include "kube/api/object.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

using Shape = Representation::Shape;

/// Marks the answer to a path that nothing serves.
struct PageNotFound final : ErrorDetail {};

std::string print_as(const Representation& form, const json::Value& value) {
  if (form.encoding == Representation::Encoding::kYaml) return json::print_yaml(value);
  if (form.pretty) return json::print_pretty(value, 2);
  return json::print(value) + "\n";
}

http::Response make_response(const Representation& form, std::string body, int status) {
  http::Response response;
  response.status = status;
  response.headers.add("Cache-Control", "no-cache, private");
  response.headers.add("Content-Type", form.content_type());
  response.body = http::Body(std::move(body));
  return response;
}

json::Value list_metadata(const ListMetadata& metadata) {
  auto value = json::Value::empty_object();
  if (!metadata.resource_version.empty()) value.set("resourceVersion", metadata.resource_version);
  if (!metadata.continue_token.empty()) value.set("continue", metadata.continue_token);
  if (metadata.remaining >= 0) value.set("remainingItemCount", metadata.remaining);
  return value;
}

/// The list without its items.
json::Value list_head(const ServedResource& resource, const Representation& form,
                      const ListMetadata& metadata) {
  const auto& type = resource.description.type;
  const bool partial = form.shape == Shape::kMetadata;
  auto head = json::Value::empty_object();
  head.set("kind", partial ? "PartialObjectMetadataList" : resource.description.list_kind);
  head.set("apiVersion", partial ? "meta.k8s.io/" + form.version : type.api_version());
  auto list = list_metadata(metadata);
  // Lists of custom resources say it also on the last page.
  if (!partial && resource.description.custom) list.set("continue", metadata.continue_token);
  head.set("metadata", std::move(list));
  return head;
}

json::Value list_item(const ServedResource& resource, const Representation& form,
                      const StoredObject& stored) {
  auto object = served_object(resource, stored);
  if (form.shape == Shape::kMetadata) return partial_metadata(object, form.version);
  // Lists of Go's types say once what their items are.
  if (!resource.description.custom) {
    object.erase("kind");
    object.erase("apiVersion");
  }
  return object;
}

/// `"kind":"Secret","apiVersion":"v1",` as the bytes begin with it, in either order; empty if they do not.
std::string_view leading_type(std::string_view bytes, const kube::ResourceType& type) {
  const std::string kind = R"("kind":")" + type.kind + R"(",)";
  const std::string version = R"("apiVersion":")" + type.api_version() + R"(",)";
  if (!bytes.starts_with('{')) return {};
  const std::string_view rest = bytes.substr(1);
  if (rest.starts_with(kind + version) || rest.starts_with(version + kind)) {
    return rest.substr(0, kind.size() + version.size());
  }
  return {};
}

void append_item(std::string& body, const ServedResource& resource, const Representation& form,
                 const StoredObject& stored) {
  const bool as_stored = resource.behavior->serves_as_stored(stored);
  if (as_stored && resource.description.custom) {
    body += stored.bytes();
    return;
  }
  const auto leading =
      as_stored ? leading_type(stored.bytes(), resource.description.type) : std::string_view();
  if (leading.empty()) {
    json::print_to(body, list_item(resource, form, stored));
    return;
  }
  body += '{';
  body += stored.bytes().substr(1 + leading.size());
}

/// Compact JSON with the objects' own bytes.
std::string list_bytes(const ServedResource& resource, const Representation& form,
                       const std::vector<StoredPtr>& objects, const ListMetadata& metadata) {
  std::string body = json::print(list_head(resource, form, metadata));
  std::size_t bytes = body.size() + 16;
  for (const StoredPtr& object : objects) bytes += object->bytes().size() + 1;
  body.reserve(bytes);
  body.pop_back();
  body += R"(,"items":[)";
  bool first = true;
  for (const StoredPtr& object : objects) {
    if (!first) body += ',';
    first = false;
    append_item(body, resource, form, *object);
  }
  return body + "]}\n";
}

std::string list_text(const ServedResource& resource, const Representation& form,
                      const std::vector<StoredPtr>& objects, const ListMetadata& metadata, Time now) {
  if (form.shape == Shape::kTable) {
    Tabulation table(table_of(resource), form, now);
    for (const StoredPtr& object : objects) table.add_row(served_object(resource, *object));
    return print_as(form, std::move(table).finish(list_metadata(metadata)));
  }
  const bool plain = form.shape == Shape::kObject && !form.pretty;
  if (plain && form.encoding == Representation::Encoding::kJson) {
    return list_bytes(resource, form, objects, metadata);
  }
  auto list = list_head(resource, form, metadata);
  auto& items = list.set("items", json::Value::empty_array());
  items.reserve(objects.size());
  for (const StoredPtr& object : objects) items.push_back(list_item(resource, form, *object));
  return print_as(form, list);
}

/// What a client may know of an error that says no more than its code.
kube::Status visible_status(const Error& error, const http::ServerRequest& request) {
  auto status = kube::Status::from_error(error);
  if (error.detail<kube::Status>() != nullptr) return status;
  if (is(error, Code::kUnauthenticated)) {
    // Why credentials are wrong helps those who try them.
    status.message = "Unauthorized";
  } else if (is(error, Code::kCancelled)) {
    status = kube::Status::from_error(Error(Code::kUnavailable, http::public_message(error, request)));
  } else {
    status.message = http::public_message(error, request);
  }
  return status;
}

}  // namespace

json::Value served_object(const ServedResource& resource, const StoredObject& stored) {
  return served_value(resource, stored);
}

std::string served_bytes(const ServedResource& resource, const StoredObject& stored) {
  if (resource.behavior->serves_as_stored(stored)) return std::string(stored.bytes());
  return json::print(served_object(resource, stored));
}

json::Value partial_metadata(const json::Value& object, std::string_view version) {
  auto partial = json::object(
      {{"kind", "PartialObjectMetadata"}, {"apiVersion", "meta.k8s.io/" + std::string(version)}});
  const json::Value* metadata = object.find_object("metadata");
  partial.set("metadata", metadata != nullptr ? *metadata : json::Value::empty_object());
  return partial;
}

json::Value in_form(const ServedResource& resource, const Representation& form, json::Value object,
                    Time now) {
  switch (form.shape) {
    case Shape::kObject: return object;
    case Shape::kMetadata: return partial_metadata(object, form.version);
    case Shape::kTable: break;
  }
  auto metadata = json::Value::empty_object();
  metadata.set("resourceVersion", kube::resource_version(object));
  Tabulation table(table_of(resource, object), form, now);
  table.add_row(std::move(object));
  return std::move(table).finish(std::move(metadata));
}

void add_answer_headers(const ApiRequest& request, http::Headers& headers) {
  Warnings warnings;
  if (const auto& text = request.resource->description.deprecation_warning; !text.empty()) warnings.add(text);
  for (const std::string& text : request.warnings.texts()) warnings.add(text);
  warnings.add_to(headers);
}

Result<http::Response> render_object(const ApiRequest& request, const Representation& form,
                                     const json::Value& object, int status, Time now) {
  auto response = make_response(form,
                                form.shape == Shape::kObject
                                    ? print_as(form, object)
                                    : print_as(form, in_form(*request.resource, form, object, now)),
                                status);
  add_answer_headers(request, response.headers);
  return response;
}

Result<http::Response> render_stored(const ApiRequest& request, const Representation& form,
                                     const StoredObject& stored, Time now) {
  const bool json = form.encoding == Representation::Encoding::kJson;
  if (form.shape != Shape::kObject || form.pretty || !json) {
    return render_object(request, form, served_object(*request.resource, stored), 200, now);
  }
  auto response = make_response(form, served_bytes(*request.resource, stored) + "\n", 200);
  add_answer_headers(request, response.headers);
  return response;
}

Result<http::Response> render_list(const ApiRequest& request, const Representation& form,
                                   const std::vector<StoredPtr>& objects, const ListMetadata& metadata,
                                   Time now) {
  auto response = make_response(form, list_text(*request.resource, form, objects, metadata, now), 200);
  add_answer_headers(request, response.headers);
  return response;
}

http::Response render_plain(const ApiRequest& request, const Representation& form, const json::Value& object,
                            int status) {
  auto response = make_response(form, print_as(form, object), status);
  add_answer_headers(request, response.headers);
  return response;
}

Error page_not_found() {
  return Error(Code::kNotFound, "404 page not found").with_detail(std::make_shared<PageNotFound>());
}

Error unknown_resource() {
  auto status = std::make_shared<kube::Status>();
  status->http_status = 404;
  status->reason = "NotFound";
  status->message = "the server could not find the requested resource";
  std::string message = status->message;
  return Error(Code::kNotFound, std::move(message)).with_detail(std::move(status));
}

http::Response render_error(const Error& error, const http::ServerRequest& request) {
  if (error.detail<PageNotFound>() != nullptr) {
    http::Response response;
    response.status = 404;
    response.headers.add("Cache-Control", "no-cache, private");
    response.headers.add("Content-Type", "text/plain; charset=utf-8");
    response.headers.add("X-Content-Type-Options", "nosniff");
    response.body = http::Body("404 page not found\n");
    return response;
  }
  const auto status = visible_status(error, request);
  const auto form = negotiate_plain(request);
  auto response = make_response(form, print_as(form, status.to_json()), status.http_status);
  if (status.retry_after_seconds > 0) {
    response.headers.add("Retry-After", std::to_string(status.retry_after_seconds));
  } else {
    http::add_retry_after(response, error);
  }
  return response;
}

}  // namespace klutch::apiserver
