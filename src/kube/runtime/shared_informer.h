// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/event.h"
#include "kube/runtime/cache.h"
#include "kube/runtime/handler_list.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/informer_metrics.h"
#include "kube/runtime/object_store.h"
#include "kube/runtime/reflector.h"
#include "kube/runtime/store_writer.h"

// The Informer that a Cache hands out: a store, the reflector that fills it, and the handlers that hear of
// it. Its fiber runs run() and keeps it alive until that has returned, whoever lets go of it meanwhile. Loop
// thread only.

namespace klutch::kube {

class SharedInformer final : public Informer {
 public:
  /// `client` must outlive run().
  SharedInformer(Client& client, const ResourceType& type, const InformerOptions& what,
                 const CacheOptions& options);
  SharedInformer(const SharedInformer&) = delete;
  SharedInformer& operator=(const SharedInformer&) = delete;

  // --- Informer ---

  [[nodiscard]] const ResourceType& type() const noexcept override { return type_; }
  [[nodiscard]] const Store& store() const noexcept override { return store_; }
  [[nodiscard]] Subscription subscribe(ChangeHandler handler) override;
  void add_index(const std::string& name, IndexFunction function) override;
  Result<> wait_for_sync(Ctx& ctx) override;
  [[nodiscard]] std::optional<Error> last_error() const override { return reflector_.last_error(); }

  // --- Its owner ---

  /// Fills the store until `ctx` is cancelled; then end().
  Result<> run(Ctx& ctx);
  /// The store changes no more: who waits for it hears of it.
  void end();
  /// Nobody holds it any more: handlers are not called again.
  void abandon() noexcept { handlers_.close(); }
  [[nodiscard]] const Reflector& reflector() const noexcept { return reflector_; }

 private:
  void tell(const Change& change);

  const ResourceType type_;
  const std::string what_;  // for messages
  InformerMetrics metrics_;
  ObjectStore store_;
  HandlerList handlers_;
  StoreWriter writer_;
  Reflector reflector_;
  async::Event settled_;  // synced or ended
  bool ended_ = false;
};

}  // namespace klutch::kube
