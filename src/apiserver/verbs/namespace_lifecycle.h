// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/storage/storage.h"
#include "apiserver/verbs/verbs.h"

namespace klutch::apiserver {

/// New objects go only into namespaces that exist (else kNotFound, about the namespace) and are not being
/// deleted (else kForbidden with the cause NamespaceTerminating).
class NamespaceLifecycle final : public Admission {
 public:
  explicit NamespaceLifecycle(const Storage& storage) : storage_(storage) {}
  [[nodiscard]] Result<> admit(const Change& change) const override;

 private:
  const Storage& storage_;
};

}  // namespace klutch::apiserver
