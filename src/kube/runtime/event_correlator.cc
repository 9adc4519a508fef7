// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/event_correlator.h"

namespace klutch::kube {
namespace {

constexpr char kSeparator = '\0';  // in no name and no message

}  // namespace

EventCorrelator::EventCorrelator(EventLimits limits)
    : limits_(limits), similar_(limits.remembered), same_(limits.remembered), budgets_(limits.remembered) {}

EventCorrelator::Decision EventCorrelator::observe(const Input& input, Instant now, Time wall,
                                                   const std::function<std::string()>& new_name) {
  Decision decision{.message = input.message};
  const std::string group = input.object + kSeparator + input.kind;
  std::string key = group + kSeparator + input.message;

  auto& similar = similar_.get(group, [] { return Similar{}; });
  if (now - similar.last > limits_.similar_interval) similar.messages.clear();
  similar.last = now;
  similar.messages.insert(input.message);
  if (similar.messages.size() >= limits_.most_similar) {
    // Bounded: one more or less does not matter from here on.
    similar.messages.erase(similar.messages.begin());
    key = group;
    decision.message = "(combined from similar events): " + input.message;
  }

  auto& same = same_.get(key, [&] { return Same{.name = new_name(), .first = wall}; });
  decision.count = ++same.count;
  decision.name = same.name;
  decision.first = same.first;

  auto& budget = budgets_.get(input.object, [&] { return async::TokenBucket(limits_.per_object); });
  decision.send = budget.try_take(now);
  return decision;
}

}  // namespace klutch::kube
