// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "apiserver/controllers/controller.h"

namespace klutch::apiserver {

/// Says in the status of ResourceQuotas how many of the objects that they count there are. Compute resources,
/// which nothing uses without pods that run, stay at 0. Refusing what is beyond is verbs/object_quota.h.
class QuotaStatus final : public Controller {
 public:
  [[nodiscard]] std::string_view name() const override { return "quota-status"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;

 private:
  /// The names of quotas, by namespace.
  std::map<std::string, std::set<std::string>, std::less<>> quotas_ = {};
};

}  // namespace klutch::apiserver
