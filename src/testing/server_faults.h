// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "http/message.h"

// How an API server is made to misbehave on purpose: rules that say which requests meet which fault. Used by
// MemoryApiServer and by FaultProxy, which can also break connections. Whether a rule with a probability
// meets the n-th request of a verb and resource depends on nothing but the seed, however requests interleave.
// Loop thread only. For tests only.
//
//   server.faults().add({.fault = {Fault::Kind::kStatus, {.status = 429, .retry_after = 1}}, .verb =
//   "list"});

namespace klutch::testing {

struct Fault {
  enum class Kind {
    // Any request, which the server never sees:
    kStatus,  ///< answers `status`, with a Status object and perhaps Retry-After
    kHtml,    ///< answers 200 with a page, as a captive portal does
    kStall,   ///< nothing comes until the client gives up
    // Any answer but that of a watch:
    kTruncatedJson,  ///< JSON ends in the middle, the framing is in order
    kCutBody,        ///< the connection breaks in the middle of the announced body
    kDrip,           ///< the body comes in 64 pieces with `pause` in between
    // Lists:
    kExpiredContinue,  ///< 410 for a continue token
    // Watches, each after `events` events:
    kWatchEnds,   ///< ends in order
    kWatchCut,    ///< breaks the connection in the middle of a line
    kWatchError,  ///< an ERROR event with `status`, then the end
    kWatchStall,  ///< nothing comes any more, not even bookmarks
    // The whole watch:
    kDuplicateEvents,      ///< every event twice
    kDelayEvents,          ///< `pause` before every event
    kNoBookmarks,          ///< not even those that end initial events
    kIgnoreInitialEvents,  ///< as a server that does not know sendInitialEvents

    // FaultProxy only; the first two also for connections without HTTP:
    kDropConnection,   ///< closed before the server sees anything; without HTTP after `events` bytes
    kResetConnection,  ///< the same with a TCP reset
    kLoseAnswer,       ///< closed after the server has done all of it
    kWrongLength,      ///< announces more bytes than come
    kReplayEvents,     ///< of a watch: after `events` events, the latest 20 come once more
  };

  struct Detail {
    int status = 500;
    int retry_after = 0;  ///< seconds; 0: none
    std::size_t events = 0;
    std::size_t spread = 0;  ///< up to so many more events, by chance
    Duration pause = std::chrono::milliseconds(1);
  };

  Kind kind = Kind::kStatus;
  Detail detail = {};
};

/// Which requests meet a fault, and how often.
struct FaultRule {
  static constexpr std::size_t kAlways = std::numeric_limits<std::size_t>::max();

  Fault fault = {};
  std::string verb = {};      ///< as RBAC spells it; empty: any to which the fault applies
  std::string resource = {};  ///< plural; empty: any
  std::size_t skip = 0;       ///< so many matching requests first go well
  std::size_t times = 1;
  double probability = 1.0;  ///< of meeting a request that matches
};

class ServerFaults {
 public:
  /// What a rule can ask of a request.
  struct Facts {
    std::string_view verb = {};  ///< "connect" for a connection without HTTP
    std::string_view resource = {};
    bool continued = false;       ///< a list with a continue token
    bool initial_events = false;  ///< a watch with sendInitialEvents
  };

  explicit ServerFaults(std::uint64_t seed = 1) : seed_(seed) {}

  void add(FaultRule rule) { rules_.push_back({std::move(rule), ++rules_made_}); }
  void clear() { rules_.clear(); }
  /// Rules that have not met their last request yet.
  [[nodiscard]] std::size_t pending() const noexcept { return rules_.size(); }
  /// Requests that met a fault.
  [[nodiscard]] std::size_t injected() const noexcept { return injected_; }
  [[nodiscard]] std::size_t injected(Fault::Kind kind) const;
  [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }

  /// The fault of the first rule that applies, which is counted.
  std::optional<Fault> take(const Facts& facts);

 private:
  struct Numbered {
    FaultRule rule;
    std::uint64_t number = 0;
  };

  std::uint64_t seed_;
  std::uint64_t rules_made_ = 0;
  std::deque<Numbered> rules_;
  std::map<std::pair<std::string, std::string>, std::uint64_t> seen_;  // requests by verb and resource
  std::map<Fault::Kind, std::size_t> by_kind_;
  std::size_t injected_ = 0;
};

/// What stands in place of the server's answer; nothing if the fault is one that changes the real one.
[[nodiscard]] std::optional<http::Response> replacement(const Fault& fault);
/// An ERROR event with a Status, as a line of a watch.
[[nodiscard]] std::string error_event(int status);

}  // namespace klutch::testing
