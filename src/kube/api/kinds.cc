// SPDX-License-Identifier: Apache-2.0
#include "kube/api/kinds.h"

#include <utility>

#include "base/time.h"
#include "crypto/base64.h"
#include "json/build.h"

namespace klutch::kube {
namespace {

std::string_view text_in(const json::Value& object, std::string_view key) noexcept {
  return object.find_string(key).value_or("");
}

std::optional<Time> time_in(const json::Value& object, std::string_view key) noexcept {
  const auto time = parse_rfc3339(text_in(object, key));
  return time ? std::optional(*time) : std::nullopt;
}

/// Sets `data`[key]; true if that changed anything.
bool set_entry_of_data(Object& object, std::string_view key, std::string_view text) {
  auto& data = object["data"];
  if (!data.is_object()) data = json::Value::empty_object();
  if (data.find_string(key) == text) return false;
  data.set(key, text);
  return true;
}

std::optional<std::string_view> entry_of_data(const Object& object, std::string_view key) noexcept {
  const auto* data = object.find_object("data");
  return data == nullptr ? std::nullopt : data->find_string(key);
}

}  // namespace

const ResourceType& Namespace::type() {
  static const ResourceType kType{"", "v1", "namespaces", "Namespace", false};
  return kType;
}
Namespace::Namespace(std::string_view name) : Resource(blank(type(), {.name = std::string(name)})) {}

std::string_view Namespace::phase() const noexcept {
  return text_in(status(), "phase");
}

const ResourceType& Secret::type() {
  static const ResourceType kType{"", "v1", "secrets", "Secret"};
  return kType;
}
Secret::Secret(const Key& key) : Resource(blank(type(), key)) {}

std::string_view Secret::secret_type() const noexcept {
  return text_in(object(), "type");
}

std::optional<std::string> Secret::data(std::string_view key) const {
  const auto text = entry_of_data(object(), key);
  if (!text) return std::nullopt;
  auto bytes = crypto::base64_decode(*text);
  return bytes ? std::optional(*std::move(bytes)) : std::nullopt;
}

bool Secret::set_data(std::string_view key, std::string_view bytes) {
  return set_entry_of_data(object(), key, crypto::base64_encode(bytes));
}

Secret Secret::copy_as(const Key& key) const {
  Secret copy(key);
  for (const auto* member : {"type", "data"}) {
    if (const auto* value = object().find(member)) copy.object().set(member, *value);
  }
  return copy;
}

const ResourceType& ConfigMap::type() {
  static const ResourceType kType{"", "v1", "configmaps", "ConfigMap"};
  return kType;
}
ConfigMap::ConfigMap(const Key& key) : Resource(blank(type(), key)) {}

std::optional<std::string_view> ConfigMap::data(std::string_view key) const noexcept {
  return entry_of_data(object(), key);
}

bool ConfigMap::set_data(std::string_view key, std::string_view text) {
  return set_entry_of_data(object(), key, text);
}

const ResourceType& ServiceAccount::type() {
  static const ResourceType kType{"", "v1", "serviceaccounts", "ServiceAccount"};
  return kType;
}
ServiceAccount::ServiceAccount(const Key& key) : Resource(blank(type(), key)) {}

const ResourceType& Lease::type() {
  static const ResourceType kType{"coordination.k8s.io", "v1", "leases", "Lease"};
  return kType;
}
Lease::Lease(const Key& key) : Resource(blank(type(), key)) {}

std::string_view Lease::holder() const noexcept {
  return text_in(spec(), "holderIdentity");
}
std::int64_t Lease::duration_seconds() const noexcept {
  return spec().find_int("leaseDurationSeconds").value_or(0);
}
std::optional<Time> Lease::acquire_time() const noexcept {
  return time_in(spec(), "acquireTime");
}
std::optional<Time> Lease::renew_time() const noexcept {
  return time_in(spec(), "renewTime");
}
std::int64_t Lease::transitions() const noexcept {
  return spec().find_int("leaseTransitions").value_or(0);
}
void Lease::set_holder(std::string_view holder) {
  if (holder.empty()) {
    spec().erase("holderIdentity");
  } else {
    spec().set("holderIdentity", holder);
  }
}
void Lease::set_duration_seconds(std::int64_t seconds) {
  spec().set("leaseDurationSeconds", seconds);
}
void Lease::set_acquire_time(Time time) {
  spec().set("acquireTime", format_rfc3339_micros(time));
}
void Lease::set_renew_time(Time time) {
  spec().set("renewTime", format_rfc3339_micros(time));
}
void Lease::set_transitions(std::int64_t count) {
  spec().set("leaseTransitions", count);
}

const ResourceType& Event::type() {
  static const ResourceType kType{"", "v1", "events", "Event"};
  return kType;
}
Event::Event(const Key& key) : Resource(blank(type(), key)) {}

const ResourceType& CustomResourceDefinition::type() {
  static const ResourceType kType{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                  "CustomResourceDefinition", false};
  return kType;
}

bool CustomResourceDefinition::is_established() const {
  const auto* conditions = status().find_array("conditions");
  if (conditions == nullptr) return false;
  for (const auto& condition : conditions->elements()) {
    if (text_in(condition, "type") == "Established") return text_in(condition, "status") == "True";
  }
  return false;
}

std::optional<ResourceType> CustomResourceDefinition::served_type() const {
  const auto* names = spec().find_object("names");
  const auto* versions = spec().find_array("versions");
  if (names == nullptr || versions == nullptr) return std::nullopt;
  ResourceType served{.group = std::string(text_in(spec(), "group")),
                      .version = {},
                      .resource = std::string(text_in(*names, "plural")),
                      .kind = std::string(text_in(*names, "kind")),
                      .namespaced = text_in(spec(), "scope") == "Namespaced"};
  for (const auto& version : versions->elements()) {
    const bool usable = version.find_bool("storage") == true && version.find_bool("served") == true;
    if (usable) served.version = text_in(version, "name");
  }
  const bool complete = !served.group.empty() && !served.version.empty() && !served.resource.empty() &&
                        !served.kind.empty() && (served.namespaced || text_in(spec(), "scope") == "Cluster");
  return complete ? std::optional(std::move(served)) : std::nullopt;
}

}  // namespace klutch::kube
