// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/ids.h"
#include "base/strings.h"
#include "base/time.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/merge_patch.h"
#include "json/parse.h"
#include "json/patch.h"
#include "testing/memory_objects.h"

namespace klutch::testing {
namespace {

constexpr std::size_t kLongestBase = 58;  // of a generated name, without its suffix

/// One write while it is carried out.
struct Write {
  MemoryApi& api;
  const http::ServerRequest& request;
  const ApiTarget& target;
  bool dry_run = false;

  [[nodiscard]] const ServedType& type() const { return *target.type; }
  [[nodiscard]] bool to_status() const { return target.subresource == "status"; }
};

Result<json::Value> read_json_body(Ctx& ctx, http::ServerRequest& request) {
  const auto text = TRY(request.read_body(ctx));
  auto value = json::parse(text);
  if (!value) {
    return api_error(400, "BadRequest",
                     "the object provided is unrecognized: json parse error: " + value.error().message());
  }
  return value;
}

std::string media_type(const http::ServerRequest& request) {
  const auto text = request.headers.get("Content-Type").value_or("application/json");
  return to_lower(trim(split(text, ';').front()));
}

tl::unexpected<Error> unsupported_media_type(const std::string& accepted) {
  return api_error(
      415, "UnsupportedMediaType",
      "the body of the request was in an unknown format - accepted media types include: " + accepted);
}

/// Checks what holds for every body: its kind, namespace and shape. Fills in the namespace.
Result<> check_identity(const Write& write, kube::Object& object) {
  const auto& type = write.type();
  if (!object.is_object()) return api_error(400, "BadRequest", "the object provided is not an object");
  const auto bad = "couldn't get version/kind; the object provided is " +
                   std::string(kube::api_version(object)) + ", Kind=" + std::string(kube::kind(object)) +
                   ", not " + type.type.kind;
  if (!object.contains("kind")) object.set("kind", type.type.kind);
  if (!object.contains("apiVersion")) object.set("apiVersion", type.type.api_version());
  if (kube::kind(object) != type.type.kind || kube::api_version(object) != type.type.api_version()) {
    return api_error(400, "BadRequest", bad);
  }
  if (object.contains("metadata") && !object["metadata"].is_object()) {
    return api_error(400, "BadRequest", "metadata is no object");
  }
  auto& metadata = object["metadata"];
  if (metadata.is_null()) metadata = json::Value::empty_object();
  if (!kube::ns(object).empty() && kube::ns(object) != write.target.key.ns) {
    return api_error(400, "BadRequest",
                     "the namespace of the provided object does not match the namespace sent on the request");
  }
  if (type.type.namespaced) metadata.set("namespace", write.target.key.ns);
  return check_labels(type, object);
}

Result<> check_namespace(const Write& write, std::string_view name) {
  if (!write.type().type.namespaced) return {};
  const auto* namespaces = write.api.store.find_type({"", "namespaces"});
  const auto found = write.api.store.find(*namespaces, {"", write.target.key.ns});
  if (!found) return not_found(*namespaces, write.target.key.ns);
  if (!kube::is_deleting(*found)) return {};
  kube::Status status;
  status.http_status = 403;
  status.reason = "Forbidden";
  status.name = name;
  status.group = write.type().type.group;
  status.kind = write.type().type.resource;
  status.message = write.type().type.to_string() + " \"" + std::string(name) +
                   "\" is forbidden: unable to create new content in namespace " + write.target.key.ns +
                   " because it is being terminated";
  status.causes = {{.reason = "NamespaceTerminating",
                    .message = "namespace " + write.target.key.ns + " is being terminated",
                    .field = "metadata.namespace"}};
  return fail(status.to_error());
}

std::string user_agent_manager(const http::ServerRequest& request) {
  if (const auto manager = request.query.get("fieldManager")) return std::string(*manager);
  return std::string(split(request.headers.get("User-Agent").value_or("unknown"), '/').front());
}

Result<kube::Object> create(const Write& write, kube::Object object) {
  const auto& type = write.type();
  TRY(check_identity(write, object));
  auto& metadata = object["metadata"];
  if (!kube::resource_version(object).empty()) {
    return api_error(500, "", "resourceVersion should not be set on objects to be created");
  }
  metadata.erase("resourceVersion");
  std::string name(kube::name(object));
  if (name.empty()) {
    const auto base = metadata.find_string("generateName").value_or("");
    if (base.empty()) {
      return invalid_object(type, "", "metadata.name", "Required value: name or generateName is required",
                            "FieldValueRequired");
    }
    name = std::string(base.substr(0, kLongestBase)) + random_suffix();
    metadata.set("name", name);
  }
  if (!is_name(name)) {
    return invalid_object(
        type, name, "metadata.name",
        "Invalid value: " + quote(name) + ": a lowercase RFC 1123 subdomain must consist of ...");
  }
  TRY(check_namespace(write, name));
  const kube::Key key{type.type.namespaced ? write.target.key.ns : "", name};
  if (write.api.store.find(type, key)) {
    kube::Status status;
    status.http_status = 409;
    status.reason = "AlreadyExists";
    status.name = name;
    status.group = type.type.group;
    status.kind = type.type.resource;
    status.message = type.type.to_string() + " \"" + name + "\" already exists";
    return fail(status.to_error());
  }
  stamp_new(object, type, user_agent_manager(write.request));
  if (write.dry_run) return object;
  if (is_definition(type)) serve_definition(write.api, object);
  return *write.api.store.put(type, key, std::move(object));
}

/// Stores `object` in place of `old`, unless nothing changes.
Result<kube::Object> replace(const Write& write, const kube::ObjectPtr& old, kube::Object object) {
  const auto& type = write.type();
  TRY(check_identity(write, object));
  const auto& name = write.target.key.name;
  if (kube::name(object).empty()) object["metadata"].set("name", name);
  if (kube::name(object) != name) {
    return api_error(400, "BadRequest",
                     "the name of the object (" + std::string(kube::name(object)) +
                         ") does not match the name on the URL (" + name + ")");
  }
  const auto version = kube::resource_version(object);
  if (version.empty() && type.custom) {
    return invalid_object(type, name, "metadata.resourceVersion",
                          "Invalid value: 0: must be specified for an update");
  }
  if (!version.empty() && version != kube::resource_version(*old)) {
    return conflict(
        type, name,
        "the object has been modified; please apply your changes to the latest version and try again");
  }
  if (const auto uid = kube::uid(object); !uid.empty() && uid != kube::uid(*old)) {
    return conflict(type, name,
                    "Precondition failed: UID in precondition: " + std::string(uid) +
                        ", UID in object meta: " + std::string(kube::uid(*old)));
  }
  if (write.to_status()) {
    auto status = object.take("status");
    object = *old;
    object.erase("status");
    if (status) object.set("status", *std::move(status));
  } else if (type.status_subresource) {
    object.erase("status");
    if (const auto* status = old->find("status")) object.set("status", *status);
  }
  restore_system_metadata(object, *old);
  apply_type_rules(object, type);
  if (kube::is_deleting(*old)) {
    const auto before = finalizers_of(*old);
    for (const auto& finalizer : finalizers_of(object)) {
      if (std::find(before.begin(), before.end(), finalizer) != before.end()) continue;
      return invalid_object(type, name, "metadata.finalizers",
                            "Forbidden: no new finalizers can be added if the object is being deleted",
                            "FieldValueForbidden");
    }
  }
  if (object == *old) return *old;
  if (type.custom && !write.to_status() && differs_in_content(object, *old, !type.status_subresource)) {
    object["metadata"].set("generation", kube::generation(*old) + 1);
  }
  if (write.dry_run) return object;
  if (kube::is_deleting(*old) && finalizers_of(object).empty() && type.type.resource != "namespaces") {
    erase_object(write.api, type, write.target.key);
    return object;
  }
  auto stored = write.api.store.put(type, write.target.key, std::move(object));
  if (type.type.resource == "namespaces") finish_namespace(write.api, write.target.key.name);
  return *stored;
}

Result<kube::ObjectPtr> current(const Write& write) {
  auto found = write.api.store.find(write.type(), write.target.key);
  if (!found) return not_found(write.type(), write.target.key.name);
  return found;
}

/// Whether a strategic merge of `patch` is the same as a JSON merge: no lists of objects, no directives.
bool is_simple_patch(const json::Value& patch) {
  std::vector<const json::Value*> open{&patch};
  while (!open.empty()) {
    const auto* value = open.back();
    open.pop_back();
    if (value->is_array() && !value->empty()) return false;
    if (!value->is_object()) continue;
    for (const auto& [key, member] : value->members()) {
      if (key.starts_with('$')) return false;
      open.push_back(&member);
    }
  }
  return true;
}

Result<kube::Object> patch(const Write& write, const json::Value& patch_value, const std::string& media) {
  const auto old = TRY(current(write));
  auto object = *old;
  if (media == "application/json-patch+json") {
    if (auto applied = json::apply_patch(object, patch_value); !applied) {
      if (is(applied.error(), Code::kBadRequest))
        return api_error(400, "BadRequest", applied.error().message());
      return api_error(422, "Invalid", "the server rejected our request due to an error in our request");
    }
  } else {
    const bool strategic = media == "application/strategic-merge-patch+json";
    if (media != "application/merge-patch+json" && (!strategic || write.type().custom)) {
      return unsupported_media_type("application/json-patch+json, application/merge-patch+json");
    }
    if (strategic && !is_simple_patch(patch_value)) {
      return api_error(501, "",
                       "this server only knows strategic merge patches without lists and directives");
    }
    if (!patch_value.is_object()) return api_error(400, "BadRequest", "the patch is no object");
    json::apply_merge_patch(object, patch_value);
  }
  if (object.is_object() && kube::resource_version(object).empty()) {
    object["metadata"].set("resourceVersion", kube::resource_version(*old));
  }
  return replace(write, old, std::move(object));
}

/// Options of a deletion, from body or query.
struct Deletion {
  std::string uid = {};
  std::string resource_version = {};
};

/// The object if it still exists, otherwise a Status of success.
Result<json::Value> remove(const Write& write, const kube::ObjectPtr& old, const Deletion& deletion) {
  const auto& type = write.type();
  const auto key = kube::key(*old);
  const auto mismatch = [&](const std::string& what, const std::string& want, std::string_view have) {
    return conflict(type, key.name,
                    "Precondition failed: the " + what + " in the precondition (" + want +
                        ") does not match the " + what + " in record (" + std::string(have) + ")");
  };
  if (!deletion.uid.empty() && deletion.uid != kube::uid(*old)) {
    return mismatch("UID", deletion.uid, kube::uid(*old));
  }
  if (!deletion.resource_version.empty() && deletion.resource_version != kube::resource_version(*old)) {
    return mismatch("ResourceVersion", deletion.resource_version, kube::resource_version(*old));
  }
  const bool is_namespace = type.type.resource == "namespaces";
  if (is_namespace || !finalizers_of(*old).empty()) {
    if (kube::is_deleting(*old) || write.dry_run) return *old;
    auto object = *old;
    auto& metadata = object["metadata"];
    metadata.set("deletionTimestamp", rfc3339_now());
    metadata.set("deletionGracePeriodSeconds", 0);
    if (type.custom) metadata.set("generation", kube::generation(*old) + 1);
    if (is_namespace) object["status"].set("phase", "Terminating");
    return *write.api.store.put(type, key, std::move(object));
  }
  if (!write.dry_run) erase_object(write.api, type, key);
  auto details = json::object({{"name", key.name}});
  if (!type.type.group.empty()) details.set("group", type.type.group);
  details.set("kind", type.type.resource);
  details.set("uid", kube::uid(*old));
  return json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", json::object()},
                       {"status", "Success"},
                       {"details", std::move(details)}});
}

