// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "async/work_queue.h"
#include "base/clock.h"
#include "obs/metrics.h"

// The metrics of one controller, under the names that controller-runtime and client-go give them, so that
// dashboards and alerts made for those work here:
//
//   controller_runtime_reconcile_total{controller,result}            see ReconcileResult
//   controller_runtime_reconcile_errors_total{controller}            every error that is no conflict
//   controller_runtime_terminal_reconcile_errors_total{controller}   those that are not retried
//   controller_runtime_reconcile_panics_total{controller}            exceptions
//   controller_runtime_reconcile_time_seconds{controller}            with the commit
//   controller_runtime_active_workers, controller_runtime_max_concurrent_reconciles{controller}
//   workqueue_depth, _adds_total, _retries_total, _queue_duration_seconds, _work_duration_seconds
//                                                                    {name,controller}
//   klutch_controller_writes_total{controller}                       patches sent to store changes
//   klutch_controller_live_reads_total{controller}                   reads because the cache stayed behind
//
// Gauges are moved, never set, so that controllers of one name in several managers add up. Loop thread only.

namespace klutch::kube {

/// How one reconcile came out: success, requeue_after, conflict, error, terminal.
enum class ReconcileResult { kSuccess, kRequeueAfter, kConflict, kError, kTerminal };
std::string_view to_string(ReconcileResult result) noexcept;

class ControllerMetrics final : public async::WorkQueueObserver {
 public:
  /// Null: nothing is counted. `registry` must outlive this.
  ControllerMetrics(obs::Registry* registry, std::string_view controller);

  void workers_started(std::size_t count);
  void workers_stopped(std::size_t count);
  void reconcile_started();
  void reconcile_finished(ReconcileResult result, Duration took);
  void exception_caught();
  void wrote(std::size_t patches);
  void read_live();

  void waiting() override;
  void taken(Duration waited) override;
  void finished(Duration worked) override;
  void retried() override;
  void dropped(std::size_t count) override;

 private:
  struct Series {
    obs::Counter results[5];
    obs::Counter errors, terminal_errors, exceptions, writes, live_reads;
    obs::Histogram duration;
    obs::Gauge active, workers;
    obs::Gauge depth;
    obs::Counter adds, retries;
    obs::Histogram queue_duration, work_duration;
  };
  static Series make_series(obs::Registry& registry, std::string_view controller);

  std::optional<Series> series_;
};

}  // namespace klutch::kube
