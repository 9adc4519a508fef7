// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "apiserver/controllers/controller.h"
#include "async/ctx.h"
#include "base/result.h"

namespace klutch::apiserver {

struct BootstrapFacts {
  /// Where clients reach the server, for the Endpoints of the Service "kubernetes".
  std::string address = {};
  std::uint16_t port = 0;
  /// How Secrets lie in the database, as tools may ask: "aesgcm", or "identity" for a store in memory.
  std::string encryption = {};
};

/// What every cluster begins with, made where it is missing: the namespaces default, kube-system, kube-public
/// and kube-node-lease, roles and bindings, the Service "kubernetes" with its Endpoints, and the ConfigMap
/// kube-public/klutch-encryption.
Result<> bootstrap(Ctx& ctx, ControllerAccess& access, const BootstrapFacts& facts);

}  // namespace klutch::apiserver
