// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/writing.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apiserver/endpoints/body.h"
#include "apiserver/endpoints/negotiation.h"
#include "apiserver/endpoints/options.h"
#include "apiserver/endpoints/reading.h"
#include "apiserver/endpoints/rendering.h"
#include "apiserver/verbs/api_errors.h"
#include "async/task_group.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

constexpr std::uint64_t kMaxBody = std::uint64_t{3} * 1024 * 1024;
/// Objects of a collection that are deleted at one time, so that they share commits.
constexpr std::size_t kCollectionDeletes = 32;

struct PatchMediaType {
  std::string_view media_type;
  PatchType type;
  bool custom;  ///< custom kinds take it, too
};
constexpr PatchMediaType kPatchMediaTypes[] = {
    {"application/json-patch+json", PatchType::kJson, true},
    {"application/merge-patch+json", PatchType::kMerge, true},
    {"application/strategic-merge-patch+json", PatchType::kStrategic, false},
    {"application/apply-patch+yaml", PatchType::kApply, true},
};

Result<PatchType> patch_type(const ApiRequest& request) {
  const std::string header(request.http.headers.get("Content-Type").value_or(""));
  std::string media = header.substr(0, header.find(';'));
  media.erase(std::remove(media.begin(), media.end(), ' '), media.end());
  std::vector<std::string_view> accepted;
  for (const auto& each : kPatchMediaTypes) {
    if (request.resource->description.custom && !each.custom) continue;
    if (each.media_type == media) return each.type;
    accepted.push_back(each.media_type);
  }
  kube::Status status;
  status.http_status = 415;
  status.reason = "UnsupportedMediaType";
  status.message =
      fmt::format("the body of the request was in an unknown format - accepted media types include: {}",
                  fmt::join(accepted, ", "));
  return fail(
      Error(Code::kUnsupported, status.message).with_detail(std::make_shared<const kube::Status>(status)));
}

Result<DecodedBody> read_object_body(Ctx& ctx, ApiRequest& request) {
  const auto body = TRY(request.http.read_body(ctx, kMaxBody));
  const std::string kind = request.subresource != nullptr ? request.subresource->kind : request.type().kind;
  return decode_body(body, request.http.headers,
                     {.protobuf = !request.resource->description.custom, .kind = kind});
}

Result<http::Response> answer(const ApiRequest& request, const Representation& form,
                              const WriteOutcome& outcome, const Verbs& verbs) {
  return render_object(request, form, outcome.object, outcome.created ? 201 : 200, verbs.clock().now());
}

/// What the rest of the request says about the write.
void complete(WriteOptions& options, ApiRequest& request, DecodedBody& body) {
  options.subresource = request.attributes.subresource;
  options.duplicate_fields = std::move(body.duplicate_fields);
  options.warn = [&request](std::string_view text) { request.warnings.add(text); };
}

/// Whether this is about the number of replicas only.
bool is_scale(const ApiRequest& request) {
  return request.attributes.subresource == "scale" && request.resource->behavior->scale() != nullptr;
}

/// An object that is no resource but asks for something, with apiVersion and kind of what it should be.
Result<json::Value> read_action_object(const ApiRequest& request, json::Value object) {
  const auto& type = request.type();
  const std::string version =
      request.subresource != nullptr ? request.subresource->api_version : type.api_version();
  const std::string kind = request.subresource != nullptr ? request.subresource->kind : type.kind;
  if (object.is_null()) object = json::Value::empty_object();
  if (!object.is_object()) return fail(bad_request("the body of the request is no object"));
  for (const auto& [name, wanted] : {std::pair("apiVersion", &version), std::pair("kind", &kind)}) {
    const auto found = object.find_string(name).value_or("");
    if (!found.empty() && found != *wanted) {
      return fail(bad_request(
          fmt::format("the {} in the data ({}) does not match the expected one ({})", name, found, *wanted)));
    }
    object.set(name, *wanted);
  }
  return object;
}

Result<http::Response> serve_action(Ctx& ctx, ApiRequest& request, const Verbs& verbs, const Action& action) {
  const auto form = TRY(negotiate(request));
  const auto options = TRY(read_create_options(request.http.query, request.http.headers));
  auto body = TRY(read_object_body(ctx, request));
  json::Value object = TRY(read_action_object(request, std::move(body.object)));
  const ActionRequest asked{.user = request.user, .key = request.key(), .dry_run = options.dry_run};
  const auto done = TRY(action(ctx, asked, std::move(object)));
  return render_object(request, form, done, 201, verbs.clock().now());
}

