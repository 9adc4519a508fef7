// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/storage_metrics.h"

#include <string>
#include <utility>

namespace klutch::apiserver {
namespace {

obs::MetricOptions storage_metric(std::string_view name, std::string_view help) {
  return {.name = "klutch_apiserver_storage_" + std::string(name), .help = std::string(help)};
}

void follow(const obs::Counter& counter, std::uint64_t now) {
  counter.increment(static_cast<double>(now) - counter.value());
}

}  // namespace

void add_storage_metrics(obs::Registry& registry, const Storage& storage) {
  const auto counter = [&](std::string_view name, std::string_view help) {
    return registry.counter(storage_metric(name, help)).with({});
  };
  const auto gauge = [&](std::string_view name, std::string_view help) {
    return registry.gauge(storage_metric(name, help)).with({});
  };
  registry.before_render([&storage, commits = counter("commits_total", "Commits to the disk."),
                          changes = counter("changes_total", "Changes in these commits."),
                          failed = counter("failed_changes_total", "Changes that could not be stored."),
                          waiting = gauge("waiting_changes", "Changes that wait for the disk."),
                          objects = gauge("objects", "Objects in the store."),
                          events = gauge("history_events", "Events that watches can resume from."),
                          bytes = gauge("history_bytes", "Memory that they take.")] {
    const auto now = storage.statistics();
    follow(commits, now.commits);
    follow(changes, now.changes);
    follow(failed, now.failed_changes);
    waiting.set(static_cast<double>(now.waiting_changes));
    objects.set(static_cast<double>(now.objects));
    events.set(static_cast<double>(now.history_events));
    bytes.set(static_cast<double>(now.history_bytes));
  });
}

void add_storage_check(obs::HealthChecks& health, const Storage& storage) {
  health.add_readiness("storage", [&storage]() -> Result<> {
    const auto trouble = storage.statistics().trouble;
    return trouble ? Result<>(fail(*trouble)) : Result<>();
  });
}

}  // namespace klutch::apiserver
