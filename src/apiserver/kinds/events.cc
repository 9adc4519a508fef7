// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <utility>

#include "apiserver/builtin/conform.h"
#include "apiserver/kinds/builtin_behavior.h"
#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"

// Events: core/v1 and events.k8s.io/v1 are two views of the same objects, which are stored as core/v1.

namespace klutch::apiserver {
namespace {

using json::Value;

constexpr std::string_view kNewVersion = "events.k8s.io/v1";
constexpr std::size_t kMaxName = 128;
constexpr std::size_t kMaxNote = 1024;

/// core/v1, events.k8s.io/v1
constexpr std::pair<std::string_view, std::string_view> kRenamed[] = {
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"reportingComponent", "reportingController"},
};

void rename_member(Value& object, std::string_view from, std::string_view to) {
  if (auto value = object.take(from)) object.set(to, *std::move(value));
}

/// Brings an event into the other form, with what Go writes there.
void convert_event(Value& object, bool to_new) {
  for (const auto& [old_name, new_name] : kRenamed) {
    rename_member(object, to_new ? old_name : new_name, to_new ? new_name : old_name);
  }
  const std::string_view version = to_new ? kNewVersion : "v1";
  const auto* message = BuiltinFacts::get().message_of(version, "Event");
  // The values are of the right types already.
  if (auto conformed = conform(object, *message)) object = std::move(conformed->object);
  object.set("apiVersion", version);
}

Value as_core_event(const Value& object) {
  Value copy = object;
  if (text_at(object, {"apiVersion"}) == kNewVersion) convert_event(copy, false);
  return copy;
}

void check_event_text(FieldErrors& errors, const Value& event, std::string_view name, std::size_t limit,
                      bool required) {
  const auto text = text_at(event, {name});
  if (required && text.empty()) errors.push_back(FieldError::required(FieldPath(name)));
  if (text.size() > limit) {
    errors.push_back(FieldError::invalid(FieldPath(name), "",
                                         "can have at most " + std::to_string(limit) + " characters"));
  }
}

/// What goes for events of both forms; `event` is in that of core/v1.
void check_any_event(FieldErrors& errors, const Value& event, bool is_new) {
  const auto ns = text_at(event, {"metadata", "namespace"});
  const auto involved = text_at(event, {"involvedObject", "namespace"});
  const auto mismatch = [&] {
    errors.push_back(FieldError::invalid(FieldPath("involvedObject").child("namespace"), involved,
                                         "does not match event.namespace"));
  };
  if (!has_at(event, {"eventTime"})) {
    if (involved.empty() ? !ns.empty() && ns != "default" : ns != involved) mismatch();
  } else {
    if (involved.empty() && ns != "default" && ns != "kube-system") mismatch();
    const FieldPath controller(is_new ? "reportingController" : "reportingComponent");
    const auto name = text_at(event, {"reportingComponent"});
    if (name.empty()) errors.push_back(FieldError::required(controller));
    add_problems(errors, controller, name, check_qualified_name(name));
    check_event_text(errors, event, "reportingInstance", kMaxName, true);
    check_event_text(errors, event, "action", kMaxName, true);
    check_event_text(errors, event, "reason", kMaxName, true);
    check_event_text(errors, event, "message", kMaxNote, false);
  }
  add_problems(errors, FieldPath("namespace"), ns, check_dns1123_subdomain(ns));
}

void check_series(FieldErrors& errors, const Value& event) {
  if (!has_at(event, {"series"})) return;
  if (number_at(event, {"series", "count"}) < 2) {
    errors.push_back(FieldError::invalid(FieldPath("series.count"), "", "should be at least 2"));
  }
  if (!has_at(event, {"series", "lastObservedTime"})) {
    errors.push_back(FieldError::required(FieldPath("series.lastObservedTime")));
  }
}

void check_unset(FieldErrors& errors, bool is_set, std::string_view name) {
  if (is_set) errors.push_back(FieldError::invalid(FieldPath(name), "", "needs to be unset"));
}

/// What a new event has to be besides.
void check_strictly(FieldErrors& errors, const Value& event) {
  check_series(errors, event);
  if (!has_at(event, {"eventTime"})) errors.push_back(FieldError::required(FieldPath("eventTime")));
  const auto type = text_at(event, {"type"});
  if (type != "Normal" && type != "Warning") {
    errors.push_back(FieldError::invalid(FieldPath("type"), "", "has invalid value: " + std::string(type)));
  }
  check_unset(errors, has_at(event, {"firstTimestamp"}), "firstTimestamp");
  check_unset(errors, has_at(event, {"lastTimestamp"}), "lastTimestamp");
  check_unset(errors, number_at(event, {"count"}) != 0, "count");
  check_unset(errors, !value_at(event, {"source"}).empty(), "source");
}

void check_event_change(FieldErrors& errors, const Value& event, const Value& old) {
  if (!(value_at(event, {"series"}) == value_at(old, {"series"}))) check_series(errors, event);
  for (const std::string_view name :
       {"involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp", "count", "reason",
        "type", "eventTime", "action", "related", "reportingComponent", "reportingInstance"}) {
    const auto path = FieldPath(name == "reportingComponent" ? "reportingController" : name);
    check_immutable(errors, value_at(event, {name}), value_at(old, {name}), path);
  }
}

FieldErrors validate_event(const Value& object) {
  FieldErrors errors;
  check_any_event(errors, object, false);
  return errors;
}

std::optional<std::string> select_event(const Value& object, std::string_view field) {
  const Value event = as_core_event(object);
  if (field == "source") {
    const auto component = text_at(event, {"source", "component"});
    return std::string(component.empty() ? text_at(event, {"reportingComponent"}) : component);
  }
  if (text_at(object, {"apiVersion"}) != kNewVersion) return std::nullopt;
  if (field.starts_with("regarding.")) {
    return std::string(text_at(event, {"involvedObject", field.substr(field.find('.') + 1)}));
  }
  return std::string(text_at(event, {field == "reportingController" ? "reportingComponent" : field}));
}

KindRules core_event_rules() {
  KindRules rules;
  rules.name = NameRule::kPathSegment;
  rules.create_on_update = true;
  rules.bare_finalizers = true;
  rules.validate = validate_event;
  rules.select = select_event;
  rules.selectable = {
      {"involvedObject.kind", {"involvedObject", "kind"}},
      {"involvedObject.namespace", {"involvedObject", "namespace"}},
      {"involvedObject.name", {"involvedObject", "name"}},
      {"involvedObject.uid", {"involvedObject", "uid"}},
      {"involvedObject.apiVersion", {"involvedObject", "apiVersion"}},
      {"involvedObject.resourceVersion", {"involvedObject", "resourceVersion"}},
      {"involvedObject.fieldPath", {"involvedObject", "fieldPath"}},
  };
  for (const std::string_view name : {"reason", "reportingComponent", "source", "type"}) {
    rules.selectable.push_back({name, {name}});
  }
  return rules;
}

KindRules new_event_rules() {
  KindRules rules;
  rules.create_on_update = true;
  rules.bare_finalizers = true;
  rules.select = select_event;
  for (const std::string_view name :
       {"regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid", "regarding.apiVersion",
        "regarding.resourceVersion", "regarding.fieldPath", "reason", "reportingController", "type"}) {
    rules.selectable.push_back({name, {name}});
  }
  return rules;
}

class EventView final : public BuiltinBehavior {
 public:
  explicit EventView(const ResourceFacts& resource) : BuiltinBehavior(resource, new_event_rules()) {}

  [[nodiscard]] bool serves_as_stored(const StoredObject& /*stored*/) const override { return false; }
  void from_stored(Value& object) const override { convert_event(object, true); }
  void to_stored(Value& object) const override { convert_event(object, false); }

  [[nodiscard]] FieldErrors validate_create(const Value& object) const override {
    const Value event = as_core_event(object);
    FieldErrors errors;
    check_any_event(errors, event, true);
    append(errors, BuiltinBehavior::validate_create(object));
    check_strictly(errors, event);
    return errors;
  }
  [[nodiscard]] FieldErrors validate_update(const Value& object, const Value& old,
                                            std::string_view subresource) const override {
    const Value event = as_core_event(object);
    FieldErrors errors;
    check_any_event(errors, event, true);
    append(errors, BuiltinBehavior::validate_update(object, old, subresource));
    check_event_change(errors, event, as_core_event(old));
    return errors;
  }
};

}  // namespace

std::optional<KindRules> event_rules(std::string_view resource) {
  if (resource == "events") return core_event_rules();
  return std::nullopt;
}

std::shared_ptr<const ResourceBehavior> make_event_view(const ResourceFacts& facts) {
  return std::make_shared<EventView>(facts);
}

}  // namespace klutch::apiserver
