// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/naming.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "apiserver/custom/api_approval.h"
#include "apiserver/custom/definition_json.h"
#include "apiserver/custom/webhook_checks.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/schema/go_text.h"
#include "apiserver/schema/structural_check.h"
#include "base/time.h"

namespace klutch::apiserver {
namespace {

struct Condition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
};

using NameSet = std::set<std::string, std::less<>>;

void set_condition(json::Value& status, const Condition& condition, Time now) {
  json::Value& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = json::Value::empty_array();
  json::Value* place = nullptr;
  for (json::Value& existing : conditions.elements()) {
    if (existing.find_string("type") == condition.type) place = &existing;
  }
  if (place == nullptr) {
    place = &conditions.push_back(json::Value::empty_object());
    place->set("type", condition.type);
  }
  const bool moved = place->find_string("status") != condition.status;
  place->set("status", condition.status);
  if (moved || text_at(*place, "lastTransitionTime").empty()) {
    place->set("lastTransitionTime", format_rfc3339(now));
  }
  place->set("reason", condition.reason);
  place->set("message", condition.message);
}

void remove_condition(json::Value& status, std::string_view type) {
  json::Value* conditions = status.find("conditions");
  if (conditions == nullptr || !conditions->is_array()) return;
  for (std::size_t i = conditions->size(); i-- > 0;) {
    if (conditions->at(i).find_string("type") == type) conditions->take_at(i);
  }
}

/// The names that a definition asks for, those that it gets, and the last conflict on the way.
class Naming {
 public:
  Naming(const json::Value& definition, const UsedNames& used)
      : wanted_(object_at(object_at(definition, "spec"), "names")),
        had_(object_at(object_at(definition, "status"), "acceptedNames")),
        used_(used) {}

  json::Value decide() {
    decide_text("plural", used_.resources, "PluralConflict");
    decide_text("singular", used_.resources, "SingularConflict");
    decide_short_names();
    decide_text("kind", used_.kinds, "KindConflict");
    decide_text("listKind", used_.kinds, "ListKindConflict");
    return arrange();
  }
  [[nodiscard]] const std::optional<Condition>& conflict() const { return conflict_; }

 private:
  static std::string in_use(std::string_view name) { return go_quote(name) + " is already in use"; }

  void refuse(std::string_view reason, std::string message) {
    conflict_ = Condition{"NamesAccepted", "False", std::string(reason), std::move(message)};
  }

  void decide_text(std::string_view key, const NameSet& used, std::string_view reason) {
    const std::string wanted = text_at(wanted_, key);
    const std::string had = text_at(had_, key);
    const bool taken = wanted != had && used.contains(wanted);
    if (taken) refuse(reason, in_use(wanted));
    given_.set(key, taken ? had : wanted);
  }

  void decide_short_names() {
    const auto has = [&](std::string_view name) {
      return std::ranges::any_of(list_at(had_, "shortNames"), [&](const json::Value& own) {
        return own.is_string() && own.as_string() == name;
      });
    };
    std::vector<std::string> taken;
    for (const json::Value& name : list_at(wanted_, "shortNames")) {
      if (!name.is_string() || has(name.as_string())) continue;
      if (!used_.resources.contains(name.as_string())) continue;
      const std::string problem = in_use(name.as_string());
      if (std::ranges::find(taken, problem) == taken.end()) taken.push_back(problem);
    }
    const json::Value& from = taken.empty() ? wanted_ : had_;
    if (const json::Value* names = from.find_array("shortNames")) given_.set("shortNames", *names);
    if (taken.empty()) return;
    std::string all;
    for (const std::string& problem : taken) all += (all.empty() ? "" : ", ") + problem;
    refuse("ShortNamesConflict", taken.size() == 1 ? all : "[" + all + "]");
  }

  /// As Go writes them: plural and kind always, of others what there is.
  json::Value arrange() {
    json::Value names = json::Value::empty_object();
    for (const std::string_view key : {"plural", "singular", "shortNames", "kind", "listKind"}) {
      const json::Value* value = given_.find(key);
      if (value == nullptr) continue;
      const bool is_empty = value->is_string() ? value->as_string().empty() : value->empty();
      if (!is_empty || key == "plural" || key == "kind") names.set(key, *value);
    }
    if (const auto categories = list_at(wanted_, "categories"); !categories.empty()) {
      names.set("categories", *wanted_.find("categories"));
    }
    return names;
  }

