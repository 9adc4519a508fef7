// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/audit_log.h"

#include <chrono>

#include "base/os/file.h"
#include "json/print.h"
#include "obs/log.h"

namespace klutch::apiserver {
namespace {

/// Lines that come close together share a write, and a disk that refuses gets time.
constexpr Duration kGatherTime = std::chrono::milliseconds(100);
constexpr Duration kDiskPause = std::chrono::seconds(1);
constexpr Duration kLastWrite = std::chrono::seconds(5);

const obs::Logger& audit_logger() {
  static const obs::Logger log("apiserver.audit");
  return log;
}

}  // namespace

void AuditLog::write(const AuditRecord& record, AuditStage stage) {
  const auto decision = options_.policy.decide(record.user, record.attributes);
  if (!decision.logs(stage)) return;
  auto line = json::print(audit_event(record, decision, stage));
  if (waiting_.size() + line.size() + 1 > options_.max_waiting_bytes) {
    ++lost_;
    return;
  }
  waiting_ += line;
  waiting_ += '\n';
  arrived_.set();
}

Result<> AuditLog::flush(Ctx& ctx) {
  if (lost_ != told_lost_) {
    audit_logger().error("dropped lines of the audit log", {{"lost", lost_ - told_lost_}});
    told_lost_ = lost_;
  }
  if (waiting_.empty()) return {};
  const std::string text = std::exchange(waiting_, {});
  auto written = ctx.blocking([&] { return os::append_file(options_.path, text); });
  // Some of it may have been written; a line twice is better than none.
  if (!written) waiting_.insert(0, text);
  return written;
}

Result<> AuditLog::run(Ctx& ctx) {
  while (true) {
    Result<> waited = arrived_.wait(ctx);
    if (waited) waited = ctx.sleep(kGatherTime);
    if (!waited) {
      auto last = ctx.shielded(kLastWrite);
      const auto written = flush(last);
      if (!written) audit_logger().error("cannot write the audit log", {{"error", written.error()}});
      return waited;
    }
    arrived_.clear();
    const auto written = flush(ctx);
    if (!written && !ctx.cancelled()) {
      audit_logger().error("cannot write the audit log", {{"error", written.error()}});
      arrived_.set();
      static_cast<void>(ctx.sleep(kDiskPause));
    }
  }
}

}  // namespace klutch::apiserver
