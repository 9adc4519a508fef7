// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "kube/api/object.h"
#include "kube/api/resource.h"

// Which cached objects are known to be out of date, because we have written a newer version, or were told by
// a conflict that there is one. A controller must not decide on these. One entry per key that is behind, gone
// as soon as the cache has caught up. Pure bookkeeping.

namespace klutch::kube {

class Freshness {
 public:
  enum class Verdict {
    kFresh,
    kBehind,   ///< wait for the cache
    kOverdue,  ///< it has been behind for too long: read the object itself
  };

  /// The object has at least this version; the cache should have it by `until`.
  void at_least(const Key& key, const Object& object, std::string_view version, Instant until);
  /// The object has a newer version than this, or is gone.
  void newer_than(const Key& key, const Object& object, std::string_view version, Instant until);
  void forget(const Key& key) { expected_.erase(key); }

  /// Whether `cached` (null: the cache, in sync, does not have it) can be worked on. Forgets the key if so.
  Verdict judge(const Key& key, const Object* cached, Instant now);
  /// When the cache should have it, for a key judged kBehind.
  [[nodiscard]] Instant until(const Key& key) const;
  /// Whether `key` was behind and is not any more with `now_cached`.
  bool caught_up(const Key& key, const Object* now_cached);

  [[nodiscard]] std::size_t size() const noexcept { return expected_.size(); }

 private:
  struct Expected {
    std::string uid;
    std::string version;
    bool newer = false;  // than `version`, which is not enough
    Instant until = {};
  };

  [[nodiscard]] static bool satisfies(const Object* cached, const Expected& expected);

  std::unordered_map<Key, Expected> expected_;
};

}  // namespace klutch::kube
