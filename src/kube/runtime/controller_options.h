// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "async/token_bucket.h"
#include "base/clock.h"

// How a controller goes about its work; the defaults suit most. Plain values, set with
// Manager::controller(...).options({...}).

namespace klutch::kube {

struct ControllerOptions {
  /// Objects reconciled at once. With more than one, members of the reconciler are shared by fibers that take
  /// turns whenever one of them waits.
  std::size_t workers = 1;
  /// The deadline of one reconcile.
  Duration timeout = std::chrono::seconds(60);
  /// The deadline for storing what it changed.
  Duration commit_timeout = std::chrono::seconds(30);
  /// How long an object that we wrote waits for the cache to have that version, before the next reconcile
  /// reads the object from the server.
  Duration cache_wait = std::chrono::seconds(10);
  /// At the end, how long running reconciles may go on before they are cancelled.
  Duration stop_grace = std::chrono::seconds(10);
  /// The delays after failures: doubled from the first to the most, per object.
  Duration backoff_first = std::chrono::milliseconds(5);
  Duration backoff_most = std::chrono::seconds(1000);
  /// A limit on retries of all objects together; none by default.
  async::Rate retries = {};
  /// Off for types without the subresource `status`: it is then stored with everything else.
  bool status_subresource = true;
  /// Who owns the fields that are stored (metadata.managedFields). Empty: the server takes it from the user
  /// agent.
  std::string field_manager = {};
};

}  // namespace klutch::kube
