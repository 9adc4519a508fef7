// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/api_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apiserver/access/access.h"
#include "apiserver/access/authenticator.h"
#include "apiserver/access/rbac_cache.h"
#include "apiserver/access/service_account_tokens.h"
#include "apiserver/auth/audit_log.h"
#include "apiserver/auth/static_tokens.h"
#include "apiserver/controllers/account_controller.h"
#include "apiserver/controllers/definition_controller.h"
#include "apiserver/controllers/event_expiry.h"
#include "apiserver/controllers/garbage_collector.h"
#include "apiserver/controllers/namespace_controller.h"
#include "apiserver/controllers/quota_status.h"
#include "apiserver/controllers/role_aggregation.h"
#include "apiserver/custom/custom_resource.h"
#include "apiserver/discovery/discovery.h"
#include "apiserver/endpoints/rendering.h"
#include "apiserver/openapi/openapi.h"
#include "apiserver/server/bootstrap.h"
#include "apiserver/server/dispatcher.h"
#include "apiserver/server/served_builtins.h"
#include "apiserver/server/state_folder.h"
#include "apiserver/server/storage_metrics.h"
#include "apiserver/storage/maintenance.h"
#include "apiserver/verbs/namespace_lifecycle.h"
#include "async/task_group.h"
#include "base/os/file.h"
#include "http/observability.h"
#include "http/router.h"
#include "http/server.h"
#include "json/build.h"
#include "json/yaml.h"
#include "obs/health.h"
#include "obs/log.h"
#include "obs/metrics.h"

namespace klutch::apiserver {
namespace {

const obs::Logger& server_log() {
  static const obs::Logger log("apiserver");
  return log;
}

/// Where pods find the API in every cluster; tokens of ServiceAccounts are for it.
constexpr std::string_view kTokenIssuer = "https://kubernetes.default.svc";

Result<std::unique_ptr<Backend>> open_backend(const ApiServerOptions& options) {
  if (options.ephemeral) return make_ephemeral_backend(ephemeral_start(options.clock->now()));
  const StoreFiles files{options.state};
  SqliteBackendOptions backend;
  backend.path = files.database();
  backend.sealed_types = {"secrets"};
  backend.key_file = files.key_file();
  backend.full_durability = options.full_durability;
  return open_sqlite_backend(backend);
}

/// Null if there is to be none.
Result<std::unique_ptr<AuditLog>> open_audit_log(const ApiServerOptions& options) {
  if (options.audit_log.empty()) return std::unique_ptr<AuditLog>();
  auto rules = json::object({{"apiVersion", "audit.k8s.io/v1"},
                             {"kind", "Policy"},
                             {"rules", json::array({json::object({{"level", "Metadata"}})})}});
  if (!options.audit_policy.empty()) {
    const auto text = TRY(os::read_file(options.audit_policy));
    rules = TRY(json::parse_yaml(text).map_error(context(options.audit_policy)));
  }
  auto policy = TRY(AuditPolicy::from_json(rules).map_error(context("the audit policy")));
  return std::make_unique<AuditLog>(
      AuditLog::Options{.path = options.audit_log, .policy = std::move(policy)});
}

/// Where clients find the server that listens there.
std::string url_of(const ApiServerOptions& options, const http::Address& bound) {
  http::Address shown = bound;
  if (!options.advertise_hosts.empty()) {
    shown.host = options.advertise_hosts.front();
  } else if (shown.host == "0.0.0.0" || shown.host == "::") {
    shown.host = "127.0.0.1";
  }
  return "https://" + shown.to_string();
}

/// All parts, in the order in which they need each other.
struct Parts {
  Parts(Ctx& ctx, const ApiServerOptions& chosen, StateFolder folder_of_state, std::unique_ptr<Storage> store,
        std::unique_ptr<ServiceAccountTokens> signer, std::shared_ptr<StaticTokens> fixed_tokens)
      : options(chosen),
        folder(std::move(folder_of_state)),
        storage(std::move(store)),
        tokens(std::move(signer)),
        static_tokens(std::move(fixed_tokens)),
        rbac(*storage),
        access(rbac),
        authenticator(*tokens, {.static_tokens = static_tokens, .clock = options.clock}),
        registry(*storage,
                 served_builtins(
                     {*storage, registry, verbs, access, authenticator, *tokens, schemas, *options.clock}),
                 [this](const StoredPtr& definition) { return custom_resources_of(definition, schemas); }),
        verbs(*storage, {.admission = server_admission(*storage, access), .clock = options.clock}),
        controllers(ctx.loop(), ControllerAccess(*storage, registry, verbs)),
        discovery(registry),
        openapi(registry, *options.clock) {}

