// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/request_attributes.h"
#include "apiserver/auth/user.h"
#include "base/result.h"
#include "json/value.h"

// What of which requests is written to the audit log: a Policy of audit.k8s.io/v1, as kube-apiserver's
// --audit-policy-file. The first rule that fits decides; a request without one is not logged. Immutable;
// any thread.

namespace klutch::apiserver {

enum class AuditLevel : std::uint8_t {
  kNone,
  kMetadata,         ///< who asked for what, and with what outcome
  kRequest,          ///< and what was sent
  kRequestResponse,  ///< and what was answered
};
/// "None", "Metadata", "Request", "RequestResponse".
std::string_view name_of(AuditLevel level) noexcept;

enum class AuditStage : std::uint8_t { kRequestReceived, kResponseStarted, kResponseComplete, kPanic };
/// "RequestReceived", "ResponseStarted", "ResponseComplete", "Panic".
std::string_view name_of(AuditStage stage) noexcept;

class AuditPolicy {
 public:
  struct Decision {
    AuditLevel level = AuditLevel::kNone;
    std::vector<AuditStage> omitted = {};
    bool omits_managed_fields = false;

    [[nodiscard]] bool logs(AuditStage stage) const noexcept;
  };

  /// Logs nothing.
  AuditPolicy() = default;
  /// kInvalid names the field that is wrong.
  static Result<AuditPolicy> from_json(const json::Value& policy);

  [[nodiscard]] Decision decide(const User& user, const RequestAttributes& request) const;

 private:
  struct Resources {
    std::string group = {};
    std::vector<std::string> resources = {};
    std::vector<std::string> names = {};
  };
  struct Rule {
    Decision decision = {};
    std::vector<std::string> users = {};
    std::vector<std::string> groups = {};
    std::vector<std::string> verbs = {};
    std::vector<std::string> namespaces = {};
    std::vector<Resources> resources = {};
    std::vector<std::string> urls = {};
  };
  static bool fits(const Rule& rule, const User& user, const RequestAttributes& request);
  static bool fits_resource(const Resources& wanted, const RequestAttributes& request);
  static Result<Rule> read_rule(const json::Value& rule, const Decision& base, const std::string& path);

  std::vector<Rule> rules_ = {};
};

}  // namespace klutch::apiserver
