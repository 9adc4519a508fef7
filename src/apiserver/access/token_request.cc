// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "apiserver/access/reviews.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/verbs/api_errors.h"
#include "base/strings.h"
#include "base/time.h"
#include "json/build.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using TokenRef = ServiceAccountTokens::Ref;

constexpr std::int64_t kDefaultSeconds = 3600;
constexpr std::int64_t kMinSeconds = 600;
constexpr std::int64_t kMaxSeconds = std::int64_t{1} << 32;
const kube::GroupKind kTokenRequest{"authentication.k8s.io", "TokenRequest"};

std::string member(const Value& object, std::string_view name) {
  return std::string(object.find_string(name).value_or(""));
}

/// Issues one token: the steps of kube-apiserver in its order, since their failures tell each other apart.
class TokenIssuer {
 public:
  TokenIssuer(const Storage& storage, const ServiceAccountTokens& tokens, const kube::Key& account)
      : storage_(storage), tokens_(tokens), account_(account) {}

  Result<Value> issue(Value request, Time now) {
    TRY(check_names(request));
    const auto account = TRY(get("serviceaccounts", kServiceAccountsType, account_));
    TRY(check_uid(request, account));
    complete(request, account, now);
    TRY(check_lifetime(request));
    ServiceAccountTokens::Request wanted;
    wanted.ns = account_.ns;
    wanted.account = {account_.name, std::string(kube::uid(account))};
    for (const auto& audience : request["spec"]["audiences"].elements()) {
      if (audience.is_string()) wanted.audiences.emplace_back(audience.as_string());
    }
    const auto seconds = *request["spec"].find_int("expirationSeconds");
    wanted.lifetime = std::chrono::seconds(seconds);
    TRY(bind(request["spec"]["boundObjectRef"], wanted));
    const auto issued = TRY(tokens_.issue(wanted));
    auto status = json::object(
        {{"token", issued.token.reveal()}, {"expirationTimestamp", format_rfc3339(issued.expires_at)}});
    request.set("status", std::move(status));
    return request;
  }

