// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "apiserver/auth/audit_policy.h"
#include "apiserver/auth/request_attributes.h"
#include "apiserver/auth/user.h"
#include "base/clock.h"
#include "json/value.h"

// One line of the audit log: an Event of audit.k8s.io/v1. Pure.

namespace klutch::apiserver {

/// What is known of a request at one of its stages. Borrows everything.
struct AuditRecord {
  std::string_view id = {};  ///< the same at all stages
  std::string_view request_uri = {};
  const RequestAttributes& attributes;
  const User& user;
  const User* impersonated = nullptr;
  std::string_view source_ip = {};
  std::string_view user_agent = {};
  int status = 0;  ///< 0: nothing has been answered yet
  /// A Status, for a request that failed.
  const json::Value* failure = nullptr;
  const json::Value* request_object = nullptr;
  const json::Value* response_object = nullptr;
  /// Nothing was decided if both are empty: "allow" or "forbid", and why.
  std::string_view decision = {};
  std::string_view reason = {};
  Time received = {};
  Time now = {};
};

/// With as much as `policy` wants.
json::Value audit_event(const AuditRecord& record, const AuditPolicy::Decision& policy, AuditStage stage);

}  // namespace klutch::apiserver
