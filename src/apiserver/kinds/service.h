// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "apiserver/kinds/builtin_resources.h"

// Private to this library.

namespace klutch::apiserver {

/// `addresses` may be null.
std::shared_ptr<const ResourceBehavior> make_service_behavior(
    const ResourceFacts& facts, std::shared_ptr<const ServiceAddresses> addresses);

/// What is wrong with a Service besides its metadata; `old` is null for a new one.
FieldErrors validate_service(const json::Value& object, const json::Value* old);

}  // namespace klutch::apiserver
