// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/builtin/facts.h"
#include "apiserver/registry/resource.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/schema/name_rules.h"
#include "base/clock.h"
#include "base/result.h"
#include "json/value.h"

// What one built-in kind does differently from a plain stored object: a table of functions, filled by
// rules_of_*(). A null function does nothing. Private to this library; pure.

namespace klutch::apiserver {

struct SelectableField {
  std::string_view label = {};
  std::vector<std::string_view> path = {};
};

struct KindRules {
  NameRule name = NameRule::kDnsSubdomain;
  bool counts_generations = false;
  bool annotations_count = false;  ///< as a change of the object's generation
  bool unconditional_update = true;
  bool create_on_update = false;
  /// Finalizers need no domain in front.
  bool bare_finalizers = false;
  /// Labels that field selectors know, and where their values are.
  std::vector<SelectableField> selectable = {};
  /// Asked first if set; for values that are put together.
  std::optional<std::string> (*select)(const json::Value& object, std::string_view field) = nullptr;
  const ScalePaths* scale = nullptr;

  /// After reading, before the defaults of the messages.
  void (*after_read)(json::Value& object) = nullptr;
  void (*prepare_create)(json::Value& object, Time now) = nullptr;
  /// On the main endpoint.
  void (*prepare_update)(json::Value& object, const json::Value& old) = nullptr;
  /// What is wrong besides metadata.
  FieldErrors (*validate)(const json::Value& object) = nullptr;
  /// What is wrong with a new object only; in place of validate().
  FieldErrors (*validate_create)(const json::Value& object) = nullptr;
  /// What must not change on the main endpoint; in addition to validate().
  FieldErrors (*validate_change)(const json::Value& object, const json::Value& old) = nullptr;
  /// On /status.
  FieldErrors (*validate_status)(const json::Value& object, const json::Value& old) = nullptr;
  std::vector<std::string> (*warnings)(const json::Value& object, const json::Value* old) = nullptr;
};

/// The rules of a resource, by "resource.group" ("deployments.apps", "secrets").
KindRules rules_of(std::string_view resource);

// The parts of rules_of(); nothing: not of this group.
std::optional<KindRules> core_rules(std::string_view resource);
std::optional<KindRules> access_rules(std::string_view resource);
std::optional<KindRules> workload_rules(std::string_view resource);
std::optional<KindRules> job_rules(std::string_view resource);
std::optional<KindRules> quota_rules(std::string_view resource);
std::optional<KindRules> network_rules(std::string_view resource);
std::optional<KindRules> event_rules(std::string_view resource);
std::optional<KindRules> other_rules(std::string_view resource);

}  // namespace klutch::apiserver
