// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/controller_metrics.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace klutch::kube {
namespace {

double in_seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// client-go's buckets: 10 ns to 1000 s, ten times each.
std::vector<double> queue_buckets() {
  return {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000};
}

}  // namespace

std::string_view to_string(ReconcileResult result) noexcept {
  switch (result) {
    case ReconcileResult::kSuccess: return "success";
    case ReconcileResult::kRequeueAfter: return "requeue_after";
    case ReconcileResult::kConflict: return "conflict";
    case ReconcileResult::kError: return "error";
    case ReconcileResult::kTerminal: break;
  }
  return "terminal";
}

ControllerMetrics::Series ControllerMetrics::make_series(obs::Registry& registry,
                                                         std::string_view controller) {
  const auto counter = [&](const char* name, const char* help) {
    return registry.counter({.name = name, .help = help, .labels = {"controller"}}).with({controller});
  };
  const auto gauge = [&](const char* name, const char* help) {
    return registry.gauge({.name = name, .help = help, .labels = {"controller"}}).with({controller});
  };
  const auto queue_counter = [&](const char* name, const char* help) {
    return registry.counter({.name = name, .help = help, .labels = {"name", "controller"}})
        .with({controller, controller});
  };
  const auto queue_histogram = [&](const char* name, const char* help) {
    return registry.histogram({.name = name, .help = help, .labels = {"name", "controller"}}, queue_buckets())
        .with({controller, controller});
  };
  auto results = registry.counter({.name = "controller_runtime_reconcile_total",
                                   .help = "Reconciles, by how they came out.",
                                   .labels = {"controller", "result"}});
  const auto result = [&](ReconcileResult which) { return results.with({controller, to_string(which)}); };
  return {
      .results = {result(ReconcileResult::kSuccess), result(ReconcileResult::kRequeueAfter),
                  result(ReconcileResult::kConflict), result(ReconcileResult::kError),
                  result(ReconcileResult::kTerminal)},
      .errors = counter("controller_runtime_reconcile_errors_total", "Reconciles that failed."),
      .terminal_errors = counter("controller_runtime_terminal_reconcile_errors_total",
                                 "Reconciles that failed and are not retried."),
      .exceptions = counter("controller_runtime_reconcile_panics_total", "Reconciles that threw."),
      .writes = counter("klutch_controller_writes_total", "Patches sent to store what reconciles changed."),
      .live_reads = counter("klutch_controller_live_reads_total",
                            "Objects read from the server because the cache stayed behind our own write."),
      .duration = registry
                      .histogram({.name = "controller_runtime_reconcile_time_seconds",
                                  .help = "Time per reconcile, storing included.",
                                  .labels = {"controller"}})
                      .with({controller}),
      .active = gauge("controller_runtime_active_workers", "Reconciles that run now."),
      .workers = gauge("controller_runtime_max_concurrent_reconciles", "Reconciles that may run at once."),
      .depth = registry
                   .gauge({.name = "workqueue_depth",
                           .help = "Keys that wait for a worker.",
                           .labels = {"name", "controller"}})
                   .with({controller, controller}),
      .adds = queue_counter("workqueue_adds_total", "Keys that began to wait."),
      .retries = queue_counter("workqueue_retries_total", "Keys added with back-off."),
      .queue_duration =
          queue_histogram("workqueue_queue_duration_seconds", "Time that keys waited for a worker."),
      .work_duration = queue_histogram("workqueue_work_duration_seconds", "Time that workers had a key."),
  };
}

ControllerMetrics::ControllerMetrics(obs::Registry* registry, std::string_view controller) {
  if (registry != nullptr) series_.emplace(make_series(*registry, controller));
}

void ControllerMetrics::workers_started(std::size_t count) {
  if (series_) series_->workers.add(static_cast<double>(count));
}

void ControllerMetrics::workers_stopped(std::size_t count) {
  if (series_) series_->workers.add(-static_cast<double>(count));
}

void ControllerMetrics::reconcile_started() {
  if (series_) series_->active.add(1);
}

void ControllerMetrics::reconcile_finished(ReconcileResult result, Duration took) {
  if (!series_) return;
  series_->active.add(-1);
  series_->results[static_cast<std::size_t>(result)].increment();
  series_->duration.observe(in_seconds(took));
  if (result == ReconcileResult::kError || result == ReconcileResult::kTerminal) series_->errors.increment();
  if (result == ReconcileResult::kTerminal) series_->terminal_errors.increment();
}

void ControllerMetrics::exception_caught() {
  if (series_) series_->exceptions.increment();
}

void ControllerMetrics::wrote(std::size_t patches) {
  if (series_ && patches > 0) series_->writes.increment(static_cast<double>(patches));
}

void ControllerMetrics::read_live() {
  if (series_) series_->live_reads.increment();
}

void ControllerMetrics::waiting() {
  if (!series_) return;
  series_->depth.add(1);
  series_->adds.increment();
}

void ControllerMetrics::taken(Duration waited) {
  if (!series_) return;
  series_->depth.add(-1);
  series_->queue_duration.observe(in_seconds(waited));
}

void ControllerMetrics::finished(Duration worked) {
  if (series_) series_->work_duration.observe(in_seconds(worked));
}

void ControllerMetrics::retried() {
  if (series_) series_->retries.increment();
}

void ControllerMetrics::dropped(std::size_t count) {
  if (series_) series_->depth.add(-static_cast<double>(count));
}

}  // namespace klutch::kube
