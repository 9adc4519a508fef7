// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "kube/api/resource.h"
#include "obs/metrics.h"

// What one informer tells Prometheus. Informers of the same type, for other namespaces or selectors, share
// their series. Without a registry nothing happens. Loop thread only.

namespace klutch::kube {

class InformerMetrics {
 public:
  InformerMetrics() = default;
  /// `registry` may be null; otherwise it must outlive this.
  InformerMetrics(obs::Registry* registry, std::string_view cluster, const ResourceType& type);
  InformerMetrics(const InformerMetrics&) = delete;
  InformerMetrics& operator=(const InformerMetrics&) = delete;
  ~InformerMetrics();

  void count_list(bool streaming) const;
  void count_watch() const;
  void count_event() const;
  void count_relist(std::string_view reason) const;
  void count_failure(Code code) const;
  void set_objects(std::size_t count);
  void set_synced_at(Time time) const;

 private:
  struct Series {
    obs::Gauge objects;
    obs::Gauge synced_at;
    obs::Counter streaming_lists;
    obs::Counter paged_lists;
    obs::Counter watches;
    obs::Counter events;
  };
  static std::optional<Series> find_series(obs::Registry* registry, std::string_view cluster,
                                           std::string_view resource);

  obs::Registry* registry_ = nullptr;
  std::string cluster_;
  std::string resource_;
  std::optional<Series> series_;
  std::size_t objects_ = 0;
};

}  // namespace klutch::kube
