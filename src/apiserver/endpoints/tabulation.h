// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/endpoints/negotiation.h"
#include "apiserver/registry/resource.h"
#include "base/clock.h"
#include "json/value.h"

// Objects as a Table (meta.k8s.io): what `kubectl get` prints. A value that belongs to one fiber and lives no
// longer than its resource. Cannot fail: a cell that cannot be filled is null.

namespace klutch::apiserver {

class Tabulation {
 public:
  /// `headers` off: the client has the columns already.
  Tabulation(const ServedResource& resource, const Representation& form, Time now, bool headers = true);

  void add_row(json::Value object);
  [[nodiscard]] json::Value finish(json::Value list_metadata) &&;

 private:
  const ServedResource& resource_;
  const Representation& form_;
  Time now_;
  bool headers_;
  json::Value rows_ = json::Value::empty_array();
};

}  // namespace klutch::apiserver
