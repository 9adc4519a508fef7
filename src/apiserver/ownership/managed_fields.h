// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "apiserver/ownership/field_set.h"
#include "apiserver/ownership/merge_type.h"
#include "base/clock.h"
#include "base/result.h"
#include "json/value.h"

// metadata.managedFields: who owns which field of an object, kept up to date by every write, and server-side
// apply, which rests on it (KEP-555). Pure functions over whole objects.
//
//   auto stored = TRY(apply_object(live, config, write, types, Force::kNo));

namespace klutch::apiserver {

/// A manager's entry is found by this.
struct ManagerId {
  enum class Operation { kApply, kUpdate };
  std::string manager = {};
  Operation operation = Operation::kUpdate;
  std::string api_version = {};  ///< empty for kApply: an applier has one entry for all versions
  std::string subresource = {};
  auto operator<=>(const ManagerId&) const = default;

  /// For messages: "kubectl" or "controller" using v1, quoted.
  [[nodiscard]] std::string to_string() const;
};

struct ManagedSet {
  FieldSet fields = {};
  std::string api_version = {};
  Time time = {};  ///< whole seconds
};

using ManagedFields = std::map<ManagerId, ManagedSet>;

/// From the array metadata.managedFields; null reads as empty. kInvalid naming the entry.
Result<ManagedFields> read_managed_fields(const json::Value& entries);
/// Ordered as Kubernetes orders them: appliers first, then by time, manager, version, subresource.
json::Value print_managed_fields(const ManagedFields& managed);

/// How the types of one kind's versions are found.
struct OwnershipTypes {
  /// Null for a version that is not served any more; its entries are dropped.
  std::function<TypeRef(std::string_view api_version)> type_of = {};
  /// Per version, what this endpoint never owns, with all below: `status` on the main one.
  std::function<FieldSet(std::string_view api_version)> reset_fields = {};
};

/// Who writes, through what.
struct WriteIdentity {
  std::string manager = {};
  std::string api_version = {};
  std::string subresource = {};
  Time now = {};
};

/// Sets the managedFields of `updated`, which is about to replace `live` (an empty object when it is
/// created). Never fails: what cannot be tracked leaves the entries as they were.
void track_update(const json::Value& live, json::Value& updated, const WriteIdentity& write,
                  const OwnershipTypes& types);

enum class Force { kNo, kYes };

/// `live` (an empty object if there is none) with `config` applied by `write.manager`, managedFields
/// included. kConflict with a cause per field, reason FieldManagerConflict, unless forced; kInternal if
/// `config` does not fit its type ("failed to create typed patch object (...)"), which Kubernetes answers
/// with 500; kBadRequest if `config` has managedFields.
Result<json::Value> apply_object(const json::Value& live, const json::Value& config,
                                 const WriteIdentity& write, const OwnershipTypes& types, Force force);

}  // namespace klutch::apiserver
