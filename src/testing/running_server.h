// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include "async/task_group.h"
#include "http/server.h"

// A Server that runs on the test's own loop, on a free port of loopback. For tests only.

namespace klutch::testing {

class RunningServer {
 public:
  RunningServer(Ctx& ctx, http::ServerOptions options, http::Handler handler) : ctx_(ctx), tasks_(ctx) {
    if (options.addresses.empty()) options.addresses.push_back({"127.0.0.1", 0, {}});
    auto server = http::Server::listen(ctx.loop(), std::move(options), std::move(handler));
    EXPECT_TRUE(server.has_value()) << server.error().message();
    server_ = std::make_unique<http::Server>(*std::move(server));
    tasks_.spawn("server", [this](Ctx& task) { return server_->serve(task); });
  }
  ~RunningServer() {
    if (!stopped_) static_cast<void>(stop());
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  [[nodiscard]] http::Address address() const { return server_->addresses().front(); }
  http::Server& operator*() { return *server_; }
  http::Server* operator->() { return server_.get(); }

  /// Tells the server to drain; returns at once.
  void cancel() { tasks_.cancel(); }
  /// Drains and waits.
  Result<> stop() {
    stopped_ = true;
    tasks_.cancel();
    auto patient = ctx_.shielded(std::chrono::seconds(60));
    return tasks_.wait(patient);
  }

 private:
  Ctx& ctx_;
  async::TaskGroup tasks_;
  std::unique_ptr<http::Server> server_;
  bool stopped_ = false;
};

}  // namespace klutch::testing
