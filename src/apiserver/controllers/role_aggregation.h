// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>

#include "apiserver/controllers/controller.h"

namespace klutch::apiserver {

/// Keeps the rules of ClusterRoles with an aggregationRule: the union of those of the roles it selects, in
/// the order of their names.
class RoleAggregation final : public Controller {
 public:
  [[nodiscard]] std::string_view name() const override { return "role-aggregation"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;

 private:
  std::set<std::string> aggregates_ = {};
};

}  // namespace klutch::apiserver
