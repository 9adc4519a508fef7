// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "apiserver/builtin/facts.h"
#include "json/value.h"

// Defaults of built-in kinds (SetDefaults_* and +default of Kubernetes 1.34): for each message its own,
// wherever it stands. Pure; bounded by the depth that conform() allows.

namespace klutch::apiserver {

/// `object` must have been through conform().
void set_defaults(json::Value& object, const MessageFacts& message);

/// Defaults of one message, without those below; null: it has none.
using MessageDefaults = void (*)(json::Value& value);
/// The parts of the table. Private to this library.
MessageDefaults core_defaults(std::string_view message);
MessageDefaults pod_defaults(std::string_view message);
MessageDefaults workload_defaults(std::string_view message);
MessageDefaults other_defaults(std::string_view message);

}  // namespace klutch::apiserver
