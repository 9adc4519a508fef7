// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/stored_object.h"

#include "base/check.h"
#include "json/parse.h"

namespace klutch::apiserver {

json::Value StoredObject::to_value() const {
  auto value = json::parse(fields_.bytes);
  // Only what was printed from a Value, or checked when it was loaded, gets here.
  CHECK(value.has_value());
  return *std::move(value);
}

}  // namespace klutch::apiserver
