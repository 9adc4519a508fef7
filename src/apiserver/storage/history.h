// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apiserver/storage/storage.h"
#include "async/suspension.h"

// The committed objects of one type, now and as they were as far back as its events reach. Private to the
// storage.

namespace klutch::apiserver {

class TypeHistory {
 public:
  struct Limits {
    Duration age = {};
    std::size_t events = 0;
    std::size_t bytes = 0;
    /// What watchers made of an event is kept for those that follow closely, not for late ones.
    Duration encodings_age = {};
  };

  /// States before `start` are unknown.
  explicit TypeHistory(Revision start) : oldest_(start) {}

  /// An object that was there from the start.
  void load(StoredPtr object);
  /// The next committed change, with the moment it was published.
  void publish(StoreEventPtr event, Instant now);
  /// Forgets events beyond the limits, and with them the states only they lead to; drops old encodings.
  void trim(const Limits& limits, Instant now);
  /// Forgets all events; `now` is the revision of the whole store.
  void compact(Revision now);

  [[nodiscard]] StoredPtr get(const kube::Key& key) const;
  [[nodiscard]] Storage::Page list(const Storage::ListRange& range, Revision at) const;
  [[nodiscard]] std::size_t count(std::string_view ns) const;
  [[nodiscard]] std::size_t event_bytes() const noexcept { return event_bytes_; }
  /// Events after this revision are all here.
  [[nodiscard]] Revision oldest() const noexcept { return oldest_; }

  /// Events are numbered from the begin of time; those before first_number() are forgotten.
  [[nodiscard]] std::size_t first_number() const noexcept { return first_number_; }
  [[nodiscard]] std::size_t end_number() const noexcept { return first_number_ + events_.size(); }
  [[nodiscard]] const StoreEventPtr& event(std::size_t number) const {
    return events_[number - first_number_].event;
  }
  /// The first event after `revision`; end_number() if there is none.
  [[nodiscard]] std::size_t number_after(Revision revision) const;

  /// Watches that wait for the next event.
  async::WaitList& waiting() noexcept { return waiting_; }

 private:
  struct Timed {
    StoreEventPtr event;
    Instant published;
    std::size_t bytes;
  };
  /// What an object was, from `revision` on; null: it did not exist.
  struct State {
    Revision revision = 0;
    StoredPtr object = {};
  };
  /// An object's present state and, oldest first, those that history still reaches.
  struct Slot {
    State now = {};
    std::vector<State> earlier = {};
  };

  void forget_first();
  [[nodiscard]] static StoredPtr state_at(const Slot& slot, Revision at);

  std::map<kube::Key, Slot> slots_;
  std::size_t live_ = 0;
  std::deque<Timed> events_;
  std::size_t first_number_ = 0;
  std::size_t event_bytes_ = 0;
  std::size_t first_encoded_ = 0;  // the number of the first event that may have encodings
  Revision oldest_;
  async::WaitList waiting_;
};

}  // namespace klutch::apiserver
