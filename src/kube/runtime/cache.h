// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "async/ctx.h"
#include "base/result.h"
#include "kube/client/client.h"
#include "kube/runtime/informer.h"

// The informers of one cluster: one per (type, namespace, selectors, form), shared by all who ask for it and
// stopped when the last of them lets go. Loop thread only.
//
//   kube::Cache cache(ctx, client);
//   const auto secrets = cache.informer(kube::Secret::type(), {.ns = "default"});
//   TRY(secrets->wait_for_sync(ctx));
//   ...
//   cache.stop(ctx);

namespace klutch::obs {
class Registry;
}  // namespace klutch::obs

namespace klutch::kube {

struct CacheOptions {
  /// Changes each object before it is stored, once; for dropping what nobody reads. Runs on the loop, must
  /// not suspend. Must keep name, namespace, UID and resource version (CHECK).
  std::function<void(Object&)> transform = {};
  /// Objects per page of a list.
  std::size_t page_size = 500;
  /// A watch in which nothing, not even a bookmark, arrives for so long is taken for dead. Servers send
  /// bookmarks about once a minute.
  Duration stall_timeout = std::chrono::minutes(5);
  /// Asks for streaming lists (KEP-3157) where the server has them.
  bool streaming_lists = true;
  /// Waits after failures: doubled from `backoff_first` to `backoff_most`, and as much again by chance.
  Duration backoff_first = std::chrono::milliseconds(800);
  Duration backoff_most = std::chrono::seconds(30);
  /// What decides by chance: numbers of [0, 1). Empty: random ones.
  std::function<double()> random = {};
  /// An informer that would hold more objects fails with kTooLarge.
  std::size_t max_objects = 1'000'000;
  /// Where the informers count what they do, under this name of the cluster. May be null.
  obs::Registry* metrics = nullptr;
  std::string cluster = {};
};

class Cache {
 public:
  /// The fibers of all informers belong to the values of `owner`. `client` must outlive this.
  Cache(const Ctx& owner, Client& client, CacheOptions options = {});
  /// stop() must have been called.
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// Starts one or joins a running one. Dropping the last pointer ends it.
  [[nodiscard]] std::shared_ptr<Informer> informer(const ResourceType& type,
                                                   const InformerOptions& options = {});
  /// Informers that somebody holds.
  [[nodiscard]] std::size_t size() const noexcept;
  /// Ends all informers and waits for them. Stores stay readable for who holds an informer.
  void stop(Ctx& ctx);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace klutch::kube
