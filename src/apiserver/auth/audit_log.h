// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "apiserver/auth/audit_event.h"
#include "apiserver/auth/audit_policy.h"
#include "async/ctx.h"
#include "async/event.h"
#include "base/result.h"

// Who did what, in a file: one JSON line for each event. Requests do not wait for the disk: lines are kept in
// memory, within limits, and written by a fiber of their own; those that find no room are counted and told of
// in the program's log. The file is opened for each write, so that it may be moved away at any time. Loop
// thread only.
//
//   AuditLog audit({.path = "audit.log", .policy = policy});
//   group.spawn("audit", [&](Ctx& task) { return audit.run(task); });
//   audit.write(record, AuditStage::kResponseComplete);

namespace klutch::apiserver {

class AuditLog {
 public:
  struct Options {
    std::string path = {};
    AuditPolicy policy = {};
    std::size_t max_waiting_bytes = std::size_t{16} << 20;
  };
  explicit AuditLog(Options options) : options_(std::move(options)) {}

  /// If the policy wants it; returns at once.
  void write(const AuditRecord& record, AuditStage stage);
  /// Whether the policy wants bodies of such a request.
  [[nodiscard]] AuditLevel level(const User& user, const RequestAttributes& request) const {
    return options_.policy.decide(user, request).level;
  }

  /// Writes what is there until it is cancelled, then what is left, for at most a few seconds. A disk that
  /// refuses is logged and tried again.
  Result<> run(Ctx& ctx);

  /// Lines that found no room.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

 private:
  Result<> flush(Ctx& ctx);

  Options options_;
  std::string waiting_ = {};
  async::Event arrived_ = {};
  std::uint64_t lost_ = 0;
  std::uint64_t told_lost_ = 0;
};

}  // namespace klutch::apiserver
