// SPDX-License-Identifier: Apache-2.0
// Starts a real API server, prints where it is as one line of JSON, and ends it when standard input does. For
// benchmarks and for clients of others that need one; also good for looking at it with kubectl.
//
//   KLUTCH_REAL_BIN=folder real_cluster [--controllers]      with the controller manager, too

#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "async/loop.h"
#include "base/os/file.h"
#include "json/build.h"
#include "json/print.h"
#include "testing/real_cluster.h"

int main(int argc, char** argv) {
  using namespace klutch;
  const bool controllers = argc == 2 && std::string_view(argv[1]) == "--controllers";
  if (argc > 1 && !controllers) {
    std::fprintf(stderr, "usage: real_cluster [--controllers]\n");
    return 2;
  }
  async::Loop loop;
  std::unique_ptr<testing::RealCluster> cluster;
  const auto started = loop.run([&](Ctx& ctx) -> Result<> {
    cluster = TRY(testing::RealCluster::start(ctx));
    if (controllers) TRY(cluster->ensure_controller_manager(ctx));
    const auto kubeconfig = cluster->directory() + "/admin.kubeconfig";
    TRY(os::write_file_atomic(kubeconfig, cluster->kubeconfig()));
    const auto place = json::print(json::object({{"kubeconfig", kubeconfig},
                                                 {"url", cluster->url()},
                                                 {"api_server_pid", cluster->api_server_pid()},
                                                 {"etcd_pid", cluster->etcd_pid()}}));
    std::puts(place.c_str());
    std::fflush(stdout);
    return {};
  });
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message().c_str());
    return 1;
  }
  std::array<char, 4096> ignored{};
  while (::read(STDIN_FILENO, ignored.data(), ignored.size()) > 0) {
  }
  return 0;
}
