// SPDX-License-Identifier: Apache-2.0
#include "testing/change_checker.h"

#include <charconv>
#include <cstdint>

#include "base/strings.h"

namespace klutch::testing {
namespace {

constexpr std::size_t kMostComplaints = 20;

std::uint64_t number_of(std::string_view version) {
  std::uint64_t number = 0;
  std::from_chars(version.data(), version.data() + version.size(), number);
  return number;
}

std::string describe_change(const kube::Change& change) {
  const char* kind = change.kind == kube::Change::Kind::kAdded     ? "added "
                     : change.kind == kube::Change::Kind::kUpdated ? "updated "
                                                                   : "deleted ";
  const auto version = [](const kube::ObjectPtr& object) {
    return object ? std::string(kube::uid(*object)) + "@" + std::string(kube::resource_version(*object))
                  : "none";
  };
  return kind + change.key.to_string() + " (" + version(change.before) + " -> " + version(change.now) + ")";
}

}  // namespace

ChangeChecker::ChangeChecker(kube::Informer& informer, ChangeCheckerOptions options)
    : informer_(informer),
      options_(options),
      subscription_(informer.subscribe([this](const kube::Change& change) { take(change); })) {}

std::string ChangeChecker::report() const {
  return join(complaints_, "\n");
}

void ChangeChecker::complain(const kube::Change& change, const std::string& what) {
  if (complaints_.size() < kMostComplaints) complaints_.push_back(describe_change(change) + ": " + what);
}

void ChangeChecker::take(const kube::Change& change) {
  ++changes_;
  if (change.now && kube::key(*change.now) != change.key) complain(change, "the object has another key");
  if (change.before && kube::key(*change.before) != change.key)
    complain(change, "the old object has another key");
  switch (change.kind) {
    case kube::Change::Kind::kAdded: take_added(change); break;
    case kube::Change::Kind::kUpdated: take_updated(change); break;
    case kube::Change::Kind::kDeleted: take_deleted(change); break;
  }
  const auto stored = informer_.store().get(change.key);
  if (stored.object != change.now) complain(change, "the store has something else");
}

void ChangeChecker::take_added(const kube::Change& change) {
  if (change.before || !change.now) return complain(change, "has the wrong objects");
  const std::string uid(kube::uid(*change.now));
  if (known_.contains(change.key)) complain(change, "it is there already");
  if (const auto dead = deleted_.find(uid); dead != deleted_.end()) {
    const bool newer = number_of(dead->second) < number_of(kube::resource_version(*change.now));
    if (!options_.may_come_back || !newer) complain(change, "it was deleted before, at " + dead->second);
  }
  known_[change.key] = {uid, change.now};
}

void ChangeChecker::take_updated(const kube::Change& change) {
  if (!change.before || !change.now) return complain(change, "has the wrong objects");
  const auto found = known_.find(change.key);
  if (found == known_.end()) return complain(change, "it was never added");
  auto& known = found->second;
  if (known.object != change.before) complain(change, "the state before is not the last one told");
  if (known.uid != kube::uid(*change.now)) complain(change, "it has another UID: no deletion was told");
  if (number_of(kube::resource_version(*change.now)) <= number_of(kube::resource_version(*known.object))) {
    complain(change, "it is not newer");
  }
  if (change.initial) complain(change, "an update cannot be initial");
  known.object = change.now;
}

void ChangeChecker::take_deleted(const kube::Change& change) {
  if (!change.before || change.now) return complain(change, "has the wrong objects");
  const auto found = known_.find(change.key);
  if (found == known_.end()) return complain(change, "it is not there");
  if (found->second.object != change.before) complain(change, "the last state is not the last one told");
  deleted_[found->second.uid] = kube::resource_version(*change.before);
  known_.erase(found);
}

void ChangeChecker::compare_with_store() {
  const auto all = informer_.store().list();
  for (const auto& object : all) {
    const auto found = known_.find(kube::key(*object));
    if (found != known_.end() && found->second.object == object) continue;
    complaints_.push_back(kube::key(*object).to_string() + " is in the store but was not told");
  }
  if (all.size() != known_.size()) {
    complaints_.push_back(std::to_string(known_.size()) + " objects were told, the store has " +
                          std::to_string(all.size()));
  }
}

}  // namespace klutch::testing
