// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "kube/runtime/informer.h"

// The handlers of one informer, in the order in which they came. A handler may add and remove handlers,
// itself included, while it is being called. Loop thread only; never suspends.

namespace klutch::kube {

class HandlerList {
 public:
  HandlerList();

  /// Delivery ends when the Subscription is destroyed. It may outlive this.
  [[nodiscard]] Subscription add(ChangeHandler handler);
  /// Calls every handler that was there when this began and has not been removed since.
  void deliver(const Change& change);
  /// No more deliveries, whatever happens.
  void close() noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  struct Handler {
    ChangeHandler call;
    bool active = true;
  };
  struct State {
    std::vector<std::shared_ptr<Handler>> handlers = {};
    bool delivering = false;
    bool closed = false;

    void remove_inactive();
  };
  struct Token;

  std::shared_ptr<State> state_;
};

}  // namespace klutch::kube
