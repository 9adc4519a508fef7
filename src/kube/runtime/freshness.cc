// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/freshness.h"

#include "kube/runtime/resource_version.h"

namespace klutch::kube {

void Freshness::at_least(const Key& key, const Object& object, std::string_view version, Instant until) {
  expected_.insert_or_assign(
      key, Expected{.uid = std::string(uid(object)), .version = std::string(version), .until = until});
}

void Freshness::newer_than(const Key& key, const Object& object, std::string_view version, Instant until) {
  expected_.insert_or_assign(
      key,
      Expected{
          .uid = std::string(uid(object)), .version = std::string(version), .newer = true, .until = until});
}

bool Freshness::satisfies(const Object* cached, const Expected& expected) {
  if (cached == nullptr || uid(*cached) != expected.uid) return true;  // deleted; another object by now
  const auto version = resource_version(*cached);
  // Where no order can be told, only what certainly is the outdated copy counts as that.
  if (expected.newer && version == expected.version) return false;
  return !is_older_version(version, expected.version);
}

Freshness::Verdict Freshness::judge(const Key& key, const Object* cached, Instant now) {
  const auto found = expected_.find(key);
  if (found == expected_.end()) return Verdict::kFresh;
  if (!satisfies(cached, found->second)) {
    return now < found->second.until ? Verdict::kBehind : Verdict::kOverdue;
  }
  expected_.erase(found);
  return Verdict::kFresh;
}

Instant Freshness::until(const Key& key) const {
  const auto found = expected_.find(key);
  return found == expected_.end() ? Instant{} : found->second.until;
}

bool Freshness::caught_up(const Key& key, const Object* now_cached) {
  const auto found = expected_.find(key);
  if (found == expected_.end() || !satisfies(now_cached, found->second)) return false;
  expected_.erase(found);
  return true;
}

}  // namespace klutch::kube
