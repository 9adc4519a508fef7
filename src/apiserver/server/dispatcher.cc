// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/dispatcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "apiserver/endpoints/reading.h"
#include "apiserver/endpoints/rendering.h"
#include "apiserver/endpoints/writing.h"
#include "base/ids.h"
#include "json/print.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

/// What Kubernetes answers below the paths of a version that it serves.
Error no_such_resource() {
  kube::Status status;
  status.http_status = 404;
  status.reason = "NotFound";
  status.message = "the server could not find the requested resource";
  return Error(Code::kNotFound, status.message).with_detail(std::make_shared<const kube::Status>(status));
}

Error method_not_allowed() {
  kube::Status status;
  status.http_status = 405;
  status.reason = "MethodNotAllowed";
  status.message = "the server does not allow this method on the requested resource";
  return Error(Code::kUnsupported, status.message).with_detail(std::make_shared<const kube::Status>(status));
}

http::Response json_answer(const json::Value& value) {
  http::Response response;
  response.headers.set("Content-Type", "application/json");
  response.body = json::print(value);
  return response;
}

/// The name of a request's kind in metrics: few, whatever the path is.
std::string_view route_of(const RequestAttributes& attributes) {
  if (!attributes.is_resource) return "path";
  static constexpr std::string_view kVerbs[] = {"get",    "list",  "watch",  "create",
                                                "update", "patch", "delete", "deletecollection"};
  for (const auto verb : kVerbs) {
    if (verb == attributes.verb) return verb;
  }
  return "other";
}

/// Whether the group is one that comes with Kubernetes, whatever its versions.
bool has_builtin(Registry& registry, std::string_view group) {
  const auto& groups = registry.groups();
  const auto found = std::ranges::find(groups, group, &Registry::Group::name);
  return found != groups.end() && !found->versions.front().resources.front()->description.custom;
}

bool has_verb(const std::vector<std::string>& verbs, std::string_view verb) {
  return std::ranges::find(verbs, verb) != verbs.end();
}

bool has_impersonation(const http::Headers& headers) {
  return !headers.get("Impersonate-User").value_or("").empty();
}

}  // namespace

/// What an audit log wants to know of a request that has been answered.
struct Dispatcher::Trail {
  Time received = {};
  RequestAttributes attributes = {};
  User sender = {};
  std::optional<User> impersonated = {};
  std::optional<Access::Verdict> verdict = {};
};

Result<http::Response> Dispatcher::operator()(Ctx& ctx, http::ServerRequest& request) {
  Trail trail{.received = parts_.verbs.clock().now()};
  auto response = answer(ctx, request, trail);
  if (parts_.audit != nullptr) write_down(request, trail, response);
  return response;
}

Result<http::Response> Dispatcher::answer(Ctx& ctx, http::ServerRequest& request, Trail& trail) {
  auto attributes = RequestAttributes::from_request(request.method, request.segments, request.query);
  request.route = route_of(attributes);
  if (parts_.audit != nullptr) trail.attributes = attributes;
  const User sender = TRY(parts_.authenticator.authenticate(request));
  if (parts_.audit != nullptr) trail.sender = sender;
  TRY(parts_.limits.admit(sender, ctx.now()));
  User user = TRY(parts_.access.impersonated(sender, request.headers));
  if (parts_.audit != nullptr && has_impersonation(request.headers)) trail.impersonated = user;
  TRY(parts_.access.check(user, attributes, parts_.audit != nullptr ? &trail.verdict.emplace() : nullptr));
  auto response = attributes.is_resource
                      ? TRY(serve_resource(ctx, request, std::move(attributes), std::move(user)))
                      : TRY(serve_path(ctx, request, attributes));
  response.headers.set("Audit-Id", request.id);
  return response;
}