 private:
  Result<> check_names(const Value& request) const {
    const FieldPath metadata("metadata");
    if (const auto name = kube::name(request); !name.empty() && name != account_.name) {
      return refuse({FieldError::invalid(metadata.child("name"), name,
                                         "must match the service account name if specified")});
    }
    if (const auto ns = kube::ns(request); !ns.empty() && ns != account_.ns) {
      return fail(bad_request(
          "the namespace of the provided object does not match the namespace sent on the request"));
    }
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> refuse(const FieldErrors& errors) const {
    return fail(invalid_error(kTokenRequest, account_.name, errors));
  }

  Result<Value> get(std::string_view resource, std::string_view type, const kube::Key& key) const {
    const auto stored = storage_.get(type, key);
    if (key.name.empty()) return fail(bad_request("Name parameter required."));
    if (stored == nullptr) return fail(object_not_found({"", std::string(resource)}, key.name));
    return stored->to_value();
  }

  Result<> check_uid(const Value& request, const Value& account) const {
    const auto uid = kube::uid(request);
    if (uid.empty() || uid == kube::uid(account)) return {};
    return fail(object_conflict({kTokenRequest.group, kTokenRequest.kind}, account_.name,
                                fmt::format("the UID in the token request ({}) does not match the UID of the "
                                            "service account ({})",
                                            utf8_prefix(uid, 64), kube::uid(account))));
  }

  /// What was left out, and what the server decides.
  void complete(Value& request, const Value& account, Time now) const {
    auto& metadata = request["metadata"];
    if (!metadata.is_object()) metadata = Value::empty_object();
    metadata.set("name", account_.name);
    metadata.set("namespace", account_.ns);
    metadata.set("uid", kube::uid(account));
    metadata.set("creationTimestamp", format_rfc3339(now));
    auto& spec = request["spec"];
    if (!spec.is_object()) spec = Value::empty_object();
    const Value* audiences = spec.find_array("audiences");
    if (audiences == nullptr || audiences->empty()) {
      auto& list = spec.set("audiences", Value::empty_array());
      for (const auto& audience : tokens_.audiences()) list.push_back(audience);
    }
    if (!spec.find_int("expirationSeconds")) spec.set("expirationSeconds", kDefaultSeconds);
    if (spec.find_object("boundObjectRef") == nullptr) spec.set("boundObjectRef", nullptr);
  }

  static Result<> check_lifetime(const Value& request) {
    const auto seconds = *request.find_object("spec")->find_int("expirationSeconds");
    if (seconds >= kMinSeconds && seconds <= kMaxSeconds) return {};
    const std::string_view detail = seconds < kMinSeconds
                                        ? "may not specify a duration less than 10 minutes"
                                        : "may not specify a duration larger than 2^32 seconds";
    const FieldErrors errors = {
        FieldError::invalid(FieldPath("spec").child("expirationSeconds"), seconds, detail)};
    return fail(invalid_error(kTokenRequest, "", errors));
  }

  Result<> bind(const Value& reference, ServiceAccountTokens::Request& wanted) const {
    if (!reference.is_object()) return {};
    const auto version = member(reference, "apiVersion");
    const auto kind = member(reference, "kind");
    const auto name = member(reference, "name");
    // Of the core group there is only v1, but kube-apiserver looks at the group alone.
    const bool core = version.find('/') == std::string::npos;
    if (core && kind == "Pod") {
      const auto pod = TRY(get("pods", kPodsType, {account_.ns, name}));
      TRY(bind_pod(pod, wanted));
      return check_reference(reference, pod);
    }
    if (core && kind == "Node") {
      const auto node = TRY(get("nodes", kNodesType, {"", name}));
      wanted.node = TokenRef{name, std::string(kube::uid(node))};
      return check_reference(reference, node);
    }
    if (core && kind == "Secret") {
      const auto secret = TRY(get("secrets", kSecretsType, {account_.ns, name}));
      wanted.secret = TokenRef{name, std::string(kube::uid(secret))};
      return check_reference(reference, secret);
    }
    const auto shown = core ? "/" + version : version;
    return fail(bad_request(fmt::format("cannot bind token to object of type {}, Kind={}",
                                        utf8_prefix(shown, 128), utf8_prefix(kind, 128))));
  }

  Result<> bind_pod(const Value& pod, ServiceAccountTokens::Request& wanted) const {
    const Value* spec = pod.find_object("spec");
    if (spec == nullptr || member(*spec, "serviceAccountName") != account_.name) {
      return fail(
          bad_request(fmt::format("cannot bind token for serviceaccount {} to pod running with "
                                  "different serviceaccount name.",
                                  quote(account_.name, account_.name.size()))));
    }
    wanted.pod = TokenRef{std::string(kube::name(pod)), std::string(kube::uid(pod))};
    if (auto node = member(*spec, "nodeName"); !node.empty()) {
      const auto stored = storage_.get(kNodesType, {"", node});
      wanted.node = TokenRef{node, stored == nullptr ? "" : std::string(kube::uid(stored->to_value()))};
    }
    return {};
  }

  static Result<> check_reference(const Value& reference, const Value& object) {
    const auto uid = member(reference, "uid");
    if (uid.empty() || uid == kube::uid(object)) return {};
    return fail(
        object_conflict({"", member(reference, "kind")}, member(reference, "name"),
                        fmt::format("the UID in the bound object reference ({}) does not match the UID "
                                    "in record. The object might have been deleted and then recreated",
                                    utf8_prefix(uid, 64))));
  }

  const Storage& storage_;
  const ServiceAccountTokens& tokens_;
  const kube::Key& account_;
};

}  // namespace

Action token_request_action(const Storage& storage, const ServiceAccountTokens& tokens, const Clock& clock) {
  return [&storage, &tokens, &clock](Ctx&, const ActionRequest& request, Value object) -> Result<Value> {
    return TokenIssuer(storage, tokens, request.key).issue(std::move(object), clock.now());
  };
}

}  // namespace klutch::apiserver
