// SPDX-License-Identifier: Apache-2.0
#include "testing/kube_server.h"

#include "base/os/environment.h"

namespace klutch::testing {

bool kube_server_is_real() {
  const auto folder = os::get_env("KLUTCH_REAL_BIN");
  return folder && !folder->empty();
}

Result<std::unique_ptr<KubeServer>> start_kube_server([[maybe_unused]] Ctx& ctx) {
  return fail(Code::kUnsupported, "there is no API server to run against");
}

}  // namespace klutch::testing
