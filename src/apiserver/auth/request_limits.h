// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "apiserver/auth/user.h"
#include "async/token_bucket.h"
#include "base/clock.h"
#include "base/result.h"

// How many requests one user may send, so that a client gone wild cannot keep the server from the others.
// Members of system:masters are not limited: somebody must be able to mend it. Remembers a limited number of
// users. Loop thread only; never suspends.
//
//   TRY(limits.admit(sender, ctx.now()));  // who authenticated, not whom he impersonates

namespace klutch::apiserver {

class RequestLimits {
 public:
  struct Options {
    /// For each user; all who show nothing are one.
    async::Rate rate = {.per_second = 500, .burst = 1000};
    std::size_t max_users = 4096;
  };
  RequestLimits() : RequestLimits(Options()) {}
  explicit RequestLimits(Options options) : options_(options) {}

  /// kTooManyRequests, with a Status 429 and how long to wait.
  Result<> admit(const User& user, Instant now);
  /// Users that are remembered: those who sent something lately.
  [[nodiscard]] std::size_t users() const noexcept { return buckets_.size(); }

 private:
  void make_room(Instant now);

  Options options_;
  std::map<std::string, async::TokenBucket, std::less<>> buckets_ = {};
};

}  // namespace klutch::apiserver
