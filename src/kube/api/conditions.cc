// SPDX-License-Identifier: Apache-2.0
#include "kube/api/conditions.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/time.h"
#include "json/build.h"

namespace klutch::kube {
namespace {

constexpr std::string_view kReady = "Ready";

Severity parse_severity(std::string_view text) noexcept {
  for (const auto severity : {Severity::kError, Severity::kWarning, Severity::kInfo}) {
    if (text == to_string(severity)) return severity;
  }
  return Severity::kNone;
}

Condition read_condition(const json::Value& entry) {
  const auto text = [&entry](std::string_view key) {
    return std::string(entry.find_string(key).value_or(""));
  };
  return {.type = text("type"),
          .status = parse_condition_status(entry.find_string("status").value_or("")),
          .severity = parse_severity(entry.find_string("severity").value_or("")),
          .reason = text("reason"),
          .message = text("message"),
          .last_transition_time = text("lastTransitionTime"),
          .observed_generation = entry.find_int("observedGeneration")};
}

std::string_view type_of(const json::Value& entry) noexcept {
  return entry.find_string("type").value_or("");
}

bool same_state(const Condition& a, const Condition& b) noexcept {
  return a.status == b.status && a.severity == b.severity && a.reason == b.reason && a.message == b.message;
}

void set_or_erase(json::Value& entry, std::string_view key, std::string_view text) {
  if (text.empty()) {
    entry.erase(key);
  } else {
    entry.set(key, text);
  }
}

/// Fields that nobody here knows stay.
void write_condition(json::Value& entry, const Condition& condition) {
  entry.set("type", condition.type);
  entry.set("status", to_string(condition.status));
  set_or_erase(entry, "severity", to_string(condition.severity));
  entry.set("lastTransitionTime", condition.last_transition_time);
  set_or_erase(entry, "reason", condition.reason);
  set_or_erase(entry, "message", condition.message);
  if (condition.observed_generation) entry.set("observedGeneration", *condition.observed_generation);
}

const json::Value* find_list(const json::Value& object) noexcept {
  const auto* status = object.find_object("status");
  return status == nullptr ? nullptr : status->find_array("conditions");
}

json::Value& ensure_list(json::Value& object) {
  if (!object.is_object()) object = json::Value::empty_object();
  auto& status = object["status"];
  if (!status.is_object()) status = json::Value::empty_object();
  auto& list = status["conditions"];
  if (!list.is_array()) list = json::Value::empty_array();
  return list;
}

json::Value* find_entry(json::Value& list, std::string_view type) noexcept {
  for (auto& entry : list.elements()) {
    if (entry.find_string("type") == type) return &entry;
  }
  return nullptr;
}

void sort_list(json::Value& list) {
  const auto before = [](const json::Value& a, const json::Value& b) {
    const auto rank = [](const json::Value& entry) {
      const auto type = type_of(entry);
      return std::pair(type.empty() ? 2 : (type == kReady ? 0 : 1), type);
    };
    return rank(a) < rank(b);
  };
  // A stable insertion sort: lists are short and nearly sorted.
  const std::span<json::Value> entries = list.elements();
  for (auto next = entries.begin(); next != entries.end(); ++next) {
    std::rotate(std::upper_bound(entries.begin(), next, *next, before), next, next + 1);
  }
}

/// Which group of conditions decides Ready: the lowest. False without a severity is next to an error: it must
/// not be outweighed by what is well.
int rank_of(const Condition& condition) noexcept {
  switch (condition.status) {
    case ConditionStatus::kTrue: return 4;
    case ConditionStatus::kUnknown: return 5;
    case ConditionStatus::kFalse: break;
  }
  switch (condition.severity) {
    case Severity::kError: return 0;
    case Severity::kNone: return 1;
    case Severity::kWarning: return 2;
    case Severity::kInfo: return 3;
  }
  return 0;
}

}  // namespace

std::optional<Condition> Conditions::find(std::string_view type) const {
  const auto* list = find_list(object_);
  if (list == nullptr || type.empty()) return std::nullopt;
  for (const auto& entry : list->elements()) {
    if (type_of(entry) == type) return read_condition(entry);
  }
  return std::nullopt;
}

std::vector<Condition> Conditions::all() const {
  std::vector<Condition> conditions;
  const auto* list = find_list(object_);
  if (list == nullptr) return conditions;
  for (const auto& entry : list->elements()) {
    if (!type_of(entry).empty()) conditions.push_back(read_condition(entry));
  }
  return conditions;
}

bool Conditions::is_true(std::string_view type) const {
  const auto condition = find(type);
  return condition && condition->status == ConditionStatus::kTrue;
}

bool Conditions::is_false(std::string_view type) const {
  const auto condition = find(type);
  return condition && condition->status == ConditionStatus::kFalse;
}

bool Conditions::set(const Condition& condition) {
  Condition wanted = condition;
  if (wanted.status != ConditionStatus::kFalse) wanted.severity = Severity::kNone;
  const auto present = find(wanted.type);
  if (!present) {
    if (wanted.last_transition_time.empty()) wanted.last_transition_time = format_rfc3339(clock_.now());
  } else if (!same_state(*present, wanted)) {
    wanted.last_transition_time = format_rfc3339(clock_.now());
  } else {
    wanted.last_transition_time = present->last_transition_time;
    const bool newer =
        wanted.observed_generation && wanted.observed_generation != present->observed_generation;
    if (!newer) return false;
  }
  auto& list = ensure_list(object_);
  auto* entry = find_entry(list, wanted.type);
  if (entry == nullptr) entry = &list.push_back(json::Value::empty_object());
  write_condition(*entry, wanted);
  sort_list(list);
  return true;
}

bool Conditions::set_true(std::string_view type, std::string_view reason, const ConditionDetail& detail) {
  return set({.type = std::string(type),
              .status = ConditionStatus::kTrue,
              .reason = std::string(reason),
              .message = std::string(detail.message),
              .observed_generation = detail.observed_generation});
}

bool Conditions::set_false(std::string_view type, std::string_view reason, const ConditionDetail& detail) {
  return set({.type = std::string(type),
              .status = ConditionStatus::kFalse,
              .severity = detail.severity,
              .reason = std::string(reason),
              .message = std::string(detail.message),
              .observed_generation = detail.observed_generation});
}

bool Conditions::set_unknown(std::string_view type, std::string_view reason, const ConditionDetail& detail) {
  return set({.type = std::string(type),
              .status = ConditionStatus::kUnknown,
              .reason = std::string(reason),
              .message = std::string(detail.message),
              .observed_generation = detail.observed_generation});
}

bool Conditions::remove(std::string_view type) {
  if (!find(type)) return false;
  auto& list = ensure_list(object_);
  for (auto i = list.size(); i-- > 0;) {
    if (type_of(std::as_const(list).at(i)) == type) list.take_at(i);
  }
  return true;
}

bool Conditions::summarize() {
  auto conditions = all();
  std::erase_if(conditions, [](const Condition& condition) { return condition.type == kReady; });
  if (conditions.empty()) return false;
  const auto decisive =
      std::min_element(conditions.begin(), conditions.end(), [](const Condition& a, const Condition& b) {
        return std::pair(rank_of(a), std::string_view(a.type)) <
               std::pair(rank_of(b), std::string_view(b.type));
      });
  const bool well = decisive->status == ConditionStatus::kTrue;
  return set({.type = std::string(kReady),
              .status = decisive->status,
              .severity = decisive->severity,
              .reason = well ? std::string() : decisive->reason,
              .message = well ? std::string() : decisive->message});
}

std::string_view to_string(ConditionStatus status) noexcept {
  switch (status) {
    case ConditionStatus::kTrue: return "True";
    case ConditionStatus::kFalse: return "False";
    case ConditionStatus::kUnknown: break;
  }
  return "Unknown";
}

ConditionStatus parse_condition_status(std::string_view text) noexcept {
  if (text == "True") return ConditionStatus::kTrue;
  return text == "False" ? ConditionStatus::kFalse : ConditionStatus::kUnknown;
}

std::string_view to_string(Severity severity) noexcept {
  switch (severity) {
    case Severity::kError: return "Error";
    case Severity::kWarning: return "Warning";
    case Severity::kInfo: return "Info";
    case Severity::kNone: break;
  }
  return "";
}

}  // namespace klutch::kube
