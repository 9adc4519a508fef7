// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <mutex>

#include "base/os/memory.h"
#include "base/os/usage.h"
#include "obs/build_info.h"
#include "obs/metrics.h"

namespace klutch::obs {
namespace {

/// https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
class ProcessMetrics {
 public:
  explicit ProcessMetrics(Registry& registry)
      : cpu_(
            registry.counter({.name = "process_cpu_seconds_total", .help = "User and system CPU time spent."})
                .with({})),
        resident_(gauge(registry, "process_resident_memory_bytes", "Resident memory.")),
        virtual_(gauge(registry, "process_virtual_memory_bytes", "Virtual memory.")),
        open_files_(gauge(registry, "process_open_fds", "Open file descriptors.")),
        max_files_(gauge(registry, "process_max_fds", "Limit of open file descriptors.")),
        started_(
            gauge(registry, "process_start_time_seconds", "Start of the process since the Unix epoch.")) {}

  /// What cannot be read keeps its last value: a scrape must not fail for it.
  void update() {
    const std::lock_guard lock(mutex_);
    if (const auto usage = os::process_usage()) {
      cpu_.increment(usage->cpu_seconds - cpu_.value());
      open_files_.set(static_cast<double>(usage->open_files));
      max_files_.set(static_cast<double>(usage->max_open_files));
      started_.set(std::chrono::duration<double>(usage->started.time_since_epoch()).count());
    }
    if (const auto memory = os::memory_usage()) {
      resident_.set(static_cast<double>(memory->resident_bytes));
      virtual_.set(static_cast<double>(memory->virtual_bytes));
    }
  }

 private:
  static Gauge gauge(Registry& registry, std::string name, std::string help) {
    return registry.gauge({.name = std::move(name), .help = std::move(help)}).with({});
  }

  std::mutex mutex_;
  Counter cpu_;
  Gauge resident_;
  Gauge virtual_;
  Gauge open_files_;
  Gauge max_files_;
  Gauge started_;
};

}  // namespace

void add_process_metrics(Registry& registry) {
  const BuildInfo build = build_info();
  registry
      .gauge({.name = "klutch_build_info",
              .help = "Always 1; the labels say which build this is.",
              .labels = {"version", "commit"}})
      .with({build.version, build.commit})
      .set(1);
  registry.before_render([metrics = std::make_shared<ProcessMetrics>(registry)] { metrics->update(); });
}

}  // namespace klutch::obs
