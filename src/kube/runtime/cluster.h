// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "async/ctx.h"
#include "kube/client/client.h"
#include "kube/runtime/cache.h"

// One cluster as a Manager knows it: a name, a client, and the cache that all controllers share. Belongs to a
// Manager; reconcilers keep references. Loop thread only.

namespace klutch::kube {

class Cluster {
 public:
  /// `client` must outlive this.
  Cluster(const Ctx& owner, std::string name, Client& client, CacheOptions options)
      : name_(std::move(name)),
        client_(client),
        cache_(std::make_unique<Cache>(owner, client, std::move(options))) {}
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// For messages, such as "consumer".
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Client& client() const noexcept { return client_; }
  /// Informers obtained here run as long as they are held, but not longer than the manager.
  [[nodiscard]] Cache& cache() const noexcept { return *cache_; }

 private:
  std::string name_;
  Client& client_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace klutch::kube
