// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/os/file.h"
#include "http/request.h"
#include "json/print.h"
#include "json/value.h"
#include "kube/client/client_config.h"
#include "testing/running_server.h"
#include "testing/test_pki.h"

// An HTTP server that answers as a test tells it, and writes down what it was asked. For tests of clients.

namespace klutch::testing {

inline http::Response json_response(const json::Value& body, int status = 200) {
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = json::print(body)};
}

class RecordingServer {
 public:
  struct Seen {
    std::string method = {};
    std::string target = {};
    http::Headers headers = {};
    std::string body = {};
    std::vector<std::string> client_chain = {};

    [[nodiscard]] std::string header(std::string_view name) const {
      return std::string(headers.get(name).value_or(""));
    }
  };
  using Answer = std::function<Result<http::Response>(const Seen&)>;

  RecordingServer(Ctx& ctx, Answer answer, std::shared_ptr<const http::TlsServer> tls = nullptr)
      : https_(tls != nullptr),
        answer_(std::move(answer)),
        server_(ctx, {.tls = std::move(tls)},
                [this](Ctx& task, http::ServerRequest& request) { return handle(task, request); }) {}

  [[nodiscard]] kube::ClientConfig config(const std::string& path = "") const {
    return {.server = http::Url::parse(std::string(https_ ? "https://" : "http://") +
                                       server_.address().to_string() + path)
                          .value()};
  }
  [[nodiscard]] const std::deque<Seen>& seen() const noexcept { return seen_; }
  [[nodiscard]] const Seen& last() const { return seen_.back(); }
  RunningServer& server() { return server_; }

 private:
  Result<http::Response> handle(Ctx& ctx, http::ServerRequest& request) {
    auto body = TRY(request.read_body(ctx, 64U << 20U));
    Seen seen{.method = request.method,
              .target = request.target,
              .headers = request.headers,
              .body = std::move(body)};
    if (request.tls != nullptr) seen.client_chain = request.tls->peer_chain;
    seen_.push_back(seen);
    return answer_(seen);
  }

  bool https_;
  Answer answer_;
  std::deque<Seen> seen_;
  RunningServer server_;
};

/// A shell script in a folder of its own that may be run.
class TestScript {
 public:
  explicit TestScript(const std::string& body) { write(body); }
  void write(const std::string& body) {
    EXPECT_TRUE(os::write_file_atomic(path(), "#!/bin/sh\n" + body + "\n", 0700));
  }
  [[nodiscard]] std::string path() const { return folder_.file("plugin"); }
  [[nodiscard]] std::string file(std::string_view name) const { return folder_.file(name); }
  [[nodiscard]] std::string read(std::string_view name) const {
    return os::read_file(folder_.file(name)).value_or("");
  }

 private:
  os::TempDir folder_ = os::TempDir::create().value();
};

}  // namespace klutch::testing
