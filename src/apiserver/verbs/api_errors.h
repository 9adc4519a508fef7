// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kube/api/resource.h"
#include "kube/api/status.h"

// The errors of an API server that name an object, with the texts and details of k8s.io/apimachinery
// (pkg/api/errors), because clients show, compare and decide by them. Each carries a kube::Status. Pure.

namespace klutch::apiserver {

/// `widgets.ex.io "x" not found`
Error object_not_found(const kube::GroupResource& resource, std::string_view name);
/// `widgets.ex.io "x" already exists`
Error object_already_exists(const kube::GroupResource& resource, std::string_view name);
/// `Operation cannot be fulfilled on widgets.ex.io "x": REASON`
Error object_conflict(const kube::GroupResource& resource, std::string_view name, std::string_view reason);
/// The reason of most conflicts: somebody else changed the object meanwhile.
extern const std::string_view kModifiedMeanwhile;
/// `widgets.ex.io "x" is forbidden: REASON`
Error object_forbidden(const kube::GroupResource& resource, std::string_view name, std::string_view reason,
                       std::vector<kube::StatusCause> causes = {});
/// A kBadRequest whose text is `message`.
Error bad_request(std::string_view message);
/// 500 without a reason, and with a text that is no secret.
Error plain_server_error(std::string_view message);
/// What JSON patches get that cannot be applied: 422 with a text that says nothing.
Error unprocessable();

}  // namespace klutch::apiserver
