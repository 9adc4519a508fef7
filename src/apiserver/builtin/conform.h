// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apiserver/builtin/facts.h"
#include "base/result.h"
#include "json/value.h"

// Brings a built-in object that a client sent into the form in which Kubernetes stores and serves it: types
// checked, unknown fields removed, times, quantities and bytes in their canonical form, empty values left
// out, and those written that Go always writes ("status": {}, "eventTime": null). What Go's JSON decoder,
// protobuf and JSON encoder together do to it. Pure; recursion is bounded.
//
//   auto secret = TRY(conform(body, *facts.message_of("v1", "Secret")));

namespace klutch::apiserver {

/// Objects may be nested so deeply.
inline constexpr int kMaxConformDepth = 150;

struct Conformed {
  json::Value object = {};  ///< members in the order of Go's fields
  /// Paths of what was unknown, as they stand in the object: `spec.ports[0].bogus`; at most 100.
  std::vector<std::string> unknown_fields = {};
};

/// `object` must be a JSON object (CHECK); its apiVersion and kind are kept. kBadRequest in the words of Go:
/// "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string".
Result<Conformed> conform(const json::Value& object, const MessageFacts& message);

}  // namespace klutch::apiserver
