// SPDX-License-Identifier: Apache-2.0
#include "config_mirror.h"

#include <memory>
#include <vector>

#include "kube/runtime/finalizer.h"

namespace mirror {

using klutch::Code;
using klutch::fail;
using kube::ConfigMap;
using kube::Key;

Result<kube::Outcome> ConfigMirror::reconcile(Ctx& ctx, ConfigMap& source) {
  const bool wanted = kube::label(source.object(), kTo).has_value();
  const bool guarded = kube::has_finalizer(source.object(), kFinalizer);
  if (wanted || source.is_deleting()) {
    return kube::with_finalizer(ctx, source, kFinalizer,
                                {.keep = [&](Ctx& c) { return ensure_copy(c, source); },
                                 .clean_up = [&](Ctx& c) -> Result<kube::CleanUp> {
                                   const auto ns = kube::annotation(source.object(), kCopiedTo);
                                   if (ns) TRY(ensure_no_copy(c, source, *ns));
                                   return kube::gone();
                                 }});
  }
  if (!guarded) return kube::done();
  // The label was taken away.
  if (const auto ns = kube::annotation(source.object(), kCopiedTo)) TRY(ensure_no_copy(ctx, source, *ns));
  kube::remove_annotation(source.object(), kCopiedTo);
  kube::remove_finalizer(source.object(), kFinalizer);
  return kube::done();
}

Result<kube::Outcome> ConfigMirror::ensure_copy(Ctx& ctx, ConfigMap& source) {
  const std::string to(kube::label(source.object(), kTo).value_or(""));
  const auto before = kube::annotation(source.object(), kCopiedTo);
  if (before != to) {
    // Where the copy is must be known before it is made, or nobody could find it to remove it.
    if (before) TRY(ensure_no_copy(ctx, source, *before));
    kube::set_annotation(source.object(), kCopiedTo, to);
    return kube::requeue_after(klutch::Duration::zero());
  }
  ConfigMap copy(Key{to, std::string(source.name())});
  if (const auto* data = source.object().find("data")) copy.object().set("data", *data);
  kube::set_annotation(copy.object(), kSource, source.key().to_string());

  auto existing = TRY(deps_.client.find<ConfigMap>(ctx, copy.key()));
  if (!existing) {
    TRY(deps_.client.create(ctx, copy));
    deps_.events.normal(source.object(), "Copied", "copied to namespace " + to);
    return kube::done();
  }
  if (kube::annotation(existing->object(), kSource) != source.key().to_string()) {
    deps_.events.warning(source.object(), "NameTaken",
                         "ConfigMap " + copy.key().to_string() + " is not a copy of this one");
    return fail(Code::kTerminal, copy.key().to_string() + " exists and is not ours");
  }
  const auto* now = existing->object().find("data");
  const auto* then = copy.object().find("data");
  const bool same = now == nullptr || then == nullptr ? now == then : *now == *then;
  if (same) return kube::done();
  if (then != nullptr) {
    existing->object().set("data", *then);
  } else {
    existing->object().erase("data");
  }
  TRY(deps_.client.update(ctx, *existing));
  return kube::done();
}

Result<> ConfigMirror::ensure_no_copy(Ctx& ctx, const ConfigMap& source, std::string_view ns) {
  const Key key{std::string(ns), std::string(source.name())};
  const auto copy = TRY(deps_.client.find<ConfigMap>(ctx, key));
  if (!copy || kube::annotation(copy->object(), kSource) != source.key().to_string()) return {};
  TRY(deps_.client.remove<ConfigMap>(ctx, key, {.uid = std::string(copy->uid())}));
  return {};
}

void register_config_mirror(kube::Manager& mgr, ConfigMirror::Deps deps) {
  const kube::Mapper source_of_copy = [](const kube::Object& copy) -> std::vector<Key> {
    const auto source = Key::parse(kube::annotation(copy, kSource).value_or(""));
    if (!source) return {};
    return {*source};
  };
  mgr.controller<ConfigMap>("config-mirror")
      .watches<ConfigMap>(mgr.cluster("cluster"), source_of_copy)
      .options({.status_subresource = false})
      .run(std::make_unique<ConfigMirror>(deps));
}

}  // namespace mirror
