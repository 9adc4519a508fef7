// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "kube/api/kinds.h"
#include "kube/client/client.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/event_recorder.h"
#include "kube/runtime/manager.h"

// Copies each ConfigMap that is labelled mirror.example/to=NAMESPACE into that namespace, keeps the copy like
// its source, and removes it when the source or its label goes. A ConfigMap that is not its own copy is never
// touched.

namespace mirror {

using klutch::Ctx;
using klutch::Result;
namespace kube = klutch::kube;

/// On a source: where to.
inline constexpr std::string_view kTo = "mirror.example/to";
/// On a source: the namespace that holds a copy.
inline constexpr std::string_view kCopiedTo = "mirror.example/copied-to";
/// On a copy: "namespace/name" of its source.
inline constexpr std::string_view kSource = "mirror.example/source";
inline constexpr std::string_view kFinalizer = "mirror.example/copy";

class ConfigMirror final : public kube::Reconciler<kube::ConfigMap> {
 public:
  struct Deps {
    kube::Client& client;
    kube::EventRecorder& events;
  };
  explicit ConfigMirror(Deps deps) : deps_(deps) {}

  Result<kube::Outcome> reconcile(Ctx& ctx, kube::ConfigMap& source) override;

 private:
  Result<kube::Outcome> ensure_copy(Ctx& ctx, kube::ConfigMap& source);
  Result<> ensure_no_copy(Ctx& ctx, const kube::ConfigMap& source, std::string_view ns);

  Deps deps_;
};

/// The one line that adds this controller to a manager.
void register_config_mirror(kube::Manager& mgr, ConfigMirror::Deps deps);

}  // namespace mirror