/// What Kubernetes says of an object that is gone.
json::Value success_status(const ApiRequest& request, const json::Value& object) {
  const auto& type = request.type();
  json::Value details = json::object({{"name", request.attributes.name}});
  if (!type.group.empty()) details.set("group", type.group);
  details.set("kind", type.resource);
  details.set("uid", kube::uid(object));
  return json::object({{"kind", "Status"},
                       {"apiVersion", "v1"},
                       {"metadata", json::object()},
                       {"status", "Success"},
                       {"details", std::move(details)}});
}

}  // namespace

Result<http::Response> serve_create(Ctx& ctx, ApiRequest& request, Verbs& verbs) {
  const auto& attributes = request.attributes;
  const auto action = request.resource->actions.find(attributes.subresource);
  if (action != request.resource->actions.end()) return serve_action(ctx, request, verbs, action->second);
  const auto form = TRY(negotiate(request));
  auto options = TRY(read_create_options(request.http.query, request.http.headers));
  auto body = TRY(read_object_body(ctx, request));
  complete(options, request, body);
  const auto outcome =
      TRY(verbs.create(ctx, request.resource, attributes.ns, std::move(body.object), request.user, options));
  return answer(request, form, outcome, verbs);
}

Result<http::Response> serve_update(Ctx& ctx, ApiRequest& request, Verbs& verbs) {
  const auto form = TRY(negotiate(request));
  auto options = TRY(read_update_options(request.http.query, request.http.headers));
  auto body = TRY(read_object_body(ctx, request));
  complete(options, request, body);
  const auto outcome = is_scale(request)
                           ? TRY(verbs.update_scale(ctx, request.resource, request.key(),
                                                    std::move(body.object), request.user, options))
                           : TRY(verbs.update(ctx, request.resource, request.key(), std::move(body.object),
                                              request.user, options));
  return answer(request, form, outcome, verbs);
}

Result<http::Response> serve_patch(Ctx& ctx, ApiRequest& request, Verbs& verbs) {
  const auto form = TRY(negotiate(request));
  const auto type = TRY(patch_type(request));
  auto options = TRY(read_patch_options(request.http.query, request.http.headers, type));
  const auto bytes = TRY(request.http.read_body(ctx, kMaxBody));
  // Only apply patches may be YAML; the others are JSON whatever they look like.
  auto body = type == PatchType::kApply
                  ? TRY(decode_yaml_body(bytes))
                  : TRY(decode_body(bytes, http::Headers{{"Content-Type", "application/json"}}, {}));
  complete(options, request, body);
  const auto outcome = is_scale(request)
                           ? TRY(verbs.patch_scale(ctx, request.resource, request.key(), type,
                                                   std::move(body.object), request.user, options))
                           : TRY(verbs.patch(ctx, request.resource, request.key(), type,
                                             std::move(body.object), request.user, options));
  return answer(request, form, outcome, verbs);
}

Result<http::Response> serve_delete(Ctx& ctx, ApiRequest& request, Verbs& verbs) {
  const auto form = TRY(negotiate(request));
  const auto body = TRY(request.http.read_body(ctx, kMaxBody));
  const auto options = TRY(read_delete_options(request.http.query, request.http.headers, body));
  const auto outcome = TRY(verbs.remove(ctx, request.resource, request.key(), request.user, options));
  if (outcome.deleted) return render_plain(request, form, success_status(request, outcome.object), 200);
  return render_object(request, form, outcome.object, 200, verbs.clock().now());
}

Result<http::Response> serve_delete_collection(Ctx& ctx, ApiRequest& request, Verbs& verbs) {
  const auto form = TRY(negotiate(request));
  const auto body = TRY(request.http.read_body(ctx, kMaxBody));
  const auto options = TRY(read_delete_options(request.http.query, request.http.headers, body));
  const auto filter = TRY(ObjectFilter::from_query(*request.resource, request.http.query));
  const ServedPtr resource = request.resource;
  const auto page = TRY(verbs.storage().list(
      resource->storage_type, {.ns = request.attributes.ns, .filter = [&](const StoredObject& object) {
                                 return filter.matches(*resource, object);
                               }}));
  async::TaskGroup tasks(ctx);
  std::size_t next = 0;
  for (std::size_t i = 0; i < std::min(kCollectionDeletes, page.objects.size()); ++i) {
    tasks.spawn("delete", [&](Ctx& task) -> Result<> {
      while (next < page.objects.size()) {
        const StoredPtr stored = page.objects[next++];
        const auto removed = verbs.remove(task, resource, stored->key(), request.user, options);
        if (!removed && !is(removed.error(), Code::kNotFound)) return fail(removed.error());
      }
      return {};
    });
  }
  TRY(tasks.wait(ctx));
  return render_list(request, form, page.objects, {.resource_version = std::to_string(page.revision)},
                     verbs.clock().now());
}

}  // namespace klutch::apiserver
