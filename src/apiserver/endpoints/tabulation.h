// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/endpoints/negotiation.h"
#include "apiserver/registry/resource.h"
#include "base/clock.h"
#include "json/value.h"

// Objects as a Table (meta.k8s.io): what `kubectl get` prints. A value that belongs to one fiber and lives no
// longer than its columns. Cannot fail: a cell that cannot be filled is null.
//
//   Tabulation table(table_of(resource), form, now);
//   for (const StoredPtr& object : objects) table.add_row(served_object(resource, *object));
//   return std::move(table).finish(list_metadata);

namespace klutch::apiserver {

/// The columns of a resource.
const TableShape& table_of(const ServedResource& resource);
/// The columns of an object that a request for `resource` gave: a Scale, for one, has its own.
const TableShape& table_of(const ServedResource& resource, const json::Value& object);

class Tabulation {
 public:
  /// `headers` off: the client has the columns already.
  Tabulation(const TableShape& shape, const Representation& form, Time now, bool headers = true);

  void add_row(json::Value object);
  [[nodiscard]] json::Value finish(json::Value list_metadata) &&;

 private:
  const TableShape& shape_;
  const Representation& form_;
  Time now_;
  bool headers_;
  json::Value rows_ = json::Value::empty_array();
};

}  // namespace klutch::apiserver
