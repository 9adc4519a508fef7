// SPDX-License-Identifier: Apache-2.0
// A Kubernetes API for one machine: one process, one folder, one port.
#include <cstdio>

#include "async/loop.h"
#include "async/signals.h"
#include "commands.h"

int main(int argc, char** argv) {
  using namespace klutch;
  cli::Invocation invocation;
  if (const auto code = cli::parse(argc, argv, invocation)) return *code;
  async::Loop loop;
  int exit_code = 0;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    return async::run_until_signalled(ctx, [&](Ctx& task) -> Result<> {
      exit_code = TRY(cli::run(task, invocation));
      return {};
    });
  });
  if (result) return exit_code;
  std::fprintf(stderr, "klutch-apiserver: %s\n", result.error().message().c_str());
  return traits(result.error().code()).exit_code;
}
