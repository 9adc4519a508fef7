// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "json/value.h"

// Conditions: what is true of an object right now, each with the moment it last changed (API conventions,
// "Typical status properties"). With a severity, as Cluster API and kube-bind use them, or without. A
// condition that is set to what it already says is left alone, time included, so that nothing is written when
// nothing changed.
//
//   binding.conditions().set_false("SecretValid", "SecretNotFound", {.message = "Secret a/b does not
//   exist"});

namespace klutch::kube {

enum class ConditionStatus { kTrue, kFalse, kUnknown };
/// How bad a condition of status False is. kNone: the field is absent.
enum class Severity { kNone, kError, kWarning, kInfo };

struct Condition {
  std::string type = {};
  ConditionStatus status = ConditionStatus::kUnknown;
  Severity severity = Severity::kNone;
  std::string reason = {};
  std::string message = {};
  std::string last_transition_time = {};  ///< RFC 3339, whole seconds
  std::optional<std::int64_t> observed_generation = {};
};

/// What else to say about a condition.
struct ConditionDetail {
  std::string_view message = {};
  Severity severity = Severity::kNone;
  std::optional<std::int64_t> observed_generation = {};
};

/// The list status.conditions of one object. Refers to the object: use it at once.
class Conditions {
 public:
  /// `clock` stamps changes; both must outlive this.
  Conditions(json::Value& object, const Clock& clock) : object_(object), clock_(clock) {}

  /// The first of that type, or nothing.
  [[nodiscard]] std::optional<Condition> find(std::string_view type) const;
  /// In the order stored. Entries that are no objects or have no type are left out.
  [[nodiscard]] std::vector<Condition> all() const;
  [[nodiscard]] bool is_true(std::string_view type) const;
  [[nodiscard]] bool is_false(std::string_view type) const;

  /// Each gives true if that changed anything. lastTransitionTime becomes now when status, reason, severity
  /// or message change. The list stays sorted: Ready first, the others by type.
  bool set(const Condition& condition);
  bool set_true(std::string_view type, std::string_view reason = {}, const ConditionDetail& detail = {});
  bool set_false(std::string_view type, std::string_view reason, const ConditionDetail& detail = {});
  bool set_unknown(std::string_view type, std::string_view reason, const ConditionDetail& detail = {});
  bool remove(std::string_view type);

  /// Sets Ready from all others: False with severity Error wins over Warning, Info, then True, then Unknown;
  /// reason and message come from the first condition, by type, of the winning group. True has neither.
  /// Without other conditions Ready is left alone.
  bool summarize();

 private:
  json::Value& object_;
  const Clock& clock_;
};

/// "True", "False", "Unknown"; and back, kUnknown for anything else.
std::string_view to_string(ConditionStatus status) noexcept;
ConditionStatus parse_condition_status(std::string_view text) noexcept;
/// "Error", "Warning", "Info", "".
std::string_view to_string(Severity severity) noexcept;

}  // namespace klutch::kube
