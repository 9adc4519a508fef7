// SPDX-License-Identifier: Apache-2.0
// Starts a real API server for benchmarks, prints where it is as one line of JSON, and ends it when standard
// input does. KLUTCH_REAL_BIN says where its programs are. Also good for looking at it with kubectl.

#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "async/loop.h"
#include "base/os/file.h"
#include "json/build.h"
#include "json/print.h"
#include "testing/real_cluster.h"

int main() {
  using namespace klutch;
  async::Loop loop;
  std::unique_ptr<testing::RealCluster> cluster;
  const auto started = loop.run([&](Ctx& ctx) -> Result<> {
    cluster = TRY(testing::RealCluster::start(ctx));
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
