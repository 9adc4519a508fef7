// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/registry/resource.h"
#include "base/result.h"
#include "json/value.h"

// The Scale (autoscaling/v1) of an object: its number of replicas, wherever its kind keeps it. Pure.

namespace klutch::apiserver {

json::Value scale_of(const json::Value& object, const ScalePaths& paths);
/// Puts spec.replicas of `scale` into `object`. kInvalid for what is no number of replicas.
Result<> set_scale(json::Value& object, const json::Value& scale, const ScalePaths& paths);

}  // namespace klutch::apiserver
