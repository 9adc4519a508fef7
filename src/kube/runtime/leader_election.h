// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/unique_function.h"
#include "kube/api/resource.h"
#include "kube/client/client.h"

// One of several processes leads, by holding a Lease (coordination.k8s.io/v1) that it renews; interoperable
// with client-go's leader election. Others take over when they have not seen a renewal for the lease's
// duration by their own steady clock: the times written in the lease are for people, so clocks may differ.
//
//   return kube::run_as_leader(ctx, client, {.lease = {"system", "konnector"}},
//                              [&](Ctx& led, kube::Client& fenced) { return run_controllers(led, fenced); });
//
// What the leader writes goes through the fenced client, which stops `lease_duration - renew_deadline` before
// anybody can take over, and also gives up waiting for answers halfway through that time. What a server still
// does later with a request that it has received already cannot be taken back; neither helps a fence against
// somebody who deletes the lease.

namespace klutch::obs {
class Registry;
}  // namespace klutch::obs

namespace klutch::kube {

struct LeaderElectionOptions {
  /// Namespace and name of the Lease.
  Key lease = {};
  /// Unique among candidates. Default: host name and a random UUID, so that a restarted process is another.
  std::string identity = {};
  /// Whole seconds. How long others wait for a renewal.
  Duration lease_duration = std::chrono::seconds(15);
  /// How long after its last renewal a leader stops leading.
  Duration renew_deadline = std::chrono::seconds(10);
  /// How often it renews and others look.
  Duration retry_period = std::chrono::seconds(2);
  /// Hands the lease over when the work has ended, so that the next one need not wait.
  bool release = true;
  /// Stamps the lease, and shows when the machine slept.
  const Clock* clock = &system_clock();
  /// Called when another leader is seen, ourselves included.
  std::function<void(std::string_view identity)> on_new_leader = {};
  /// Gets leader_election_master_status{name}, as client-go has it. May be null.
  obs::Registry* metrics = nullptr;
};

/// Waits until it leads, then runs `body` until that ends, `ctx` is cancelled, or leadership is lost; in the
/// last two cases `body` is cancelled and waited for, in the second one still renewing. Gives the result of
/// `body`; kUnavailable when leadership was lost; kInvalid, before anything is sent, for options that make no
/// sense; kCancelled and kTimeout when `ctx` ended before it led. Failures of requests are tried again.
Result<> run_as_leader(Ctx& ctx, Client& client, LeaderElectionOptions options,
                       UniqueFunction<Result<>(Ctx& ctx, Client& fenced)> body);

}  // namespace klutch::kube
