// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "apiserver/schema/structural_schema.h"
#include "base/clock.h"
#include "json/value.h"

// What a CustomResourceDefinition's status says: which of its names it has, whether it is served, and what is
// wrong with it; with the reasons and messages of Kubernetes' own controllers. Pure functions; a controller
// stores what they give.
//
//   UsedNames used;  // built-in names of the group, then:
//   for (const json::Value& other : definitions_of_the_group) used.add(other);
//   json::Value status = definition_status(definition, used, pool, now);

namespace klutch::apiserver {

/// The names that are taken in one group.
struct UsedNames {
  std::set<std::string, std::less<>> resources = {};  ///< plural, singular and short ones
  std::set<std::string, std::less<>> kinds = {};      ///< of lists, too

  /// Those that a definition has been given; its own do not hinder it.
  void add(const json::Value& definition);
};

/// The status that `definition` should have; equal to the one that it has if nothing is to be done. A
/// definition whose names are accepted is Established at once.
json::Value definition_status(const json::Value& definition, const UsedNames& used, SchemaPool& pool,
                              Time now);

/// How far the removal of a definition's objects is.
enum class Removal : std::uint8_t { kPending, kInProgress, kCompleted, kNeverEstablished };
/// Sets the Terminating condition in `definition`.
void set_terminating(json::Value& definition, Removal removal, Time now);

/// As metadata.finalizers has it while a deleted definition's objects are being removed.
inline constexpr std::string_view kCleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

}  // namespace klutch::apiserver
