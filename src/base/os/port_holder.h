// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace klutch::os {

/// Who listens on a TCP port of this machine, for messages: "nginx (pid 123)"; "another program" if that
/// cannot be seen, as with programs of other users; empty if nobody does. Reads /proc; blocks for
/// milliseconds.
std::string find_port_holder(std::uint16_t port);

}  // namespace klutch::os
