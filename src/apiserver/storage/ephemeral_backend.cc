// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/backend.h"

namespace klutch::apiserver {
namespace {

class EphemeralBackend final : public Backend {
 public:
  Result<Contents> load() override { return Contents{}; }
  Result<> commit(const std::vector<RowChange>& changes, Revision revision) override {
    static_cast<void>(changes);
    static_cast<void>(revision);
    return {};
  }
};

}  // namespace

std::unique_ptr<Backend> make_ephemeral_backend() {
  return std::make_unique<EphemeralBackend>();
}

}  // namespace klutch::apiserver
