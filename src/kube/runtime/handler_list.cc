// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/handler_list.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace klutch::kube {

/// What a Subscription holds.
struct HandlerList::Token {
  Token(std::weak_ptr<State> list, std::weak_ptr<Handler> own)
      : state(std::move(list)), handler(std::move(own)) {}
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token() {
    const auto own = handler.lock();
    const auto list = state.lock();
    if (own == nullptr || list == nullptr) return;
    own->active = false;
    list->remove_inactive();
  }

  std::weak_ptr<State> state;
  std::weak_ptr<Handler> handler;
};

HandlerList::HandlerList() : state_(std::make_shared<State>()) {}

Subscription HandlerList::add(ChangeHandler handler) {
  const auto added = std::make_shared<Handler>(Handler{std::move(handler)});
  state_->handlers.push_back(added);
  return Subscription(std::make_shared<Token>(state_, added));
}

void HandlerList::deliver(const Change& change) {
  const auto state = state_;  // a handler may destroy this
  CHECK(!state->delivering);  // a handler cannot change the store
  state->delivering = true;
  const std::size_t count = state->handlers.size();
  for (std::size_t i = 0; i < count && !state->closed; ++i) {
    const auto handler = state->handlers[i];
    if (handler->active) handler->call(change);
  }
  state->delivering = false;
  state->remove_inactive();
}

void HandlerList::close() noexcept {
  state_->closed = true;
}

std::size_t HandlerList::size() const noexcept {
  const auto& all = state_->handlers;
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const auto& handler) { return handler->active; }));
}

/// Not while handlers are being called: their places would change, and one that removes itself would be
/// destroyed while it runs.
void HandlerList::State::remove_inactive() {
  if (delivering) return;
  std::erase_if(handlers, [](const auto& handler) { return !handler->active; });
}

}  // namespace klutch::kube
