// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "apiserver/endpoints/negotiation.h"
#include "apiserver/registry/resource.h"
#include "apiserver/storage/storage.h"
#include "base/clock.h"

// Lines of a watch: {"type":"ADDED","object":{...}}. What takes work is made once for all watchers of the
// same form and kept with the event; objects that are sent as they are stored are copied and not kept, so
// that plain watches cost no memory beyond the history. Belongs to one watch.

namespace klutch::apiserver {

/// What a change is to one who watches a part of the objects.
enum class WatchChange { kNone, kAdded, kModified, kDeleted, kLeft };

class WatchEncoder {
 public:
  /// A form is not kept with an event that has so many already.
  static constexpr std::size_t kMaxKeptForms = 8;

  /// `resource` must outlive it.
  WatchEncoder(const ServedPtr& resource, const Representation& form);

  /// An object that is there already.
  void append_added(std::string& out, const StoredObject& object, Time now);
  /// `change` is not kNone.
  void append_event(std::string& out, const StoreEvent& event, WatchChange change, Time now);
  /// `ends_initial_events`: everything that was there when the watch began has been sent.
  void append_bookmark(std::string& out, Revision revision, bool ends_initial_events, Time now);
  /// A Status, whatever the form.
  static void append_error(std::string& out, const Error& error);

 private:
  [[nodiscard]] std::string encode(std::string_view type, json::Value object, Time now) const;
  [[nodiscard]] std::string make_event(const StoreEvent& event, WatchChange change, Time now) const;
  [[nodiscard]] std::string key_of(WatchChange change) const;
  [[nodiscard]] bool sends_bytes(const StoredObject& object) const;

  ServedPtr resource_;
  Representation form_;
  /// Columns of tables go with the first line alone.
  bool first_ = true;
};

}  // namespace klutch::apiserver
