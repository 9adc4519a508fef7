// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"

namespace klutch::local {

/// `count` different TCP ports that nobody listens on now. Private to local/.
Result<std::vector<std::uint16_t>> find_free_ports(std::size_t count);

}  // namespace klutch::local
