// SPDX-License-Identifier: Apache-2.0
// main() of every test executable.
#include <csignal>

#include <gmock/gmock.h>

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // as every program of the project does: a closed peer is an error value
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