  const ApiServerOptions& options;
  StateFolder folder;
  std::unique_ptr<Storage> storage;
  std::unique_ptr<ServiceAccountTokens> tokens;
  std::shared_ptr<StaticTokens> static_tokens;
  SchemaPool schemas = {};
  RbacCache rbac;
  Access access;
  Authenticator authenticator;
  Registry registry;
  Verbs verbs;
  ControllerRunner controllers;
  Discovery discovery;
  OpenApi openapi;
  RequestLimits limits = {};
  std::unique_ptr<AuditLog> audit = {};  ///< may be null
  obs::Registry metrics = {};
  obs::HealthChecks health = {};
};

std::vector<std::unique_ptr<Controller>> make_controllers(Parts& parts) {
  const auto make_token = [&tokens =
                               *parts.tokens](const LegacyTokenRequest& request) -> Result<std::string> {
    const auto token =
        TRY(tokens.issue_legacy(request.ns, {request.account, request.account_uid}, request.secret));
    return std::string(token.reveal());
  };
  std::vector<std::unique_ptr<Controller>> all;
  all.push_back(std::make_unique<DefinitionController>(parts.schemas));
  all.push_back(std::make_unique<NamespaceController>());
  all.push_back(std::make_unique<GarbageCollector>());
  all.push_back(std::make_unique<NamespaceContents>(parts.folder.ca_pem));
  all.push_back(std::make_unique<TokenSecrets>(parts.folder.ca_pem, make_token));
  all.push_back(std::make_unique<RoleAggregation>());
  all.push_back(std::make_unique<QuotaStatus>());
  all.push_back(std::make_unique<EventExpiry>());
  return all;
}

Result<> add_controllers(Parts& parts) {
  auto unknown = parts.options.disabled_controllers;
  std::vector<std::string_view> names;
  for (auto& controller : make_controllers(parts)) {
    names.push_back(controller->name());
    if (std::erase(unknown, controller->name()) == 0) parts.controllers.add(std::move(controller));
  }
  if (unknown.empty()) return {};
  return fail(Code::kInvalid, fmt::format("there is no controller {}; there are {}", unknown.front(),
                                          fmt::join(names, ", ")));
}

Result<http::Server> listen(Ctx& ctx, Parts& parts, http::Handler handler) {
  http::ServerOptions options;
  options.addresses = parts.options.listen;
  options.tls = TRY(
      http::TlsServer::create({.identity = parts.folder.server, .client_authorities = parts.folder.ca_pem}));
  options.limits.connections = parts.options.connections;
  options.render_error = render_error;
  options.observer = http::make_telemetry(parts.metrics, {.server = "apiserver", .access_log = true});
  options.clock = parts.options.clock;
  return http::Server::listen(ctx.loop(), std::move(options), std::move(handler));
}

http::Handler infrastructure(Parts& parts) {
  obs::add_process_metrics(parts.metrics);
  add_storage_metrics(parts.metrics, *parts.storage);
  add_storage_check(parts.health, *parts.storage);
  http::Router router;
  http::add_metrics_route(router, parts.metrics);
  http::add_health_routes(router, parts.health);
  return std::move(router).to_handler();
}

Result<> serve_until_cancelled(Ctx& ctx, Parts& parts, const ReadyCallback& ready) {
  TRY(add_controllers(parts));
  // The socket early: a port that is taken is the likeliest mistake, and nothing is written before it.
  std::unique_ptr<Dispatcher> dispatcher;
  auto server = TRY(listen(
      ctx, parts, [&](Ctx& task, http::ServerRequest& request) { return (*dispatcher)(task, request); }));
  const auto bound = server.addresses().front();
  const std::string url = url_of(parts.options, bound);
  dispatcher = std::make_unique<Dispatcher>(Dispatcher::Parts{.authenticator = parts.authenticator,
                                                              .access = parts.access,
                                                              .registry = parts.registry,
                                                              .verbs = parts.verbs,
                                                              .discovery = parts.discovery,
                                                              .openapi = parts.openapi,
                                                              .tokens = *parts.tokens,
                                                              .limits = parts.limits,
                                                              .infrastructure = infrastructure(parts),
                                                              .url = url,
                                                              .audit = parts.audit.get()});
  async::TaskGroup tasks(ctx, async::TaskGroup::OnError::kKeepGoing);
  parts.controllers.start(tasks);
  if (parts.audit != nullptr) {
    tasks.spawn("audit", [&](Ctx& task) { return parts.audit->run(task); });
  }
  if (parts.static_tokens != nullptr) {
    tasks.spawn("static tokens", [&](Ctx& task) { return parts.static_tokens->follow(task); });
  }
  const auto begun =
      bootstrap(ctx, parts.controllers.access(),
                {.port = bound.port, .encryption = parts.options.ephemeral ? "identity" : "aesgcm"});
  auto result = begun;
  if (begun) {
    result =
        ctx.blocking([&] { return write_admin_kubeconfig(parts.folder, url, parts.options.clock->now()); });
  }
  if (result) {
    server_log().info("ready", {{"url", url}});
    if (ready) ready(url);
    result = server.serve(ctx);
  }
  tasks.stop(ctx);
  return result;
}

}  // namespace

Result<> run_api_server(Ctx& ctx, const ApiServerOptions& options, ReadyCallback ready) {
  auto folder = TRY(ctx.blocking([&] {
    return open_state_folder({.path = options.state, .hosts = options.advertise_hosts}, options.clock->now());
  }));
  auto backend = TRY(ctx.blocking([&] { return open_backend(options); }));
  auto key =
      TRY(ctx.blocking([&] { return ServiceAccountTokens::ensure_key(folder.service_account_key()); }));
  std::shared_ptr<StaticTokens> static_tokens;
  if (!options.token_auth_file.empty()) {
    static_tokens = TRY(ctx.blocking([&] { return StaticTokens::load(options.token_auth_file); }));
  }
  auto audit = TRY(ctx.blocking([&] { return open_audit_log(options); }));
  auto storage = TRY(Storage::open(ctx, std::move(backend)));
  Storage& store = *storage;
  auto tokens = ServiceAccountTokens::create(store, std::move(key),
                                             {.issuer = std::string(kTokenIssuer), .clock = options.clock});
  Result<> result = {};
  if (tokens) {
    auto parts = std::make_unique<Parts>(ctx, options, std::move(folder), std::move(storage),
                                         *std::move(tokens), std::move(static_tokens));
    parts->audit = std::move(audit);
    result = serve_until_cancelled(ctx, *parts, ready);
    parts->storage->stop(ctx);
  } else {
    store.stop(ctx);
    result = fail(tokens.error());
  }
  if (result) server_log().info("stopped");
  return result;
}

}  // namespace klutch::apiserver
