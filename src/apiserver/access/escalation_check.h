// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/access/access.h"
#include "apiserver/verbs/verbs.h"

// Nobody grants what he does not have: who writes a role must hold all of its rules, or have the verb
// "escalate" on it; who writes a binding must hold the rules of its role, or have the verb "bind" on that
// role. A ClusterRole that gathers others takes the right to everything. Never suspends.

namespace klutch::apiserver {

class EscalationCheck final : public Admission {
 public:
  /// `access` must outlive it.
  explicit EscalationCheck(const Access& access) : access_(access) {}
  /// kForbidden, listing what is missing; kNotFound for a binding to a role that is not there.
  [[nodiscard]] Result<> admit(const Change& change) const override;

 private:
  [[nodiscard]] Result<> admit_role(const Change& change) const;
  [[nodiscard]] Result<> admit_binding(const Change& change) const;
  [[nodiscard]] Result<> require_held(const Change& change, const PolicyRules& wanted) const;

  const Access& access_;
};

}  // namespace klutch::apiserver
