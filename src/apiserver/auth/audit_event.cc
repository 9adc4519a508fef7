// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/audit_event.h"

#include <utility>

#include "apiserver/auth/user_info.h"
#include "base/time.h"
#include "json/build.h"

namespace klutch::apiserver {
namespace {

using json::Value;

void put_if_any(Value& object, std::string_view name, std::string_view text) {
  if (!text.empty()) object.set(name, text);
}

/// Of a collection or a path there is less to say.
Value object_reference(const RequestAttributes& request) {
  auto object = Value::empty_object();
  put_if_any(object, "resource", request.resource);
  put_if_any(object, "namespace", request.ns);
  put_if_any(object, "name", request.name);
  put_if_any(object, "apiGroup", request.group);
  put_if_any(object, "apiVersion", request.version);
  put_if_any(object, "subresource", request.subresource);
  return object;
}

Value response_status(const AuditRecord& record) {
  auto status = json::object({{"metadata", Value::empty_object()}});
  if (record.failure != nullptr) {
    for (const auto* name : {"status", "message", "reason", "details"}) {
      if (const Value* value = record.failure->find(name); value != nullptr) status.set(name, *value);
    }
  }
  status.set("code", record.status);
  return status;
}

Value logged_object(const Value& object, const AuditPolicy::Decision& policy) {
  Value copy = object;
  if (Value* metadata = copy.find("metadata"); policy.omits_managed_fields && metadata != nullptr) {
    if (metadata->is_object()) metadata->erase("managedFields");
  }
  return copy;
}

}  // namespace

Value audit_event(const AuditRecord& record, const AuditPolicy::Decision& policy, AuditStage stage) {
  auto event = json::object({{"kind", "Event"},
                             {"apiVersion", "audit.k8s.io/v1"},
                             {"level", name_of(policy.level)},
                             {"auditID", record.id},
                             {"stage", name_of(stage)},
                             {"requestURI", record.request_uri},
                             {"verb", record.attributes.verb},
                             {"user", user_info(record.user)}});
  if (record.impersonated != nullptr) event.set("impersonatedUser", user_info(*record.impersonated));
  if (!record.source_ip.empty()) event.set("sourceIPs", json::array({record.source_ip}));
  put_if_any(event, "userAgent", record.user_agent);
  if (record.attributes.is_resource) event.set("objectRef", object_reference(record.attributes));
  if (record.status != 0) event.set("responseStatus", response_status(record));
  if (record.request_object != nullptr && policy.level >= AuditLevel::kRequest) {
    event.set("requestObject", logged_object(*record.request_object, policy));
  }
  if (record.response_object != nullptr && policy.level >= AuditLevel::kRequestResponse) {
    event.set("responseObject", logged_object(*record.response_object, policy));
  }
  event.set("requestReceivedTimestamp", format_rfc3339_micros(record.received));
  event.set("stageTimestamp", format_rfc3339_micros(record.now));
  if (!record.decision.empty()) {
    event.set("annotations", json::object({{"authorization.k8s.io/decision", record.decision},
                                           {"authorization.k8s.io/reason", record.reason}}));
  }
  return event;
}

}  // namespace klutch::apiserver
