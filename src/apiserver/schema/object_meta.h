// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "apiserver/schema/field_error.h"
#include "apiserver/schema/name_rules.h"
#include "base/result.h"
#include "json/value.h"

// `metadata` of objects (metav1.ObjectMeta): reading it into the form in which it is stored, and what may
// stand in it. Pure functions.

namespace klutch::apiserver {

struct ObjectMetaOptions {
  /// Drops fields of a wrong type instead of failing: for what is read from the store.
  bool drop_malformed = false;
};

struct ObjectMeta {
  json::Value value = {};  ///< without empty and unknown fields; times in UTC and whole seconds
  /// Paths below metadata of what was unknown, such as "ownerReferences[0].x"; at most 100.
  std::vector<std::string> unknown = {};
};

/// Reads `metadata` as Go's JSON decoder does. kInvalid with its text: "json: cannot unmarshal number into Go
/// struct field ObjectMeta.name of type string".
Result<ObjectMeta> decode_object_meta(const json::Value& metadata, const ObjectMetaOptions& options = {});

struct ObjectMetaRules {
  bool namespaced = true;
  NameRule name = NameRule::kDnsSubdomain;
};

/// What is wrong with the metadata of a new object, whose name was generated before.
FieldErrors validate_object_meta(const json::Value& metadata, const ObjectMetaRules& rules,
                                 const FieldPath& path);

/// What is wrong with metadata that replaces `old`: what must not change, and what must have a shape.
FieldErrors validate_object_meta_update(const json::Value& metadata, const json::Value& old,
                                        const FieldPath& path);

}  // namespace klutch::apiserver
