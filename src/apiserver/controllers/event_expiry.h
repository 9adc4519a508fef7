// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/controllers/controller.h"

namespace klutch::apiserver {

/// Deletes events that nothing was added to for an hour, as kube-apiserver does by default.
class EventExpiry final : public Controller {
 public:
  [[nodiscard]] std::string_view name() const override { return "event-expiry"; }
  void begin(const ControllerAccess& access, const Enqueue& enqueue) override;
  void observe(std::string_view type, const StoreEvent& event, const Enqueue& enqueue) override;
  /// Looks at all events, every five minutes.
  Result<std::optional<Duration>> reconcile(Ctx& ctx, ControllerAccess& access,
                                            const std::string& key) override;
};

}  // namespace klutch::apiserver
