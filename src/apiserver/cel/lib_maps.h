// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "apiserver/cel/value.h"

// What the macros on maps gather their results with. Internal.

namespace klutch::apiserver::cel {

/// `map` with one more entry, or an error when it has the key. Changes the map if nothing else holds it.
Value insert_entry(Value map, const Value& key, const Value& value);

}  // namespace klutch::apiserver::cel
