// SPDX-License-Identifier: Apache-2.0
#include "testing/memory_api_server.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/ids.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "http/compression.h"
#include "json/build.h"
#include "testing/memory_api.h"
#include "testing/running_server.h"
#include "testing/test_pki.h"

namespace klutch::testing {
namespace {

struct NamedVerb {
  std::string_view method;
  std::string_view of_object;
  std::string_view of_collection;
};
constexpr NamedVerb kVerbs[] = {{"GET", "get", "list"},
                                {"POST", "", "create"},
                                {"PUT", "update", ""},
                                {"PATCH", "patch", ""},
                                {"DELETE", "delete", "deletecollection"}};

std::string verb_of(const http::ServerRequest& request, bool collection) {
  for (const auto& verb : kVerbs) {
    if (verb.method != request.method) continue;
    const auto watch = request.query.get("watch").value_or("");
    if (collection && verb.of_collection == "list" && (watch == "true" || watch == "1")) return "watch";
    return std::string(collection ? verb.of_collection : verb.of_object);
  }
  return {};
}

/// Reads /api/v1/... or /apis/{group}/{version}/...; nothing for what is not served.
std::optional<ApiTarget> find_target(MemoryStore& store, const http::ServerRequest& request) {
  const auto& path = request.segments;
  const bool core = path.size() >= 3 && path[0] == "api";
  if (!core && !(path.size() >= 4 && path[0] == "apis")) return std::nullopt;
  const std::string group = core ? "" : path[1];
  const std::string version = core ? path[1] : path[2];
  std::vector<std::string> rest(path.begin() + (core ? 2 : 3), path.end());
  ApiTarget target;
  const bool of_namespace = rest.size() == 3 && (rest[2] == "status" || rest[2] == "finalize");
  if (rest.size() >= 3 && rest[0] == "namespaces" && !(core && of_namespace)) {
    target.key.ns = rest[1];
    rest.erase(rest.begin(), rest.begin() + 2);
  }
  if (rest.size() > 3) return std::nullopt;
  target.type = store.find_type({group, rest[0]});
  if (target.type == nullptr || target.type->type.version != version) return std::nullopt;
  if (target.type->type.namespaced ? target.key.ns.empty() && rest.size() > 1 : !target.key.ns.empty()) {
    return std::nullopt;
  }
  if (rest.size() > 1) target.key.name = rest[1];
  if (rest.size() > 2) target.subresource = rest[2];
  if (!target.subresource.empty() && !(target.subresource == "status" && target.type->status_subresource)) {
    return std::nullopt;
  }
  target.verb = verb_of(request, target.key.name.empty());
  return target;
}

http::Response page_not_found() {
  return {404, {{"Content-Type", "text/plain; charset=utf-8"}}, http::Body("404 page not found\n"), {}};
}

/// Sends `body` in 64 pieces, or only its first half.
http::BodyProducer damaged(std::string body, Fault fault) {
  return [body = std::move(body), fault](Ctx& ctx, http::BodyWriter& out) -> Result<> {
    if (fault.kind == Fault::Kind::kCutBody) {
      TRY(out.write(ctx, std::string_view(body).substr(0, body.size() / 2)));
      return fail(Code::kUnavailable, "the connection is broken on purpose");
    }
    const auto size = body.size() / 64 + 1;
    for (std::size_t at = 0; at < body.size(); at += size) {
      TRY(out.write(ctx, std::string_view(body).substr(at, size)));
      TRY(ctx.sleep(fault.detail.pause));
    }
    return {};
  };
}

/// Changes a real answer as `fault` says.
void damage(http::Response& response, const Fault& fault) {
  if (response.stream) return;
  auto body = std::string(response.body.view());
  if (fault.kind == Fault::Kind::kTruncatedJson) {
    response.body = http::Body(body.substr(0, body.size() / 2));
  } else if (fault.kind == Fault::Kind::kCutBody || fault.kind == Fault::Kind::kDrip) {
    response.headers.set("Content-Length", std::to_string(body.size()));
    response.stream = damaged(std::move(body), fault);
  }
}

std::vector<ServedType> built_in_types() {
  const auto core = [](const char* group, const char* version, const char* resource, const char* kind,
                       bool namespaced = true) {
    return ServedType{.type = {group, version, resource, kind, namespaced}, .custom = false};
  };
  return {
      core("", "v1", "namespaces", "Namespace", false),
      core("", "v1", "secrets", "Secret"),
      core("", "v1", "configmaps", "ConfigMap"),
      core("", "v1", "serviceaccounts", "ServiceAccount"),
      core("", "v1", "events", "Event"),
      core("coordination.k8s.io", "v1", "leases", "Lease"),
      {.type = {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false},
       .short_names = {"crd", "crds"},
       .status_subresource = true,
       .custom = false},
  };
}

json::Value widget_definition() {
  const auto schema = json::object({{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}});
  return json::object(
      {{"apiVersion", "apiextensions.k8s.io/v1"},
       {"kind", "CustomResourceDefinition"},
       {"metadata", json::object({{"name", "widgets.ex.io"}})},
       {"spec", json::object(
                    {{"group", "ex.io"},
                     {"scope", "Namespaced"},
                     {"names", json::object({{"plural", "widgets"},
                                             {"singular", "widget"},
                                             {"kind", "Widget"},
                                             {"listKind", "WidgetList"},
                                             {"shortNames", json::array({"wd"})}})},
                     {"versions", json::array({json::object(
                                      {{"name", "v1"},
                                       {"served", true},
                                       {"storage", true},
                                       {"schema", json::object({{"openAPIV3Schema", schema}})},
                                       {"subresources", json::object({{"status", json::object()}})}})})}})}});
}

}  // namespace

struct MemoryApiServer::State {
  State(Ctx& ctx, const MemoryApiOptions& options) : api(options.history, options.seed) {
    api.watch_lists = options.watch_lists;
    api.bookmark_interval = options.bookmark_interval;
    api.token = new_uuid();
    for (auto& type : built_in_types()) api.store.add_type(std::move(type));
    for (const auto* name : {"default", "kube-system"}) {
      seed_object(
          api, *api.store.find_type({"", "namespaces"}),
          json::object(
              {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", json::object({{"name", name}})}}));
    }
    seed_object(api, *api.store.find_type({"apiextensions.k8s.io", "customresourcedefinitions"}),
                widget_definition());

    http::ServerOptions server_options;
    server_options.limits.connections = options.connections;
    server_options.timeouts.drain = std::chrono::seconds(5);
    server_options.render_error = render_status;
    if (options.tls) {
      http::TlsServer::Options tls_options;
      tls_options.identity = pki.server();
      tls_options.client_authorities = pki.trusted();
      server_options.tls = http::TlsServer::create(tls_options).value();
    }
    tls = options.tls;
    auto handler = [this](Ctx& task, http::ServerRequest& request) { return handle(task, request); };
    server = std::make_unique<RunningServer>(ctx, std::move(server_options),
                                             http::compressed(std::move(handler), {.at_least = 128 * 1024}));
  }

  [[nodiscard]] bool knows(const http::ServerRequest& request) const {
    if (request.headers.get("Authorization") == "Bearer " + api.token) return true;
    return request.tls != nullptr && !request.tls->peer_chain.empty() &&
           !request.headers.contains("Authorization");
  }

  Result<http::Response> handle(Ctx& ctx, http::ServerRequest& request) {
    if (!knows(request)) return api_error(401, "Unauthorized", "Unauthorized");
    const auto target = find_target(api.store, request);
    const std::string verb = target ? target->verb : "raw";
    const std::string resource = target ? target->type->type.resource : "";
    ++api.requests[{verb, resource}];
    const auto fault =
        api.faults.take({.verb = verb,
                         .resource = resource,
                         .continued = verb == "list" && !request.query.get("continue").value_or("").empty(),
                         .initial_events = request.query.get("sendInitialEvents") == "true"});
    if (fault) {
      CHECK(fault->kind < Fault::Kind::kDropConnection);
      if (auto answer = replacement(*fault)) return *std::move(answer);
    }
    auto response = TRY(serve(ctx, request, target, fault));
    if (fault) damage(response, *fault);
    return response;
  }

  Result<http::Response> serve(Ctx& ctx, http::ServerRequest& request, const std::optional<ApiTarget>& target,
                               const std::optional<Fault>& fault) {
    if (!target) {
      auto found = discover(api, request);
      return found ? *std::move(found) : page_not_found();
    }
    if (target->verb == "get") return get_object(api, request, *target);
    if (target->verb == "list") return list_objects(api, request, *target);
    if (target->verb == "watch") return watch_objects(api, request, *target, fault);
    const bool nowhere = target->verb == "create" && target->type->type.namespaced && target->key.ns.empty();
    const bool elsewhere = target->verb == "deletecollection" && target->type->type.resource == "namespaces";
    if (target->verb.empty() || nowhere || elsewhere) {
      return api_error(405, "MethodNotAllowed",
                       "the server does not allow this method on the requested resource");
    }
    return write_objects(api, ctx, request, *target);
  }

  MemoryApi api;
  test::TestPki pki;
  bool tls = true;
  std::unique_ptr<RunningServer> server;  // last: its fibers use all of the above
};

MemoryApiServer::MemoryApiServer(Ctx& ctx, const MemoryApiOptions& options)
    : state_(std::make_unique<State>(ctx, options)) {}

MemoryApiServer::~MemoryApiServer() = default;

std::string MemoryApiServer::url() const {
  return (state_->tls ? "https://" : "http://") + address().to_string();
}

http::Address MemoryApiServer::address() const {
  return state_->server->address();
}

std::string MemoryApiServer::kubeconfig_for(const std::string& url) const {
  std::string text =
      "apiVersion: v1\nkind: Config\ncurrent-context: memory\n"
      "contexts: [{name: memory, context: {cluster: memory, user: admin}}]\n"
      "users: [{name: admin, user: {token: " +
      token() + "}}]\nclusters:\n- name: memory\n  cluster:\n    server: " + url + "\n";
  if (state_->tls) {
    text += "    certificate-authority-data: " + crypto::base64_encode(authority()) + "\n";
  }
  return text;
}

const std::string& MemoryApiServer::token() const noexcept {
  return state_->api.token;
}

std::string MemoryApiServer::authority() const {
  return state_->tls ? state_->pki.trusted() : "";
}

void MemoryApiServer::add_type(ServedType type) {
  state_->api.store.add_type(std::move(type));
}

ServerFaults& MemoryApiServer::faults() noexcept {
  return state_->api.faults;
}

void MemoryApiServer::compact() {
  state_->api.store.compact(state_->api.store.revision());
}

void MemoryApiServer::send_bookmarks() {
  ++state_->api.bookmark_wishes;
  state_->api.store.wake_watchers();
}

std::size_t MemoryApiServer::requests(std::string_view verb, std::string_view resource) const {
  std::size_t count = 0;
  for (const auto& [what, times] : state_->api.requests) {
    if ((verb.empty() || what.first == verb) && (resource.empty() || what.second == resource)) count += times;
  }
  return count;
}

std::size_t MemoryApiServer::open_watches() const noexcept {
  return state_->api.watches;
}

std::size_t MemoryApiServer::open_connections() const noexcept {
  return (*state_->server)->open_connections();
}

std::vector<kube::ObjectPtr> MemoryApiServer::objects(const kube::GroupResource& resource) const {
  const auto* type = state_->api.store.find_type(resource);
  CHECK(type != nullptr);
  std::vector<kube::ObjectPtr> all;
  for (const auto& [key, object] : state_->api.store.objects(*type)) all.push_back(object);
  return all;
}

std::uint64_t MemoryApiServer::revision() const noexcept {
  return state_->api.store.revision();
}

}  // namespace klutch::testing
