// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/storage/storage.h"
#include "apiserver/verbs/verbs.h"

namespace klutch::apiserver {

/// Refuses new objects where a ResourceQuota of their namespace counts objects ("count/widgets.ex.io",
/// "secrets", "pods") and its spec.hard is reached: kForbidden with Kubernetes' text. Counts
/// what is decided, so that nobody passes a limit by haste. Quotas of compute resources do not count.
class ObjectQuota final : public Admission {
 public:
  explicit ObjectQuota(const Storage& storage) : storage_(storage) {}
  [[nodiscard]] Result<> admit(const Change& change) const override;

 private:
  const Storage& storage_;
};

}  // namespace klutch::apiserver
