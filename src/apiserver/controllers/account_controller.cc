// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/account_controller.h"

#include <utility>

#include "crypto/base64.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kNamespaceType = "namespaces";
constexpr std::string_view kAccountType = "serviceaccounts";
constexpr std::string_view kConfigMapType = "configmaps";
constexpr std::string_view kSecretType = "secrets";
constexpr std::string_view kRootCaName = "kube-root-ca.crt";
constexpr std::string_view kTokenSecretType = "kubernetes.io/service-account-token";
constexpr std::string_view kAccountName = "kubernetes.io/service-account.name";
constexpr std::string_view kAccountUid = "kubernetes.io/service-account.uid";
constexpr std::string_view kRootCaText =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such "
    "as "
    "the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of "
    "Kubernetes clusters.";

/// Somebody else made it meanwhile, or its namespace is going: both are fine.
Result<> unless_settled(const Result<WriteOutcome>& outcome) {
  if (outcome || is(outcome.error(), Code::kAlreadyExists) || is(outcome.error(), Code::kNotFound) ||
      is(outcome.error(), Code::kForbidden)) {
    return {};
  }
  return fail(outcome.error());
}

json::Value new_object(std::string_view kind, std::string_view ns, std::string_view object_name) {
  return json::object({{"apiVersion", "v1"},
                       {"kind", kind},
                       {"metadata", json::object({{"name", object_name}, {"namespace", ns}})}});
}

Result<> ensure_root_ca(Ctx& ctx, ControllerAccess& access, const std::string& ns, const std::string& ca) {
  const auto found = access.get(kConfigMapType, {ns, std::string(kRootCaName)});
  const json::Value data = json::object({{"ca.crt", ca}});
  if (!found) {
    json::Value made = new_object("ConfigMap", ns, kRootCaName);
    kube::set_annotation(made, "kubernetes.io/description", kRootCaText);
    made.set("data", data);
    return unless_settled(access.create(ctx, kConfigMapType, std::move(made)));
  }
  const auto* present = found->find("data");
  if (present != nullptr && *present == data) return {};
  json::Value repaired = *found;
  repaired.set("data", data);
  return unless_settled(access.update(ctx, kConfigMapType, std::move(repaired)));
}

std::string encoded(std::string_view text) {
  return crypto::base64_encode(text);
}

}  // namespace

void NamespaceContents::begin(const ControllerAccess& access, const Enqueue& enqueue) {
  for (const auto& object : access.list(kNamespaceType)) enqueue(std::string(kube::name(object)));
}

void NamespaceContents::observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) {
  const auto& key = event.after->key();
  if (type == kNamespaceType && event.before == nullptr) enqueue(key.name);
  if (type == kAccountType && event.deleted && key.name == "default") enqueue(key.ns);
  if (type == kConfigMapType && event.before != nullptr && key.name == kRootCaName) enqueue(key.ns);
}

Result<std::optional<Duration>> NamespaceContents::reconcile(Ctx& ctx, ControllerAccess& access,
                                                             const std::string& key) {
  const auto object = access.get(kNamespaceType, {"", key});
  if (!object || kube::is_deleting(*object)) return kUntilChange;
  if (!access.get(kAccountType, {key, "default"})) {
    TRY(unless_settled(access.create(ctx, kAccountType, new_object("ServiceAccount", key, "default"))));
  }
  TRY(ensure_root_ca(ctx, access, key, root_ca_));
  return kUntilChange;
}

void TokenSecrets::begin(const ControllerAccess& access, const Enqueue& enqueue) {
  for (const auto& secret : access.list(kSecretType)) {
    if (secret.find_string("type") == kTokenSecretType) enqueue(kube::key(secret).to_string());
  }
}

void TokenSecrets::observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) {
  const auto& key = event.after->key();
  if (type == kAccountType && event.deleted) enqueue(key.ns + "/");
  if (type != kSecretType || event.deleted) return;
  if (event.after->bytes().find(kTokenSecretType) != std::string_view::npos) enqueue(key.to_string());
}

Result<std::optional<Duration>> TokenSecrets::reconcile(Ctx& ctx, ControllerAccess& access,
                                                        const std::string& key) {
  const auto slash = key.find('/');
  const std::string ns = key.substr(0, slash);
  const std::string secret_name = key.substr(slash + 1);
  if (!secret_name.empty()) {
    if (const auto secret = access.get(kSecretType, {ns, secret_name})) TRY(fill(ctx, access, *secret));
    return kUntilChange;
  }
  for (const auto& secret : access.list(kSecretType, ns)) TRY(fill(ctx, access, secret));
  return kUntilChange;
}

Result<> TokenSecrets::fill(Ctx& ctx, ControllerAccess& access, const json::Value& secret) {
  if (secret.find_string("type") != kTokenSecretType || kube::is_deleting(secret)) return {};
  const auto key = kube::key(secret);
  const std::string account(kube::annotation(secret, kAccountName).value_or(""));
  const std::string uid(kube::annotation(secret, kAccountUid).value_or(""));
  const auto owner = access.get(kAccountType, {key.ns, account});
  if (!owner || (!uid.empty() && uid != kube::uid(*owner))) {
    return unless_settled(access.remove(ctx, kSecretType, key, {.uid = std::string(kube::uid(secret))}));
  }
  json::Value filled = secret;
  json::Value& data = filled["data"];
  if (!data.is_object()) data = json::Value::empty_object();
  kube::set_annotation(filled, kAccountUid, kube::uid(*owner));
  data.set("ca.crt", encoded(root_ca_));
  data.set("namespace", encoded(key.ns));
  if (data.find_string("token").value_or("").empty()) {
    data.set("token", encoded(TRY(make_token_({.ns = key.ns,
                                               .account = account,
                                               .account_uid = std::string(kube::uid(*owner)),
                                               .secret = key.name}))));
  }
  if (filled == secret) return {};
  return unless_settled(access.update(ctx, kSecretType, std::move(filled)));
}

}  // namespace klutch::apiserver
