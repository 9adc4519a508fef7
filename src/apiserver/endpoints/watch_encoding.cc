// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/watch_encoding.h"

#include <algorithm>
#include <utility>

#include "apiserver/endpoints/rendering.h"
#include "apiserver/endpoints/tabulation.h"
#include "json/build.h"
#include "json/print.h"
#include "kube/api/object.h"
#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

using Shape = Representation::Shape;

/// Bytes that were made for a resource, which lives as long as they: its address is a part of their key.
struct KeptLine {
  ServedPtr resource;
  std::string bytes;
};

std::string_view type_name(WatchChange change) {
  switch (change) {
    case WatchChange::kAdded: return "ADDED";
    case WatchChange::kModified: return "MODIFIED";
    default: return "DELETED";
  }
}

void append_line(std::string& out, std::string_view type, std::string_view object) {
  out += R"({"type":")";
  out += type;
  out += R"(","object":)";
  out += object;
  out += "}\n";
}

/// Whether the bytes say that they are of this revision. Only some places where deletions are decided write
/// it down.
bool says_revision(const StoredObject& object, Revision revision) {
  const std::string text = R"("resourceVersion":")" + std::to_string(revision) + '"';
  return object.bytes().find(text) != std::string_view::npos;
}

}  // namespace

WatchEncoder::WatchEncoder(const ServedPtr& resource, const Representation& form)
    : resource_(resource), form_(form) {
  form_.pretty = false;
}

bool WatchEncoder::sends_bytes(const StoredObject& object) const {
  return form_.shape == Shape::kObject && resource_->behavior->serves_as_stored(object);
}

std::string WatchEncoder::encode(std::string_view type, json::Value object, Time now) const {
  std::string line;
  if (form_.shape != Shape::kTable) {
    append_line(line, type, json::print(in_form(*resource_, form_, std::move(object), now)));
    return line;
  }
  auto metadata = json::Value::empty_object();
  metadata.set("resourceVersion", kube::resource_version(object));
  Tabulation table(table_of(*resource_), form_, now, first_);
  table.add_row(std::move(object));
  append_line(line, type, json::print(std::move(table).finish(std::move(metadata))));
  return line;
}

void WatchEncoder::append_added(std::string& out, const StoredObject& object, Time now) {
  if (sends_bytes(object)) {
    append_line(out, "ADDED", object.bytes());
  } else {
    out += encode("ADDED", served_object(*resource_, object), now);
  }
  first_ = false;
}

std::string WatchEncoder::make_event(const StoreEvent& event, WatchChange change, Time now) const {
  // An object that leaves is shown as it was last seen, with the revision of what made it leave.
  const StoredObject& object = change == WatchChange::kLeft ? *event.before : *event.after;
  auto value = served_object(*resource_, object);
  value["metadata"].set("resourceVersion", std::to_string(event.revision));
  return encode(type_name(change), std::move(value), now);
}

std::string WatchEncoder::key_of(WatchChange change) const {
  const auto address = reinterpret_cast<std::uintptr_t>(resource_.get());
  return std::to_string(address) + "/" + form_.cache_key() + "/" + std::to_string(static_cast<int>(change)) +
         (form_.shape == Shape::kTable && first_ ? "/columns" : "");
}

void WatchEncoder::append_event(std::string& out, const StoreEvent& event, WatchChange change, Time now) {
  const bool as_stored = change != WatchChange::kLeft && sends_bytes(*event.after) &&
                         (change != WatchChange::kDeleted || says_revision(*event.after, event.revision));
  if (as_stored) {
    append_line(out, type_name(change), event.after->bytes());
    first_ = false;
    return;
  }
  const std::string key = key_of(change);
  auto& kept = event.encodings;
  const auto found = std::ranges::find(kept, key, [](const auto& entry) { return entry.first; });
  if (found != kept.end()) {
    out += *found->second;
  } else {
    auto line = std::make_shared<KeptLine>(KeptLine{resource_, make_event(event, change, now)});
    out += line->bytes;
    if (kept.size() < kMaxKeptForms) {
      kept.emplace_back(key, std::shared_ptr<const std::string>(line, &line->bytes));
    }
  }
  first_ = false;
}

void WatchEncoder::append_bookmark(std::string& out, Revision revision, bool ends_initial_events, Time now) {
  const auto& type = resource_->description.type;
  auto metadata = json::object({{"resourceVersion", std::to_string(revision)}});
  if (ends_initial_events) {
    metadata.set("annotations", json::object({{"k8s.io/initial-events-end", "true"}}));
  }
  auto object = json::object({{"kind", type.kind}, {"apiVersion", type.api_version()}});
  object.set("metadata", std::move(metadata));
  out += encode("BOOKMARK", std::move(object), now);
  first_ = false;
}

void WatchEncoder::append_error(std::string& out, const Error& error) {
  append_line(out, "ERROR", json::print(kube::Status::from_error(error).to_json()));
}

}  // namespace klutch::apiserver
