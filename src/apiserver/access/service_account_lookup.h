// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "apiserver/storage/storage.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/api/resource.h"

// Whether the objects that a ServiceAccount's token depends on are still there, in the committed state. All
// failures are kUnauthenticated. Private to src/apiserver/access.

namespace klutch::apiserver {

class ServiceAccountLookup {
 public:
  ServiceAccountLookup(const Storage& storage, Time now) : storage_(storage), now_(now) {}

  Result<> require_account(const kube::Key& key, std::string_view uid) const;
  /// An object that is being deleted counts as there until a minute after its time, as in kube-apiserver: a
  /// pod works until its grace period is over.
  Result<> require_bound(std::string_view type, std::string_view kind, const kube::Key& key,
                         std::string_view uid) const;
  /// The Secret holds exactly this token and has not been declared invalid.
  Result<> require_token_secret(const kube::Key& key, std::string_view token) const;

 private:
  [[nodiscard]] bool is_gone(const json::Value& object) const;

  const Storage& storage_;
  Time now_;
};

}  // namespace klutch::apiserver
