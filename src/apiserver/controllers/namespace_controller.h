// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>

#include "apiserver/controllers/controller.h"

namespace klutch::apiserver {

/// Empties namespaces that are being deleted, says in their conditions what keeps them, and lets them go when
/// nothing is left.
class NamespaceController final : public Controller {
 public:
  [[nodiscard]] std::string_view name() const override { return "namespaces"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;

 private:
  /// Those in which a deletion brings work.
  std::set<std::string, std::less<>> ending_ = {};
};

}  // namespace klutch::apiserver
