// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "apiserver/builtin/facts.h"
#include "base/result.h"
#include "json/value.h"

// Built-in objects in the protobuf encoding of Kubernetes (application/vnd.kubernetes.protobuf): typed Go
// clients send them, whatever they accept as an answer. Pure functions, bounded by the input's size and a
// depth. Fields that Go would leave out of JSON are left out here.

namespace klutch::apiserver {

/// Messages may be nested so deeply.
inline constexpr int kMaxProtobufDepth = 100;

/// Whether `body` begins as such an object does: "k8s" and a NUL.
bool is_kubernetes_protobuf(std::string_view body) noexcept;

/// The object in `body`, with its apiVersion and kind. kBadRequest for anything malformed; kUnsupported,
/// naming it, for a kind that is not built in.
Result<json::Value> decode_kubernetes_protobuf(std::string_view body);

/// The fields of one message.
Result<json::Value> decode_message(std::string_view bytes, const MessageFacts& message);

}  // namespace klutch::apiserver
