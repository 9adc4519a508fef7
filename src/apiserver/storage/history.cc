// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/history.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace klutch::apiserver {

void TypeHistory::load(StoredPtr object) {
  auto& slot = slots_[object->key()];
  slot.now = {object->revision(), std::move(object)};
  ++live_;
}

void TypeHistory::publish(StoreEventPtr event, Instant now) {
  const auto& key = event->after->key();
  auto& slot = slots_[key];
  if (slot.now.revision != 0) slot.earlier.push_back(std::move(slot.now));
  slot.now = {event->revision, event->deleted ? nullptr : event->after};
  if (event->before == nullptr) ++live_;
  if (event->deleted) --live_;
  const std::size_t bytes = event->after->bytes().size();
  event_bytes_ += bytes;
  events_.push_back({std::move(event), now, bytes});
  waiting_.wake_all();
}

void TypeHistory::trim(const Limits& limits, Instant now) {
  while (!events_.empty() && (events_.size() > limits.events || event_bytes_ > limits.bytes ||
                              now - events_.front().published > limits.age)) {
    forget_first();
  }
  for (first_encoded_ = std::max(first_encoded_, first_number_); first_encoded_ < end_number();
       ++first_encoded_) {
    const auto& timed = events_[first_encoded_ - first_number_];
    if (now - timed.published <= limits.encodings_age) break;
    timed.event->encodings = {};
  }
}

void TypeHistory::compact(Revision now) {
  while (!events_.empty()) forget_first();
  oldest_ = std::max(oldest_, now);
  waiting_.wake_all();
}

void TypeHistory::forget_first() {
  const StoreEvent& event = *events_.front().event;
  oldest_ = event.revision;
  const auto found = slots_.find(event.after->key());
  CHECK(found != slots_.end());
  auto& slot = found->second;
  // States that had ended by now are out of reach.
  std::erase_if(slot.earlier, [&](const State& state) {
    const auto next = &state == &slot.earlier.back() ? slot.now.revision : (&state + 1)->revision;
    return next <= oldest_;
  });
  if (slot.now.object == nullptr && slot.now.revision <= oldest_) slots_.erase(found);
  event_bytes_ -= events_.front().bytes;
  events_.pop_front();
  ++first_number_;
}

StoredPtr TypeHistory::get(const kube::Key& key) const {
  const auto found = slots_.find(key);
  return found == slots_.end() ? nullptr : found->second.now.object;
}

StoredPtr TypeHistory::state_at(const Slot& slot, Revision at) {
  if (slot.now.revision <= at) return slot.now.object;
  for (auto state = slot.earlier.rbegin(); state != slot.earlier.rend(); ++state) {
    if (state->revision <= at) return state->object;
  }
  return nullptr;
}

Storage::Page TypeHistory::list(const Storage::ListRange& range, Revision at) const {
  Storage::Page page;
  page.revision = at;
  auto slot = range.after ? slots_.upper_bound(*range.after) : slots_.lower_bound({range.ns, {}});
  if (slot != slots_.end() && range.after && !range.ns.empty() && slot->first.ns < range.ns) {
    slot = slots_.lower_bound({range.ns, {}});
  }
  for (; slot != slots_.end() && (range.ns.empty() || slot->first.ns == range.ns); ++slot) {
    auto object = state_at(slot->second, at);
    if (object == nullptr) continue;
    if (page.more) {
      ++page.remaining;
      continue;
    }
    if (range.filter && !range.filter(*object)) continue;
    if (range.limit != 0 && page.objects.size() == range.limit) {
      page.more = true;
      page.remaining = 1;
      // With a filter nobody is told how many remain.
      if (range.filter) break;
      continue;
    }
    page.objects.push_back(std::move(object));
  }
  return page;
}

std::size_t TypeHistory::count(std::string_view ns) const {
  if (ns.empty()) return live_;
  std::size_t count = 0;
  const std::string name(ns);
  for (auto slot = slots_.lower_bound({name, {}}); slot != slots_.end() && slot->first.ns == name; ++slot) {
    if (slot->second.now.object != nullptr) ++count;
  }
  return count;
}

std::size_t TypeHistory::number_after(Revision revision) const {
  const auto first = std::ranges::upper_bound(events_, revision, {},
                                              [](const Timed& timed) { return timed.event->revision; });
  return first_number_ + static_cast<std::size_t>(first - events_.begin());
}

}  // namespace klutch::apiserver
