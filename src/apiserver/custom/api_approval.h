// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "json/value.h"

// Who may define resources in the groups of the Kubernetes community (KEP-1111). Pure functions. Private to
// this library.

namespace klutch::apiserver {

inline constexpr std::string_view kApprovalAnnotation = "api-approved.kubernetes.io";

/// k8s.io, kubernetes.io and what is below them.
bool is_protected_group(std::string_view group);

struct ApiApproval {
  enum class State : std::uint8_t { kInvalid, kApproved, kBypassed, kMissing };
  State state = State::kMissing;
  std::string reason = {};
};
/// What the annotation of a definition says.
ApiApproval api_approval_of(const json::Value& definition);

}  // namespace klutch::apiserver
