// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/informer_metrics.h"

#include <chrono>

namespace klutch::kube {

InformerMetrics::InformerMetrics(obs::Registry* registry, std::string_view cluster, const ResourceType& type)
    : registry_(registry),
      cluster_(cluster),
      resource_(type.to_string()),
      series_(find_series(registry, cluster_, resource_)) {}

InformerMetrics::~InformerMetrics() {
  set_objects(0);
}

std::optional<InformerMetrics::Series> InformerMetrics::find_series(obs::Registry* registry,
                                                                    std::string_view cluster,
                                                                    std::string_view resource) {
  if (registry == nullptr) return std::nullopt;
  auto objects = registry->gauge({.name = "klutch_informer_objects",
                                  .help = "Objects that informers hold.",
                                  .labels = {"cluster", "resource"}});
  auto synced_at = registry->gauge({.name = "klutch_informer_last_list_timestamp_seconds",
                                    .help = "When the last list was complete.",
                                    .labels = {"cluster", "resource"}});
  auto lists = registry->counter({.name = "klutch_informer_lists_total",
                                  .help = "Lists that informers began, by form.",
                                  .labels = {"cluster", "resource", "form"}});
  auto watches = registry->counter({.name = "klutch_informer_watches_total",
                                    .help = "Watches that informers began after a list.",
                                    .labels = {"cluster", "resource"}});
  auto events = registry->counter({.name = "klutch_informer_events_total",
                                   .help = "Watch events received.",
                                   .labels = {"cluster", "resource"}});
  return Series{
      .objects = objects.with({cluster, resource}),
      .synced_at = synced_at.with({cluster, resource}),
      .streaming_lists = lists.with({cluster, resource, "streaming"}),
      .paged_lists = lists.with({cluster, resource, "paged"}),
      .watches = watches.with({cluster, resource}),
      .events = events.with({cluster, resource}),
  };
}

void InformerMetrics::count_list(bool streaming) const {
  if (series_) (streaming ? series_->streaming_lists : series_->paged_lists).increment();
}

void InformerMetrics::count_watch() const {
  if (series_) series_->watches.increment();
}

void InformerMetrics::count_event() const {
  if (series_) series_->events.increment();
}

void InformerMetrics::count_relist(std::string_view reason) const {
  if (registry_ == nullptr) return;
  registry_
      ->counter({.name = "klutch_informer_relists_total",
                 .help = "Lists after the first one, by what made them necessary.",
                 .labels = {"cluster", "resource", "reason"}})
      .with({cluster_, resource_, reason})
      .increment();
}

void InformerMetrics::count_failure(Code code) const {
  if (registry_ == nullptr) return;
  registry_
      ->counter({.name = "klutch_informer_failures_total",
                 .help = "Lists and watches that failed, by code.",
                 .labels = {"cluster", "resource", "code"}})
      .with({cluster_, resource_, traits(code).name})
      .increment();
}

void InformerMetrics::set_objects(std::size_t count) {
  if (series_) series_->objects.add(static_cast<double>(count) - static_cast<double>(objects_));
  objects_ = count;
}

void InformerMetrics::set_synced_at(Time time) const {
  if (!series_) return;
  series_->synced_at.set(std::chrono::duration<double>(time.time_since_epoch()).count());
}

}  // namespace klutch::kube
