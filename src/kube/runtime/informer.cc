// SPDX-License-Identifier: Apache-2.0
#include "kube/runtime/informer.h"

#include <utility>

#include "kube/runtime/shared_informer.h"

namespace klutch::kube {
namespace {

Intake intake_for(const ResourceType& type, const InformerOptions& what, const CacheOptions& options) {
  return {
      .type = type,
      .ns = what.ns,
      .metadata_only = what.metadata_only,
      .keep_managed_fields = what.keep_managed_fields,
      .transform = options.transform,
      .max_objects = options.max_objects,
  };
}

ReflectorOptions reflector_options(const ResourceType& type, const InformerOptions& what,
                                   const CacheOptions& options) {
  return {
      .type = type,
      .what = what,
      .page_size = options.page_size,
      .streaming_lists = options.streaming_lists,
      .stall_timeout = options.stall_timeout,
      .backoff = {.first = options.backoff_first, .most = options.backoff_most, .random = options.random},
      .max_objects = options.max_objects,
  };
}

std::string describe(const ResourceType& type, const InformerOptions& what) {
  return what.ns.empty() ? type.to_string() : type.to_string() + " in namespace " + what.ns;
}

}  // namespace

SharedInformer::SharedInformer(Client& client, const ResourceType& type, const InformerOptions& what,
                               const CacheOptions& options)
    : type_(type),
      what_(describe(type, what)),
      metrics_(options.metrics, options.cluster, type),
      writer_(store_, intake_for(type, what, options), [this](const Change& change) { tell(change); }),
      reflector_(client, writer_, metrics_, reflector_options(type, what, options)) {
  reflector_.on_synced([this] { settled_.set(); });
}

void SharedInformer::tell(const Change& change) {
  metrics_.set_objects(store_.size());
  handlers_.deliver(change);
}

Subscription SharedInformer::subscribe(ChangeHandler handler) {
  // One that subscribes while a change is delivered finds it in the store already.
  const auto shared = std::make_shared<ChangeHandler>(std::move(handler));
  Subscription subscription = handlers_.add([shared](const Change& change) { (*shared)(change); });
  for (ObjectPtr& object : store_.list()) {
    Change change{.kind = Change::Kind::kAdded, .key = key(*object), .initial = true};
    change.now = std::move(object);
    (*shared)(change);
  }
  return subscription;
}

void SharedInformer::add_index(const std::string& name, IndexFunction function) {
  store_.add_index(name, std::move(function));
}

Result<> SharedInformer::wait_for_sync(Ctx& ctx) {
  if (!store_.synced() && !ended_) {
    if (const auto waited = settled_.wait(ctx); !waited) {
      const auto trouble = last_error();
      return fail(waited.error().code(),
                  "cannot list " + what_ + ": " + (trouble ? trouble->message() : waited.error().message()));
    }
  }
  if (!store_.synced()) return fail(Code::kCancelled, "cannot list " + what_ + ": the cache was stopped");
  return {};
}

Result<> SharedInformer::run(Ctx& ctx) {
  auto result = reflector_.run(ctx);
  end();
  return result;
}

void SharedInformer::end() {
  ended_ = true;
  settled_.set();
}

}  // namespace klutch::kube
