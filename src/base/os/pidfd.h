// SPDX-License-Identifier: Apache-2.0
#pragma once

// pidfd_open and pidfd_send_signal for the sources of this folder: glibc 2.36 declares them without C
// linkage.

// What the header includes must come first, outside of the linkage block.
#include <fcntl.h>
#include <signal.h>

extern "C" {
#include <sys/pidfd.h>
}