  const json::Value& wanted_;
  const json::Value& had_;
  const UsedNames& used_;
  json::Value given_ = json::Value::empty_object();
  std::optional<Condition> conflict_ = {};
};

std::optional<Condition> establishment(const json::Value& definition, bool accepted) {
  if (is_condition_true(definition, "Established")) return std::nullopt;
  if (!accepted) {
    if (find_condition(definition, "Established") != nullptr) return std::nullopt;
    return Condition{"Established", "False", "NotAccepted", "not all names are accepted"};
  }
  const json::Value& webhook = object_at(object_at(object_at(definition, "spec"), "conversion"), "webhook");
  const json::Value* client = webhook.find_object("clientConfig");
  if (client != nullptr && !validate_ca_bundle({}, text_at(*client, "caBundle")).empty()) {
    return Condition{"Established", "False", "InvalidCABundle", "The conversion webhook CABundle is invalid"};
  }
  return Condition{"Established", "True", "InitialNamesAccepted", "the initial names have been accepted"};
}

std::optional<Condition> approval(const json::Value& definition) {
  using State = ApiApproval::State;
  if (!is_protected_group(text_at(object_at(definition, "spec"), "group"))) return std::nullopt;
  const ApiApproval approval = api_approval_of(definition);
  const bool approved = approval.state == State::kApproved;
  const std::string_view reason = approved                             ? "ApprovedAnnotation"
                                  : approval.state == State::kBypassed ? "UnapprovedAnnotation"
                                  : approval.state == State::kMissing  ? "MissingAnnotation"
                                                                       : "InvalidAnnotation";
  return Condition{"KubernetesAPIApprovalPolicyConformant", approved ? "True" : "False", std::string(reason),
                   approval.reason};
}

std::optional<Condition> structure(const json::Value& definition, SchemaPool& pool) {
  Condition condition{"NonStructuralSchema", "Unknown", "StructuralError", ""};
  const json::Value& spec = object_at(definition, "spec");
  FieldErrors errors;
  if (flag_at(spec, "preserveUnknownFields")) {
    errors.push_back(
        FieldError::invalid(FieldPath("spec").child("preserveUnknownFields"), true, "must be false"));
  }
  const auto versions = list_at(spec, "versions");
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const json::Value* schema = object_at(versions[i], "schema").find_object("openAPIV3Schema");
    if (schema == nullptr) continue;
    if (const auto parsed = parse_schema(*schema, pool); !parsed) {
      condition.message = "failed to check validation schema for version " + text_at(versions[i], "name") +
                          ": " + parsed.error().message();
      return condition;
    }
    const FieldPath path =
        FieldPath("spec").child("versions").index(i).child("schema").child("openAPIV3Schema");
    append(errors, validate_structural(path, *schema));
  }
  if (errors.empty()) return std::nullopt;
  condition.status = "True";
  condition.reason = "Violations";
  condition.message = to_string(errors);
  return condition;
}

}  // namespace

void UsedNames::add(const json::Value& definition) {
  const json::Value& names = object_at(object_at(definition, "status"), "acceptedNames");
  for (const std::string_view key : {"plural", "singular"}) resources.insert(text_at(names, key));
  for (const std::string_view key : {"kind", "listKind"}) kinds.insert(text_at(names, key));
  for (const json::Value& name : list_at(names, "shortNames")) {
    if (name.is_string()) resources.emplace(name.as_string());
  }
}

json::Value definition_status(const json::Value& definition, const UsedNames& used, SchemaPool& pool,
                              Time now) {
  json::Value status = object_at(definition, "status");
  Naming naming(definition, used);
  json::Value names = naming.decide();
  if (object_at(status, "acceptedNames") != names) status.set("acceptedNames", std::move(names));
  const bool accepted = !naming.conflict();
  set_condition(
      status,
      accepted ? Condition{"NamesAccepted", "True", "NoConflicts", "no conflicts found"} : *naming.conflict(),
      now);
  if (const auto condition = establishment(definition, accepted)) set_condition(status, *condition, now);
  if (const auto condition = approval(definition)) set_condition(status, *condition, now);
  if (const auto condition = structure(definition, pool)) {
    set_condition(status, *condition, now);
  } else {
    remove_condition(status, "NonStructuralSchema");
  }
  return status;
}

void set_terminating(json::Value& definition, Removal removal, Time now) {
  Condition condition{"Terminating", "True", "", ""};
  switch (removal) {
    case Removal::kPending:
      condition.reason = "InstanceDeletionPending";
      condition.message =
          "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon";
      break;
    case Removal::kInProgress:
      condition.reason = "InstanceDeletionInProgress";
      condition.message = "CustomResource deletion is in progress";
      break;
    case Removal::kCompleted:
      condition.status = "False";
      condition.reason = "InstanceDeletionCompleted";
      condition.message = "removed all instances";
      break;
    case Removal::kNeverEstablished:
      condition.status = "False";
      condition.reason = "NeverEstablished";
      condition.message = "resource was never established";
      break;
  }
  json::Value& status = definition["status"];
  if (!status.is_object()) status = json::Value::empty_object();
  set_condition(status, condition, now);
}

}  // namespace klutch::apiserver
