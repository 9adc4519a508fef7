// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "apiserver/auth/rbac.h"
#include "apiserver/storage/storage.h"

// The roles and bindings of the store, parsed once per change. It looks for changes when it is asked, which
// costs nothing when nothing was written, so that an answer is never older than what clients have seen: who
// got a right or lost it does so with the next request. Loop thread only; never suspends, so that it may be
// asked inside of a store's decision.

namespace klutch::apiserver {

class RbacCache final : public RbacObjects {
 public:
  /// `storage` must outlive it.
  explicit RbacCache(Storage& storage);
  ~RbacCache() override;

  [[nodiscard]] std::vector<BindingPtr> cluster_role_bindings() const override;
  [[nodiscard]] std::vector<BindingPtr> role_bindings(std::string_view ns) const override;
  [[nodiscard]] std::shared_ptr<const PolicyRules> rules_of_role(std::string_view ns,
                                                                 std::string_view name) const override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::apiserver
