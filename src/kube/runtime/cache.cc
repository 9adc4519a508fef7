// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/cache.h"

#include <list>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "async/event.h"
#include "async/task_group.h"
#include "base/check.h"
#include "kube/runtime/shared_informer.h"

namespace klutch::kube {

/// Shared with the pointers that the cache hands out, which may be dropped after the cache. One fiber, the
/// host, starts a fiber for each informer and waits for the ends of those that nobody holds any more.
struct Cache::State {
  using What = std::tuple<ResourceType, std::string, std::string, std::string, bool, bool>;

  struct Running {
    Running(const Ctx& owner, std::shared_ptr<SharedInformer> started)
        : informer(std::move(started)), tasks(owner) {}
    std::shared_ptr<SharedInformer> informer;
    async::TaskGroup tasks;
    bool dropped = false;
  };

  State(const Ctx& owner, Client& to, CacheOptions how)
      : client(to), options(std::move(how)), tasks(owner, async::TaskGroup::OnError::kKeepGoing) {}

  static What what(const ResourceType& type, const InformerOptions& options) {
    return {type,
            options.ns,
            options.labels.to_string(),
            options.fields.to_string(),
            options.metadata_only,
            options.keep_managed_fields};
  }

  Result<> host(Ctx& ctx);
  void start(Ctx& ctx, std::shared_ptr<SharedInformer> informer);
  void reap(Ctx& ctx);
  void drop(const What& key, SharedInformer& informer);

  Client& client;
  const CacheOptions options;
  std::map<What, std::weak_ptr<Informer>> held;
  std::vector<std::shared_ptr<SharedInformer>> starting;
  std::list<Running> running;
  async::Event work;  // for the host
  bool hosted = false;
  bool stopped = false;
  async::TaskGroup tasks;
};

Result<> Cache::State::host(Ctx& ctx) {
  while (work.wait(ctx)) {
    work.clear();
    for (auto& informer : std::exchange(starting, {})) start(ctx, std::move(informer));
    reap(ctx);
  }
  for (const auto& informer : std::exchange(starting, {})) informer->end();
  for (Running& each : running) each.tasks.cancel();
  for (Running& each : running) each.tasks.stop(ctx);
  // What handlers hold may let go of other informers, which looks through the list.
  std::list<Running> ended;
  ended.swap(running);
  return {};
}

void Cache::State::start(Ctx& ctx, std::shared_ptr<SharedInformer> informer) {
  Running& added = running.emplace_back(ctx, std::move(informer));
  added.tasks.spawn("informer", [own = added.informer](Ctx& task) { return own->run(task); });
}

void Cache::State::reap(Ctx& ctx) {
  for (auto at = running.begin(); at != running.end();) {
    if (!at->dropped) {
      ++at;
      continue;
    }
    at->tasks.stop(ctx);
    at = running.erase(at);
  }
}

void Cache::State::drop(const What& key, SharedInformer& informer) {
  if (const auto at = held.find(key); at != held.end() && at->second.expired()) held.erase(at);
  std::erase_if(starting, [&](const auto& waiting) { return waiting.get() == &informer; });
  for (Running& each : running) {
    if (each.informer.get() != &informer) continue;
    each.dropped = true;
    each.tasks.cancel();
  }
  work.set();
}

Cache::Cache(const Ctx& owner, Client& client, CacheOptions options)
    : state_(std::make_shared<State>(owner, client, std::move(options))) {}

Cache::~Cache() {
  CHECK(state_->tasks.running() == 0);
}

std::shared_ptr<Informer> Cache::informer(const ResourceType& type, const InformerOptions& options) {
  const State::What key = State::what(type, options);
  if (const auto at = state_->held.find(key); at != state_->held.end()) {
    if (auto found = at->second.lock()) return found;
  }
  auto informer = std::make_shared<SharedInformer>(state_->client, type, options, state_->options);
  const auto let_go = [key, informer, state = std::weak_ptr<State>(state_)](Informer*) {
    informer->abandon();
    if (const auto cache = state.lock()) cache->drop(key, *informer);
  };
  std::shared_ptr<Informer> handle(informer.get(), let_go);
  if (state_->stopped) {
    informer->end();
    return handle;
  }
  state_->held[key] = handle;
  state_->starting.push_back(std::move(informer));
  if (!std::exchange(state_->hosted, true)) {
    state_->tasks.spawn("informers", [state = state_.get()](Ctx& ctx) { return state->host(ctx); });
  }
  state_->work.set();
  return handle;
}

std::size_t Cache::size() const noexcept {
  return state_->held.size();
}

void Cache::stop(Ctx& ctx) {
  state_->stopped = true;
  state_->tasks.stop(ctx);
}

}  // namespace klutch::kube
