// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/request_limits.h"

#include <iterator>
#include <memory>
#include <utility>

#include "kube/api/status.h"

namespace klutch::apiserver {
namespace {

constexpr int kRetrySeconds = 1;

Error too_many_requests() {
  auto status = std::make_shared<kube::Status>();
  status->http_status = 429;
  status->reason = "TooManyRequests";
  status->message = "Too many requests, please try again later.";
  status->retry_after_seconds = kRetrySeconds;
  return Error(Code::kTooManyRequests, status->message)
      .with_retry_after(std::chrono::seconds(kRetrySeconds))
      .with_detail(std::move(status));
}

}  // namespace

Result<> RequestLimits::admit(const User& user, Instant now) {
  if (options_.rate.per_second <= 0 || user.in_group(kMastersGroup)) return {};
  auto found = buckets_.find(user.name);
  if (found == buckets_.end()) {
    make_room(now);
    found = buckets_.emplace(user.name, async::TokenBucket(options_.rate)).first;
  }
  if (!found->second.try_take(now)) return fail(too_many_requests());
  return {};
}

void RequestLimits::make_room(Instant now) {
  if (buckets_.size() < options_.max_users) return;
  for (auto entry = buckets_.begin(); entry != buckets_.end();) {
    entry = entry->second.full(now) ? buckets_.erase(entry) : std::next(entry);
  }
  // So many at one time are not expected; forgetting one lets him send a burst more.
  if (buckets_.size() >= options_.max_users) buckets_.erase(buckets_.begin());
}

}  // namespace klutch::apiserver