/// As the namespace controller does.
void empty_namespace(const Write& write, const std::string& ns) {
  for (const auto* type : write.api.store.types()) {
    if (!type->type.namespaced) continue;
    const auto objects = write.api.store.objects(*type);
    const ApiTarget target{.type = type, .key = {ns, ""}};
    for (const auto& [key, object] : objects) {
      if (key.ns == ns) static_cast<void>(remove({write.api, write.request, target}, object, {}));
    }
  }
  finish_namespace(write.api, ns);
}

Result<Deletion> read_deletion(Ctx& ctx, http::ServerRequest& request, bool& dry_run) {
  Deletion deletion;
  const auto text = TRY(request.read_body(ctx));
  if (text.empty()) return deletion;
  const auto options = json::parse(text);
  if (!options || !options->is_object())
    return api_error(400, "BadRequest", "the delete options are no object");
  if (const auto* conditions = options->find_object("preconditions")) {
    deletion.uid = conditions->find_string("uid").value_or("");
    deletion.resource_version = conditions->find_string("resourceVersion").value_or("");
  }
  if (const auto* dry = options->find_array("dryRun")) dry_run = dry_run || !dry->empty();
  return deletion;
}

Result<http::Response> remove_one(Ctx& ctx, Write write, http::ServerRequest& request) {
  const auto deletion = TRY(read_deletion(ctx, request, write.dry_run));
  const auto old = TRY(current(write));
  const auto outcome = TRY(remove(write, old, deletion));
  if (write.type().type.resource == "namespaces" && !write.dry_run)
    empty_namespace(write, write.target.key.name);
  return json_response(200, outcome);
}

