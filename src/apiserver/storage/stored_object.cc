// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/stored_object.h"

#include "base/check.h"
#include "json/parse.h"

namespace klutch::apiserver {

StoredObject::StoredObject(Fields fields) : fields_(std::move(fields)) {
  // Whoever printed the bytes let them grow, up to twice their size; here they stay for long.
  if (fields_.bytes.capacity() > fields_.bytes.size() + fields_.bytes.size() / 8) {
    fields_.bytes.shrink_to_fit();
  }
}

json::Value StoredObject::to_value() const {
  auto value = json::parse(fields_.bytes);
  // Only what was printed from a Value, or checked when it was loaded, gets here.
  CHECK(value.has_value());
  return *std::move(value);
}

}  // namespace klutch::apiserver
