// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/ownership/field_set.h"
#include "apiserver/ownership/merge_type.h"
#include "base/result.h"
#include "json/value.h"

// Operations on values of a type: which fields one has, what differs between two, one laid over the other,
// one without some fields. They follow structured-merge-diff v6. Pure functions; recursion is as deep as the
// value, which the JSON parser bounds. Errors are kInvalid, with the texts that Kubernetes gives.

namespace klutch::apiserver {

enum class Duplicates { kRefuse, kAllow };

/// Whether `value` is of that type: declared fields only, scalars of the right kind, items of lists with
/// their keys.
Result<> check_type(const json::Value& value, TypeRef type, Duplicates duplicates = Duplicates::kRefuse);

/// Every leaf field and every item that `value` mentions.
FieldSet fields_of(const json::Value& value, TypeRef type);

/// `config` laid over `live`: its leaves win, its items come in its order, nothing of `live` is lost.
Result<json::Value> merge_values(const json::Value& live, const json::Value& config, TypeRef type);

/// No path is in more than one of these.
struct Comparison {
  FieldSet removed = {};
  FieldSet modified = {};
  FieldSet added = {};

  [[nodiscard]] bool same() const noexcept { return removed.empty() && modified.empty() && added.empty(); }
};
Result<Comparison> compare_values(const json::Value& before, const json::Value& after, TypeRef type);

/// `value` without the fields and items of `fields`. A map or list that loses all it has becomes null.
json::Value remove_fields(const json::Value& value, const FieldSet& fields, TypeRef type);

/// `fields` with every declared field added that leads to one of its paths.
FieldSet with_named_parents(const FieldSet& fields, TypeRef type);

/// `fields` as they must be where a type has become atomic since they were written: the whole in place of its
/// parts.
FieldSet reconcile_fields(const FieldSet& fields, TypeRef type);

}  // namespace klutch::apiserver