Result<http::Response> remove_collection(Ctx& ctx, Write write, http::ServerRequest& request) {
  const auto deletion = TRY(read_deletion(ctx, request, write.dry_run));
  const auto selection = TRY(read_selection(write.target, request.query));
  const auto objects = write.api.store.objects(write.type());
  auto items = json::Value::empty_array();
  for (const auto& [key, object] : objects) {
    if (!selection.matches(key, *object)) continue;
    TRY(remove(write, object, deletion));
    auto& item = items.push_back(*object);
    if (!write.type().custom) {  // as in lists of built-in types
      item.erase("kind");
      item.erase("apiVersion");
    }
  }
  return json_response(
      200, json::object(
               {{"kind", write.type().type.kind + "List"},
                {"apiVersion", write.type().type.api_version()},
                {"metadata", json::object({{"resourceVersion", std::to_string(write.api.store.revision())}})},
                {"items", std::move(items)}}));
}

}  // namespace

Result<http::Response> write_objects(MemoryApi& api, Ctx& ctx, http::ServerRequest& request,
                                     const ApiTarget& target) {
  Write write{.api = api, .request = request, .target = target};
  const bool metadata_only = TRY(wants_metadata_only(request.headers));
  if (const auto dry = request.query.get("dryRun")) {
    if (*dry != "All")
      return invalid("CreateOptions.meta.k8s.io", "",
                     {{.reason = "FieldValueNotSupported",
                       .message = "Unsupported value: supported values: \"All\"",
                       .field = "dryRun"}});
    write.dry_run = true;
  }
  if (target.verb == "delete") return remove_one(ctx, write, request);
  if (target.verb == "deletecollection") return remove_collection(ctx, write, request);
  const auto media = media_type(request);
  if (target.verb != "patch" && media != "application/json")
    return unsupported_media_type("application/json");
  auto body = TRY(read_json_body(ctx, request));
  auto object = TRY(target.verb == "create"  ? create(write, std::move(body))
                    : target.verb == "patch" ? patch(write, body, media)
                                             : replace(write, TRY(current(write)), std::move(body)));
  return json_response(target.verb == "create" ? 201 : 200, metadata_only ? to_partial(object) : object);
}

}  // namespace klutch::testing
