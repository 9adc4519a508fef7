// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "async/ctx.h"
#include "base/result.h"
#include "kube/api/object.h"
#include "kube/api/request.h"
#include "kube/client/client.h"

// Stores what was changed in a private copy of an object: `before` is what it was made from, `after` what it
// has become. Only what differs is sent, as merge patches under the preconditions that UID and
// resourceVersion are still those of `before`; nothing is sent if nothing differs.
//
//   const auto stored = TRY(kube::commit(ctx, client, type, *before, std::move(after)));

namespace klutch::kube {

/// A patch and the kind it is of.
struct PlannedPatch {
  PatchType type = PatchType::kMerge;
  json::Value patch = {};
};

/// What has to be sent.
struct CommitPlan {
  std::optional<PlannedPatch> main = {};    ///< everything outside of status
  std::optional<PlannedPatch> status = {};  ///< for the subresource
  /// The object ends with the main patch: it is being deleted and this takes its last finalizer.
  bool ends = false;
};

struct CommitOptions {
  /// Off for types that have no such subresource: status then goes with all else.
  bool status_subresource = true;
  /// Leaves everything outside of status as it is.
  bool status_only = false;
  /// Empty: the server takes it from the user agent.
  std::string field_manager = {};
};

/// Pure. Patches are merge patches (RFC 7386), with arrays such as conditions replaced whole; where a member
/// is to become null, which a merge patch cannot say, a JSON patch takes their place.
CommitPlan plan_commit(const Object& before, const Object& after, const CommitOptions& options = {});

struct CommitResult {
  std::size_t requests = 0;
  /// Of the object as it was stored last; empty if nothing was sent or the object is gone.
  std::string resource_version = {};
  /// The object does not exist any more: its last finalizer was taken, or it was gone before.
  bool gone = false;
};

/// First everything outside of status, then status, so that status never tells of what was not stored; no
/// status after the object has ended. Errors: kConflict when the object is another one by now, else those of
/// the client. After an error `sent` tells what was stored before it.
Result<> commit(Ctx& ctx, Client& client, const ResourceType& type, const Object& before, const Object& after,
                const CommitOptions& options, CommitResult& sent);

}  // namespace klutch::kube
