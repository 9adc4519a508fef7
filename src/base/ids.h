// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

// Identifiers made from the kernel's random numbers: UUIDs for objects, short suffixes for generated names,
// and the bytes underneath. Safe from any thread and after fork. A kernel that gives no random numbers ends
// the program: nothing sensible can be done with predictable identifiers.

namespace klutch {

/// Fills `bytes` from getrandom(2). Never blocks once the machine has booted.
void fill_random(std::span<std::byte> bytes) noexcept;

/// A random UUID (version 4, RFC 9562 §5.4) in lower case: "f81d4fae-7dec-41d0-a765-00a0c91e6bf6".
std::string new_uuid();

/// Whether `text` has the form of a UUID (8-4-4-4-12 hexadecimal digits, either case), whatever its version.
bool is_uuid(std::string_view text) noexcept;

/// `length` random characters of the alphabet Kubernetes uses for generated names: no vowels and no 0, 1 or
/// 3, so that no words appear and nothing is misread. Each carries 4.75 bits; five of them tell names apart,
/// they protect nothing.
std::string random_suffix(std::size_t length = 5);

}  // namespace klutch
