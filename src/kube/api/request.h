// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/query.h"
#include "kube/api/object.h"
#include "kube/api/resource.h"
#include "kube/api/selector.h"

// Requests to a Kubernetes API, built without sending anything: method, path, query, media types and body
// (API concepts, "Resource URIs", "Patch", "Delete"). Pure functions. Any Key is safe: names are
// percent-encoded, and those that cannot be names (empty, of dots, with '/') become a path that names
// nothing, so that a server refuses it (kBadRequest or kNotFound) instead of acting on the collection or on
// another object.
//
//   kube::get_request(kSecret, {"default", "token"}).path  // "/api/v1/namespaces/default/secrets/token"

namespace klutch::kube {

enum class Verb { kGet, kList, kWatch, kCreate, kUpdate, kPatch, kDelete, kDeleteCollection, kRaw };
/// "get", "list", ... as RBAC and metrics spell them; "raw" for kRaw.
std::string_view to_string(Verb verb) noexcept;

enum class PatchType {
  kJson,            ///< RFC 6902
  kMerge,           ///< RFC 7386
  kStrategicMerge,  ///< built-in types only
  kApply,           ///< server-side apply (KEP-555)
};
/// What a server does with fields it does not know (KEP-2885).
enum class FieldValidation { kServerDefault, kIgnore, kWarn, kStrict };
enum class Propagation { kServerDefault, kBackground, kForeground, kOrphan };

struct Request {
  Verb verb = Verb::kGet;
  ResourceType type = {};        ///< empty for kRaw
  Key key = {};                  ///< of the object; only `ns` for collections
  std::string subresource = {};  ///< "status", "scale", ...

  std::string method = "GET";
  std::string path = {};  ///< percent-encoded, "/api/v1/..."
  http::Query query = {};
  std::string accept = "application/json";
  std::string content_type = {};  ///< empty without a body
  std::string body = {};

  /// For messages: "get secrets default/token" or "GET /version".
  [[nodiscard]] std::string to_string() const;
};

struct GetOptions {
  std::string resource_version = {};  ///< "0": any cached state will do
  std::string subresource = {};
  bool metadata_only = false;  ///< asks for PartialObjectMetadata
};

struct ListOptions {
  std::string ns = {};  ///< empty: all namespaces
  LabelSelector labels = {};
  FieldSelector fields = {};
  std::size_t limit = 0;  ///< objects per page; 0: all at once
  std::string continue_token = {};
  /// Left out together with a continue token, which stands for a version of its own.
  std::string resource_version = {};
  std::string resource_version_match = {};  ///< "Exact" or "NotOlderThan"
  bool metadata_only = false;
};

struct WatchOptions {
  std::string ns = {};
  LabelSelector labels = {};
  FieldSelector fields = {};
  std::string resource_version = {};
  bool bookmarks = true;
  /// KEP-3157: the current state comes first as ADDED events, ended by a bookmark.
  bool send_initial_events = false;
  std::chrono::seconds timeout = {};  ///< 0: the server's choice
  bool metadata_only = false;
};

struct WriteOptions {
  std::string field_manager = {};  ///< empty: the server takes it from the user agent
  bool dry_run = false;
  FieldValidation field_validation = FieldValidation::kServerDefault;
  std::string subresource = {};
};

struct PatchOptions {
  std::string field_manager = {};
  bool dry_run = false;
  FieldValidation field_validation = FieldValidation::kServerDefault;
  std::string subresource = {};
  bool force = false;  ///< kApply only: take over fields that others own
};

struct DeleteOptions {
  Propagation propagation = Propagation::kServerDefault;
  /// Preconditions; another value on the server is kConflict.
  std::string uid = {};
  std::string resource_version = {};
  std::optional<std::int64_t> grace_period_seconds = {};
  bool dry_run = false;
};

Request get_request(const ResourceType& type, const Key& key, const GetOptions& options = {});
Request list_request(const ResourceType& type, const ListOptions& options = {});
Request watch_request(const ResourceType& type, const WatchOptions& options = {});
/// The namespace is the object's own.
Request create_request(const ResourceType& type, const Object& object, const WriteOptions& options = {});
/// Namespace and name are the object's own.
Request update_request(const ResourceType& type, const Object& object, const WriteOptions& options = {});
/// `patch` is an array for kJson, an object for the others. kApply takes the whole intended object as JSON.
Request patch_request(const ResourceType& type, const Key& key, PatchType patch_type,
                      const json::Value& patch, const PatchOptions& options = {});
Request delete_request(const ResourceType& type, const Key& key, const DeleteOptions& options = {});
/// Deletes all that `which` selects; its limit, token and versions are sent as well.
Request delete_collection_request(const ResourceType& type, const ListOptions& which,
                                  const DeleteOptions& options = {});
/// Something outside of the resources, such as "/version". `path` is percent-encoded and begins with '/'.
Request raw_request(std::string_view path, std::string_view accept = "application/json");

}  // namespace klutch::kube