void Dispatcher::write_down(const http::ServerRequest& request, const Trail& trail,
                            const Result<http::Response>& response) const {
  json::Value failure;
  AuditRecord record{.id = request.id,
                     .request_uri = request.target,
                     .attributes = trail.attributes,
                     .user = trail.sender,
                     .impersonated = trail.impersonated ? &*trail.impersonated : nullptr,
                     .source_ip = request.peer,
                     .user_agent = request.headers.get("User-Agent").value_or(""),
                     .received = trail.received,
                     .now = parts_.verbs.clock().now()};
  if (response) {
    record.status = response->status;
  } else {
    const auto status = kube::Status::from_error(response.error());
    record.status = status.http_status;
    failure = status.to_json();
    record.failure = &failure;
  }
  if (trail.verdict) {
    record.decision = trail.verdict->allowed ? "allow" : "forbid";
    record.reason = trail.verdict->reason;
  }
  // A watch has begun; when it ends nobody tells.
  const bool streams = response && response->stream;
  parts_.audit->write(record, streams ? AuditStage::kResponseStarted : AuditStage::kResponseComplete);
}

Result<http::Response> Dispatcher::serve_resource(Ctx& ctx, http::ServerRequest& request,
                                                  RequestAttributes attributes, User user) {
  auto resource = parts_.registry.find(attributes.group, attributes.version, attributes.resource);
  if (resource == nullptr) {
    return fail(has_builtin(parts_.registry, attributes.group) ? no_such_resource() : page_not_found());
  }
  const auto& description = resource->description;
  const bool is_namespace = description.type.group.empty() && description.type.resource == "namespaces";
  if (!description.type.namespaced && !attributes.ns.empty() && !is_namespace) return fail(page_not_found());
  ApiRequest api{.http = request,
                 .attributes = std::move(attributes),
                 .user = std::move(user),
                 .resource = std::move(resource)};
  const auto& verb = api.attributes.verb;
  if (!api.attributes.subresource.empty()) {
    api.subresource = description.subresource(api.attributes.subresource);
    if (api.subresource == nullptr) return fail(no_such_resource());
    if (!has_verb(api.subresource->verbs, verb)) return fail(method_not_allowed());
  } else if (!description.allows(verb)) {
    return fail(method_not_allowed());
  }
  const bool named = !api.attributes.name.empty();
  const bool in_no_namespace = description.type.namespaced && api.attributes.ns.empty();
  if (in_no_namespace && verb != "list" && verb != "watch") return fail(method_not_allowed());
  if (verb == "create" && named && api.subresource == nullptr) return fail(method_not_allowed());
  if (!description.deprecation_warning.empty()) api.warnings.add(description.deprecation_warning);

  auto response = serve_verb(ctx, api);
  if (response || api.warnings.texts().empty()) return response;
  // Warnings are for those above all whose request fails.
  auto refusal = render_error(response.error(), request);
  api.warnings.add_to(refusal.headers);
  return refusal;
}

Result<http::Response> Dispatcher::serve_verb(Ctx& ctx, ApiRequest& api) {
  auto& verbs = parts_.verbs;
  const ReadContext reading{verbs.storage(), verbs.clock()};
  const auto& verb = api.attributes.verb;
  if (verb == "get") return serve_get(ctx, api, reading);
  if (verb == "list") return serve_list(ctx, api, reading);
  if (verb == "watch") return serve_watch(ctx, api, verbs.storage(), verbs.clock());
  if (verb == "create") return serve_create(ctx, api, verbs);
  if (verb == "update") return serve_update(ctx, api, verbs);
  if (verb == "patch") return serve_patch(ctx, api, verbs);
  if (verb == "delete") return serve_delete(ctx, api, verbs);
  if (verb == "deletecollection") return serve_delete_collection(ctx, api, verbs);
  return fail(method_not_allowed());
}

Result<http::Response> Dispatcher::serve_path(Ctx& ctx, http::ServerRequest& request,
                                              const RequestAttributes& attributes) {
  const auto& path = attributes.path;
  if (parts_.discovery.handles(request)) return parts_.discovery.serve(request);
  if (parts_.openapi.handles(request)) return parts_.openapi.serve(ctx, request);
  if (path == "/openid/v1/jwks") return json_answer(parts_.tokens.jwks());
  if (path == "/.well-known/openid-configuration") {
    return json_answer(parts_.tokens.openid_configuration(parts_.url));
  }
  auto response = parts_.infrastructure(ctx, request);
  if (!response && is(response.error(), Code::kNotFound)) return fail(page_not_found());
  return response;
}

}  // namespace klutch::apiserver
