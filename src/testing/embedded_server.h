// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/ctx.h"
#include "base/os/file.h"
#include "base/os/process.h"
#include "base/result.h"

// The program klutch-apiserver, started by a test: with a folder that outlives the process, so that it can be
// killed and started again.

namespace klutch::testing {

class EmbeddedServer {
 public:
  /// `program`: its path. `arguments` besides --state and --listen.
  explicit EmbeddedServer(std::string program, std::vector<std::string> arguments = {});
  /// Kills it.
  ~EmbeddedServer();
  EmbeddedServer(const EmbeddedServer&) = delete;
  EmbeddedServer& operator=(const EmbeddedServer&) = delete;

  /// Starts it and waits until it is ready. The port is a free one the first time, the same one later.
  Result<> start(Ctx& ctx);
  /// As kill -9, and waits for the end.
  void kill();
  /// As SIGTERM; gives how it ended.
  Result<os::ExitStatus> stop(Ctx& ctx);

  [[nodiscard]] const std::string& folder() const noexcept { return folder_.path(); }
  [[nodiscard]] std::string kubeconfig() const;
  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  [[nodiscard]] int pid() const;
  /// What it has written to its log.
  [[nodiscard]] std::string log() const;

 private:
  os::TempDir folder_;
  std::string program_;
  std::vector<std::string> arguments_;
  std::string listen_ = "127.0.0.1:0";
  std::string url_ = {};
  std::optional<os::Process> process_ = {};
};

}  // namespace klutch::testing
