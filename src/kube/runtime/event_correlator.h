// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "async/token_bucket.h"
#include "base/clock.h"

// Decides what becomes of an event: a new one, one more of a kind, part of a combined one, or nothing, as
// client-go does (tools/record/events_cache.go), so that a controller in trouble does not fill the cluster
// with events. Pure logic, told the time. Bounded: the longest unused is forgotten first.

namespace klutch::kube {

/// A map that forgets what was not used for longest.
template <class Value>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t most) : most_(most) {}

  /// The value under `key`, made by `make` if there is none. Valid until the next call.
  template <class Make>
  Value& get(const std::string& key, Make make) {
    if (const auto found = places_.find(key); found != places_.end()) {
      entries_.splice(entries_.begin(), entries_, found->second);
      return found->second->second;
    }
    if (entries_.size() == most_) {
      places_.erase(entries_.back().first);
      entries_.pop_back();
    }
    entries_.emplace_front(key, make());
    places_.emplace(key, entries_.begin());
    return entries_.front().second;
  }
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  std::size_t most_;
  std::list<std::pair<std::string, Value>> entries_;  // the latest first
  std::unordered_map<std::string, typename std::list<std::pair<std::string, Value>>::iterator> places_;
};

struct EventLimits {
  /// From so many different messages on, within the interval, similar events are combined.
  std::size_t most_similar = 10;
  Duration similar_interval = std::chrono::minutes(10);
  /// For each object: 25 at once, then one in 5 minutes.
  async::Rate per_object = {.per_second = 1.0 / 300, .burst = 25};
  /// Objects and events remembered.
  std::size_t remembered = 4096;
};

class EventCorrelator {
 public:
  explicit EventCorrelator(EventLimits limits = {});

  struct Input {
    std::string object = {};  ///< what tells objects apart
    std::string kind = {};    ///< type and reason
    std::string message = {};
  };
  struct Decision {
    bool send = true;
    std::string message = {};
    std::string name = {};  ///< of the Event; the same as that of the first of its kind
    std::int64_t count = 1;
    Time first = {};
  };

  /// `new_name` names an event that has no predecessor.
  Decision observe(const Input& input, Instant now, Time wall, const std::function<std::string()>& new_name);

 private:
  struct Similar {
    std::set<std::string> messages = {};
    Instant last = {};
  };
  struct Same {
    std::string name = {};
    std::int64_t count = 0;
    Time first = {};
  };

  EventLimits limits_;
  RecentlyUsed<Similar> similar_;
  RecentlyUsed<Same> same_;
  RecentlyUsed<async::TokenBucket> budgets_;
};

}  // namespace klutch::kube
