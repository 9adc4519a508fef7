// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/task_group.h"
#include "kube/runtime/manager.h"
#include "kube_client_setup.h"

// What the suites of controllers share: a client that counts what is written through it, reconcilers made of
// a function, and waiting for what controllers bring about.

namespace klutch::kube {

/// Counts writes, and can put something in front of each.
class WatchedClient final : public Client {
 public:
  explicit WatchedClient(Client& inner) : inner_(inner) {}

  std::function<void(const Request&)> before_write = {};
  [[nodiscard]] std::size_t writes() const noexcept { return writes_; }

  Result<Object> send(Ctx& ctx, const Request& request) override {
    if (request.method != "GET") {
      ++writes_;
      if (before_write) before_write(request);
    }
    return inner_.send(ctx, request);
  }
  Result<Document> fetch(Ctx& ctx, const Request& request, std::string_view etag) override {
    return inner_.fetch(ctx, request, etag);
  }
  Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override {
    return inner_.open(ctx, request);
  }

 private:
  Client& inner_;
  std::size_t writes_ = 0;
};

class FunctionReconciler final : public Reconciler<Object> {
 public:
  using Function = std::function<Result<Outcome>(Ctx&, Object&)>;
  explicit FunctionReconciler(Function function, std::vector<std::string>* forgotten = nullptr)
      : function_(std::move(function)), forgotten_(forgotten) {}
  Result<Outcome> reconcile(Ctx& ctx, Object& object) override { return function_(ctx, object); }
  Result<Outcome> forget(Ctx& /*ctx*/, const Key& key) override {
    if (forgotten_ != nullptr) forgotten_->push_back(key.name);
    return done();
  }

 private:
  Function function_;
  std::vector<std::string>* forgotten_;
};

inline std::unique_ptr<FunctionReconciler> reconcile_with(FunctionReconciler::Function function,
                                                          std::vector<std::string>* forgotten = nullptr) {
  return std::make_unique<FunctionReconciler>(std::move(function), forgotten);
}

/// Looks again and again; false after ten seconds.
inline bool eventually(Ctx& ctx, const std::function<bool()>& holds) {
  const Instant end = ctx.now() + std::chrono::seconds(10);
  while (!holds()) {
    if (ctx.now() > end || !ctx.sleep(std::chrono::milliseconds(20))) return false;
  }
  return true;
}

/// Long enough for anything that is on its way to arrive.
inline void let_settle(Ctx& ctx) {
  EXPECT_TRUE(ctx.sleep(std::chrono::milliseconds(300)));
}

inline std::string phase_of(const Result<Object>& object) {
  if (!object) return "";
  const auto* status = object->find_object("status");
  return std::string(status != nullptr ? status->find_string("phase").value_or("") : "");
}

}  // namespace klutch::kube
