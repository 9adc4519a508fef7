// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/bootstrap.h"

#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/auth/bootstrap_policy.h"
#include "async/task_group.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

/// Somebody else may have made it.
Result<> created(const Result<WriteOutcome>& outcome) {
  if (outcome || is(outcome.error(), Code::kAlreadyExists)) return {};
  return fail(outcome.error());
}

json::Value named(std::string_view api_version, std::string_view kind, std::string_view ns,
                  std::string_view name) {
  json::Value metadata = json::object({{"name", name}});
  if (!ns.empty()) metadata.set("namespace", ns);
  return json::object({{"apiVersion", api_version}, {"kind", kind}, {"metadata", std::move(metadata)}});
}

Result<> ensure_namespaces(Ctx& ctx, ControllerAccess& access) {
  async::TaskGroup tasks(ctx);
  for (const std::string_view name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    if (access.get("namespaces", {"", std::string(name)})) continue;
    tasks.spawn("namespace", [&access, name](Ctx& task) {
      return created(access.create(task, "namespaces", named("v1", "Namespace", "", name)));
    });
  }
  return tasks.wait(ctx);
}

Result<> repair(Ctx& ctx, ControllerAccess& access, BootstrapRepair repair) {
  const std::string_view type = repair.wanted->type;
  switch (repair.kind) {
    case BootstrapRepair::Kind::kCreate: return created(access.create(ctx, type, std::move(repair.object)));
    case BootstrapRepair::Kind::kUpdate: TRY(access.update(ctx, type, std::move(repair.object))); return {};
    case BootstrapRepair::Kind::kReplace:
      TRY(access.remove(ctx, type, repair.wanted->key));
      return created(access.create(ctx, type, std::move(repair.object)));
  }
  return {};
}

/// All at once, so that they share commits. The server itself may grant anything, so the order is free.
Result<> ensure_policy(Ctx& ctx, ControllerAccess& access) {
  auto repairs =
      bootstrap_repairs([&](std::string_view type, const kube::Key& key) { return access.get(type, key); });
  async::TaskGroup tasks(ctx);
  for (auto& each : repairs) {
    tasks.spawn("policy", [&access, &each](Ctx& task) { return repair(task, access, std::move(each)); });
  }
  return tasks.wait(ctx);
}

json::Value kubernetes_service() {
  json::Value service = named("v1", "Service", "default", "kubernetes");
  service["metadata"]["labels"] = json::object({{"component", "apiserver"}, {"provider", "kubernetes"}});
  service["spec"] = json::object(
      {{"type", "ClusterIP"},
       {"clusterIP", "10.96.0.1"},
       {"sessionAffinity", "None"},
       {"ports", json::array({json::object(
                     {{"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", 443}})})}});
  return service;
}

json::Value kubernetes_endpoints(const BootstrapFacts& facts) {
  json::Value endpoints = named("v1", "Endpoints", "default", "kubernetes");
  endpoints["metadata"]["labels"] = json::object({{"endpointslice.kubernetes.io/skip-mirror", "true"}});
  endpoints["subsets"] = json::array({json::object(
      {{"addresses", json::array({json::object({{"ip", facts.address}})})},
       {"ports",
        json::array({json::object({{"name", "https"}, {"port", facts.port}, {"protocol", "TCP"}})})}})});
  return endpoints;
}

/// Endpoints of loopback addresses are not allowed by Kubernetes: without another address there are none.
Result<> ensure_service(Ctx& ctx, ControllerAccess& access, const BootstrapFacts& facts) {
  const kube::Key key = {"default", "kubernetes"};
  if (!access.get("services", key)) TRY(created(access.create(ctx, "services", kubernetes_service())));
  if (facts.address.empty()) return {};
  const auto found = access.get("endpoints", key);
  json::Value wanted = kubernetes_endpoints(facts);
  if (!found) return created(access.create(ctx, "endpoints", std::move(wanted)));
  json::Value updated = *found;
  updated.set("subsets", *wanted.find("subsets"));
  TRY(access.update(ctx, "endpoints", std::move(updated)));
  return {};
}

Result<> ensure_encryption_note(Ctx& ctx, ControllerAccess& access, const BootstrapFacts& facts) {
  const kube::Key key = {"kube-public", "klutch-encryption"};
  const json::Value data = json::object({{"resources", "secrets"}, {"provider", facts.encryption}});
  auto found = access.get("configmaps", key);
  if (!found) {
    json::Value note = named("v1", "ConfigMap", key.ns, key.name);
    note.set("data", data);
    return created(access.create(ctx, "configmaps", std::move(note)));
  }
  found->set("data", data);
  TRY(access.update(ctx, "configmaps", *std::move(found)));
  return {};
}

}  // namespace

Result<> bootstrap(Ctx& ctx, ControllerAccess& access, const BootstrapFacts& facts) {
  TRY(ensure_namespaces(ctx, access).map_error(context("cannot make the first namespaces")));
  async::TaskGroup tasks(ctx);
  tasks.spawn("policy", [&](Ctx& task) {
    return ensure_policy(task, access).map_error(context("cannot make the first roles"));
  });
  tasks.spawn("service", [&](Ctx& task) {
    return ensure_service(task, access, facts).map_error(context("cannot make the Service kubernetes"));
  });
  tasks.spawn("encryption", [&](Ctx& task) { return ensure_encryption_note(task, access, facts); });
  return tasks.wait(ctx);
}

}  // namespace klutch::apiserver
