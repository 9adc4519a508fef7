// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/event_expiry.h"

#include <algorithm>
#include <chrono>

#include "base/time.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kEvents = "events";
constexpr Duration kLifetime = std::chrono::hours(1);
constexpr Duration kSweep = std::chrono::minutes(5);
/// One key for all: a key per event would cost more than the events.
constexpr std::string_view kSweepKey = "sweep";

/// When it last happened, as far as the event says.
Time last_seen(const json::Value& event) {
  Time latest = kube::creation_time(event).value_or(Time{});
  for (const std::string_view field : {"lastTimestamp", "eventTime", "firstTimestamp"}) {
    const auto text = event.find_string(field);
    const auto time = text ? parse_rfc3339(*text) : Result<Time>(fail(Code::kNotFound, ""));
    if (time) latest = std::max(latest, *time);
  }
  if (const auto* series = event.find_object("series"); series != nullptr) {
    const auto time = parse_rfc3339(series->find_string("lastObservedTime").value_or(""));
    if (time) latest = std::max(latest, *time);
  }
  return latest;
}

}  // namespace

void EventExpiry::begin(const ControllerAccess& /*access*/, const Enqueue& enqueue) {
  enqueue(std::string(kSweepKey));
}

void EventExpiry::observe(std::string_view /*type*/, const StoreEvent& /*event*/,
                          const Enqueue& /*enqueue*/) {}

Result<std::optional<Duration>> EventExpiry::reconcile(Ctx& ctx, ControllerAccess& access,
                                                       const std::string& /*key*/) {
  const Time before = access.clock().now() - kLifetime;
  for (const auto& event : access.list(kEvents)) {
    if (last_seen(event) >= before) continue;
    const auto removed = access.remove(ctx, kEvents, kube::key(event));
    if (!removed && !is(removed.error(), Code::kNotFound)) return fail(removed.error());
  }
  return kSweep;
}

}  // namespace klutch::apiserver
