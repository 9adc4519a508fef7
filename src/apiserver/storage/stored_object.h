// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "json/value.h"
#include "kube/api/resource.h"

// One object as the store keeps it: its JSON bytes, shared by everybody and never changed, with the little
// that lists and selectors ask for beside them. Safe to hand to other threads.

namespace klutch::apiserver {

/// Counts the changes of the whole store. 0 is before the first one.
using Revision = std::uint64_t;

class StoredObject {
 public:
  struct Fields {
    kube::Key key = {};
    Revision created = 0;
    Revision revision = 0;
    std::string bytes = {};   ///< compact JSON, metadata.resourceVersion included
    json::Value labels = {};  ///< metadata.labels: an object of strings, or null
  };
  explicit StoredObject(Fields fields);

  [[nodiscard]] const kube::Key& key() const noexcept { return fields_.key; }
  /// The change that made it.
  [[nodiscard]] Revision created() const noexcept { return fields_.created; }
  /// The change that made it what it is: metadata.resourceVersion.
  [[nodiscard]] Revision revision() const noexcept { return fields_.revision; }
  [[nodiscard]] std::string_view bytes() const noexcept { return fields_.bytes; }
  /// Null if it has none.
  [[nodiscard]] const json::Value* labels() const noexcept {
    return fields_.labels.is_object() ? &fields_.labels : nullptr;
  }
  /// Parsed anew each time.
  [[nodiscard]] json::Value to_value() const;

 private:
  Fields fields_;
};

using StoredPtr = std::shared_ptr<const StoredObject>;

}  // namespace klutch::apiserver
