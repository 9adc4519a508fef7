// SPDX-License-Identifier: Apache-2.0
#include "apiserver/controllers/controller.h"

#include <algorithm>
#include <utility>

#include "apiserver/auth/bootstrap_policy.h"
#include "kube/api/object.h"
#include "obs/log.h"

namespace klutch::apiserver {
namespace {

constexpr int kWorkers = 4;
constexpr std::size_t kDeletions = 32;
constexpr std::string_view kManager = "klutch-apiserver";

const obs::Logger& controller_log() {
  static const obs::Logger log("apiserver.controllers");
  return log;
}

/// Errors that say no more than that somebody was faster.
bool is_ordinary(const Error& error) {
  return is(error, Code::kConflict) || is(error, Code::kAlreadyExists) || is(error, Code::kNotFound);
}

}  // namespace

ControllerAccess::ControllerAccess(Storage& storage, Registry& registry, Verbs& verbs)
    : storage_(storage), registry_(registry), verbs_(verbs), user_(server_user()) {}

Result<ServedPtr> ControllerAccess::served(std::string_view type) const {
  auto found = registry_.find_stored(type);
  if (found == nullptr) return fail(Code::kNotFound, "the server does not offer " + std::string(type));
  return found;
}

std::optional<json::Value> ControllerAccess::get(std::string_view type, const kube::Key& key) const {
  const auto resource = registry_.find_stored(type);
  const auto stored = storage_.get(type, key);
  if (resource == nullptr || stored == nullptr) return std::nullopt;
  return served_value(*resource, *stored);
}

std::vector<json::Value> ControllerAccess::list(std::string_view type, std::string_view ns) const {
  std::vector<json::Value> objects;
  const auto resource = registry_.find_stored(type);
  const auto page = storage_.list(type, {.ns = std::string(ns)});
  if (resource == nullptr || !page) return objects;
  for (const auto& stored : page->objects) objects.push_back(served_value(*resource, *stored));
  return objects;
}

Result<WriteOutcome> ControllerAccess::create(Ctx& ctx, std::string_view type, json::Value object) {
  const auto resource = TRY(served(type));
  const std::string ns(kube::ns(object));
  return verbs_.create(ctx, resource, ns, std::move(object), user_, {.field_manager = std::string(kManager)});
}

Result<WriteOutcome> ControllerAccess::update(Ctx& ctx, std::string_view type, json::Value object,
                                              std::string_view subresource) {
  const auto resource = TRY(served(type));
  const auto key = kube::key(object);
  return verbs_.update(ctx, resource, key, std::move(object), user_,
                       {.field_manager = std::string(kManager), .subresource = std::string(subresource)});
}

Result<WriteOutcome> ControllerAccess::merge(Ctx& ctx, std::string_view type, const kube::Key& key,
                                             json::Value patch, std::string_view subresource) {
  const auto resource = TRY(served(type));
  return verbs_.patch(ctx, resource, key, PatchType::kMerge, std::move(patch), user_,
                      {.field_manager = std::string(kManager), .subresource = std::string(subresource)});
}

Result<WriteOutcome> ControllerAccess::remove(Ctx& ctx, std::string_view type, const kube::Key& key,
                                              const DeleteOptions& options) {
  const auto resource = TRY(served(type));
  return verbs_.remove(ctx, resource, key, user_, options);
}

Result<> ControllerAccess::remove_all(Ctx& ctx, std::string_view type, std::string_view ns) {
  const auto page = TRY(storage_.list(type, {.ns = std::string(ns)}));
  async::TaskGroup tasks(ctx, async::TaskGroup::OnError::kKeepGoing);
  std::size_t next = 0;
  for (std::size_t i = 0; i < std::min(kDeletions, page.objects.size()); ++i) {
    tasks.spawn("delete", [&](Ctx& task) -> Result<> {
      while (next < page.objects.size()) {
        const auto& stored = page.objects[next++];
        const auto removed =
            remove(task, type, stored->key(), {.propagation = DeleteOptions::Propagation::kBackground});
        if (!removed && !is(removed.error(), Code::kNotFound)) return fail(removed.error());
      }
      return {};
    });
  }
  return tasks.wait(ctx);
}

struct ControllerRunner::Running {
  Running(async::Loop& loop, std::unique_ptr<Controller> work)
      : controller(std::move(work)),
        queue(loop,
              {.backoff_first = std::chrono::milliseconds(20), .backoff_most = std::chrono::minutes(5)}),
        enqueue([this](std::string key) { queue.add(key); }) {}

  Result<> work(Ctx& ctx, ControllerAccess& access) {
    while (auto next = TRY(queue.take(ctx))) {
      const auto done = controller->reconcile(ctx, access, next.key());
      if (done) {
        queue.forget(next.key());
        if (*done) queue.add_after(next.key(), **done);
        continue;
      }
      if (is(done.error(), Code::kCancelled)) return fail(done.error());
      const auto level = is_ordinary(done.error()) ? obs::Level::kDebug : obs::Level::kWarn;
      controller_log().log(
          level, "will try again",
          {{"controller", controller->name()}, {"key", next.key()}, {"error", done.error()}});
      queue.add_rate_limited(next.key());
    }
    return {};
  }

  std::unique_ptr<Controller> controller;
  async::WorkQueue<std::string> queue;
  Controller::Enqueue enqueue;
};

ControllerRunner::ControllerRunner(async::Loop& loop, ControllerAccess access)
    : loop_(loop), access_(std::move(access)) {}

ControllerRunner::~ControllerRunner() = default;

void ControllerRunner::add(std::unique_ptr<Controller> controller) {
  running_.push_back(std::make_unique<Running>(loop_, std::move(controller)));
}

void ControllerRunner::start(async::TaskGroup& tasks) {
  observation_ = access_.storage().observe([this](std::string_view type, const StoreEvent& event) {
    for (auto& each : running_) each->controller->observe(type, event, each->enqueue);
  });
  for (auto& each : running_) {
    each->controller->begin(access_, each->enqueue);
    for (int i = 0; i < kWorkers; ++i) {
      tasks.spawn(std::string(each->controller->name()),
                  [this, running = each.get()](Ctx& ctx) { return running->work(ctx, access_); });
    }
  }
}

bool ControllerRunner::idle() const {
  return std::ranges::all_of(
      running_, [](const auto& each) { return each->queue.waiting() == 0 && each->queue.active() == 0; });
}

}  // namespace klutch::apiserver
