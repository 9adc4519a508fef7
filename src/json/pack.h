// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "json/value.h"

// Snapshots: a value that nobody changes any more, laid out in one heap block together with its reference
// count. An ordinary value spends an allocation on every array, object and long string, which is right while
// it is built; for thousands of objects that are only read, one block each takes less memory, is copied and
// freed faster and leaves no holes. Reading is the same, and whoever wants to change something copies the
// value out. Pure functions, safe from any thread; the result may be shared between threads.
//
//   const std::shared_ptr<const json::Value> snapshot = json::pack(object);

namespace klutch::json {

/// A packed copy of `value`. Throws only std::bad_alloc.
std::shared_ptr<const Value> pack(const Value& value);

/// How many bytes the block of pack(value) has, without the allocator's own overhead.
std::size_t packed_bytes(const Value& value);

}  // namespace klutch::json
