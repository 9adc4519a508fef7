// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <utility>

#include "apiserver/ownership/merge_type.h"
#include "apiserver/schema/structural_schema.h"

// Custom resources as server-side apply sees them: made from the schemas of one definition, where equal parts
// become one type. The schemas must outlive this, not the types. Private to this library.

namespace klutch::apiserver {

class CustomMergeTypes {
 public:
  /// Adds types to `schema`, which must outlive what is returned.
  explicit CustomMergeTypes(MergeSchema& schema) : schema_(schema) {}

  /// The type of a whole object, whose apiVersion, kind and metadata need no schema. Without one anything
  /// goes.
  TypeRef add_root(const StructuralSchema* schema, bool preserve_unknown_fields);

 private:
  /// `preserve`: x-kubernetes-preserve-unknown-fields is set above.
  TypeRef type_of(const StructuralSchema& schema, bool preserve);
  MergeType::Map map_of(const StructuralSchema& schema, bool preserve);
  MergeType::List list_of(const StructuralSchema& schema, bool preserve);
  void add_object_fields(MergeType::Map& map);

  MergeSchema& schema_;
  std::map<std::pair<const StructuralSchema*, bool>, TypeRef> known_ = {};
};

}  // namespace klutch::apiserver
