// SPDX-License-Identifier: Apache-2.0
#include "kube/api/request.h"

#include <algorithm>

#include "base/strings.h"
#include "json/build.h"
#include "json/print.h"

namespace klutch::kube {
namespace {

constexpr std::string_view kJson = "application/json";

/// One segment of a path. Percent-encoding alone does not keep a name in its place: kube-apiserver splits the
/// path after decoding it, so that %2F parts it and one at the end vanishes; a segment of dots is resolved
/// even as %2E (RFC 3986 §6.2.2); and an empty one turns an object into its whole collection. No name may be
/// of dots only or contain '/' or '%', so those get a '%' that is left after decoding, which names nothing.
std::string segment(std::string_view name) {
  constexpr std::string_view kPercent = "%25";
  if (name.empty() || name == "." || name == "..") return std::string(kPercent).append(name);
  std::string text;
  while (true) {
    const auto slash = name.find('/');
    text += percent_encode(name.substr(0, slash));
    if (slash == std::string_view::npos) return text;
    text.append(kPercent).append("2F");
    name.remove_prefix(slash + 1);
  }
}

std::string collection_path(const ResourceType& type, std::string_view ns) {
  std::string path = type.group.empty() ? "/api" : "/apis/" + segment(type.group);
  path.append("/").append(segment(type.version));
  if (type.namespaced && !ns.empty()) path.append("/namespaces/").append(segment(ns));
  return path.append("/").append(segment(type.resource));
}

Request collection_request(Verb verb, std::string_view method, const ResourceType& type,
                           std::string_view ns) {
  Request request;
  request.verb = verb;
  request.type = type;
  if (type.namespaced) request.key.ns = ns;
  request.method = method;
  request.path = collection_path(type, ns);
  return request;
}

Request object_request(Verb verb, std::string_view method, const ResourceType& type, const Key& key,
                       std::string_view subresource = {}) {
  auto request = collection_request(verb, method, type, key.ns);
  request.key.name = key.name;
  request.subresource = subresource;
  request.path.append("/").append(segment(key.name));
  if (!subresource.empty()) request.path.append("/").append(segment(subresource));
  return request;
}

void add_if_set(http::Query& query, std::string_view name, std::string_view value) {
  if (!value.empty()) query.add(name, value);
}

/// The same form that client-go's metadata client asks for; a server that lacks it sends whole objects.
std::string accept_for(bool metadata_only, std::string_view form) {
  if (!metadata_only) return std::string(kJson);
  return std::string(kJson) + ";as=" + std::string(form) + ";g=meta.k8s.io;v=v1," + std::string(kJson);
}

void add_list_options(http::Query& query, const ListOptions& options) {
  add_if_set(query, "labelSelector", options.labels.to_string());
  add_if_set(query, "fieldSelector", options.fields.to_string());
  if (options.limit != 0) query.add("limit", std::to_string(options.limit));
  add_if_set(query, "continue", options.continue_token);
  if (!options.continue_token.empty()) return;
  add_if_set(query, "resourceVersion", options.resource_version);
  add_if_set(query, "resourceVersionMatch", options.resource_version_match);
}

std::string_view to_text(FieldValidation validation) noexcept {
  switch (validation) {
    case FieldValidation::kIgnore: return "Ignore";
    case FieldValidation::kWarn: return "Warn";
    case FieldValidation::kStrict: return "Strict";
    case FieldValidation::kServerDefault: break;
  }
  return "";
}

std::string_view to_text(Propagation propagation) noexcept {
  switch (propagation) {
    case Propagation::kBackground: return "Background";
    case Propagation::kForeground: return "Foreground";
    case Propagation::kOrphan: return "Orphan";
    case Propagation::kServerDefault: break;
  }
  return "";
}

std::string_view media_type(PatchType type) noexcept {
  switch (type) {
    case PatchType::kJson: return "application/json-patch+json";
    case PatchType::kMerge: return "application/merge-patch+json";
    case PatchType::kStrategicMerge: return "application/strategic-merge-patch+json";
    case PatchType::kApply: break;
  }
  return "application/apply-patch+yaml";
}

/// For WriteOptions and PatchOptions.
template <class Options>
void add_write_options(http::Query& query, const Options& options) {
  if (options.dry_run) query.add("dryRun", "All");
  add_if_set(query, "fieldManager", options.field_manager);
  add_if_set(query, "fieldValidation", to_text(options.field_validation));
}

void set_body(Request& request, const json::Value& body, std::string_view content_type = kJson) {
  request.body = json::print(body);
  request.content_type = content_type;
}

/// Servers do not look at the query for these once there is a body, so all of them go there.
void add_delete_options(Request& request, const DeleteOptions& options) {
  auto body = json::object({{"kind", "DeleteOptions"}, {"apiVersion", "v1"}});
  const auto required = body.size();
  if (options.grace_period_seconds) body.set("gracePeriodSeconds", *options.grace_period_seconds);
  auto preconditions = json::Value::empty_object();
  if (!options.uid.empty()) preconditions.set("uid", options.uid);
  if (!options.resource_version.empty()) preconditions.set("resourceVersion", options.resource_version);
  if (!preconditions.empty()) body.set("preconditions", std::move(preconditions));
  const auto propagation = to_text(options.propagation);
  if (!propagation.empty()) body.set("propagationPolicy", propagation);
  if (options.dry_run) body.set("dryRun", json::array({"All"}));
  if (body.size() != required) set_body(request, body);
}

}  // namespace

std::string_view to_string(Verb verb) noexcept {
  switch (verb) {
    case Verb::kGet: return "get";
    case Verb::kList: return "list";
    case Verb::kWatch: return "watch";
    case Verb::kCreate: return "create";
    case Verb::kUpdate: return "update";
    case Verb::kPatch: return "patch";
    case Verb::kDelete: return "delete";
    case Verb::kDeleteCollection: return "deletecollection";
    case Verb::kRaw: break;
  }
  return "raw";
}

std::string Request::to_string() const {
  if (verb == Verb::kRaw) return method + " " + path;
  std::string text(kube::to_string(verb));
  text.append(" ").append(type.to_string());
  if (!subresource.empty()) text.append("/").append(subresource);
  if (!key.name.empty()) return text.append(" ").append(key.to_string());
  if (!key.ns.empty()) text.append(" in ").append(key.ns);
  return text;
}

Request get_request(const ResourceType& type, const Key& key, const GetOptions& options) {
  auto request = object_request(Verb::kGet, "GET", type, key, options.subresource);
  request.accept = accept_for(options.metadata_only, "PartialObjectMetadata");
  add_if_set(request.query, "resourceVersion", options.resource_version);
  return request;
}

Request list_request(const ResourceType& type, const ListOptions& options) {
  auto request = collection_request(Verb::kList, "GET", type, options.ns);
  request.accept = accept_for(options.metadata_only, "PartialObjectMetadataList");
  add_list_options(request.query, options);
  return request;
}

Request watch_request(const ResourceType& type, const WatchOptions& options) {
  auto request = collection_request(Verb::kWatch, "GET", type, options.ns);
  request.accept = accept_for(options.metadata_only, "PartialObjectMetadata");
  auto& query = request.query;
  query.add("watch", "true");
  add_if_set(query, "labelSelector", options.labels.to_string());
  add_if_set(query, "fieldSelector", options.fields.to_string());
  if (options.bookmarks || options.send_initial_events) query.add("allowWatchBookmarks", "true");
  if (options.send_initial_events) {
    query.add("sendInitialEvents", "true");
    query.add("resourceVersionMatch", "NotOlderThan");
  }
  add_if_set(query, "resourceVersion", options.resource_version);
  if (options.timeout.count() > 0) query.add("timeoutSeconds", std::to_string(options.timeout.count()));
  return request;
}

Request create_request(const ResourceType& type, const Object& object, const WriteOptions& options) {
  auto request = options.subresource.empty()
                     ? collection_request(Verb::kCreate, "POST", type, ns(object))
                     : object_request(Verb::kCreate, "POST", type, key(object), options.subresource);
  request.key.name = name(object);
  add_write_options(request.query, options);
  set_body(request, object);
  return request;
}

Request update_request(const ResourceType& type, const Object& object, const WriteOptions& options) {
  auto request = object_request(Verb::kUpdate, "PUT", type, key(object), options.subresource);
  add_write_options(request.query, options);
  set_body(request, object);
  return request;
}

Request patch_request(const ResourceType& type, const Key& key, PatchType patch_type,
                      const json::Value& patch, const PatchOptions& options) {
  auto request = object_request(Verb::kPatch, "PATCH", type, key, options.subresource);
  add_write_options(request.query, options);
  if (options.force && patch_type == PatchType::kApply) request.query.add("force", "true");
  // JSON is YAML, so an apply may be written in it.
  set_body(request, patch, media_type(patch_type));
  return request;
}

Request delete_request(const ResourceType& type, const Key& key, const DeleteOptions& options) {
  auto request = object_request(Verb::kDelete, "DELETE", type, key);
  add_delete_options(request, options);
  return request;
}

Request delete_collection_request(const ResourceType& type, const ListOptions& which,
                                  const DeleteOptions& options) {
  auto request = collection_request(Verb::kDeleteCollection, "DELETE", type, which.ns);
  add_list_options(request.query, which);
  add_delete_options(request, options);
  return request;
}

Request raw_request(std::string_view path, std::string_view accept) {
  Request request;
  request.verb = Verb::kRaw;
  request.path = path;
  request.accept = accept;
  return request;
}

}  // namespace klutch::kube
