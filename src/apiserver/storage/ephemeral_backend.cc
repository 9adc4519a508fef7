// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdint>

#include "apiserver/storage/backend.h"

namespace klutch::apiserver {
namespace {

class EphemeralBackend final : public Backend {
 public:
  explicit EphemeralBackend(Revision start) : start_(start) {}

  Result<Contents> load() override { return Contents{.revision = start_}; }
  Result<> commit(const std::vector<RowChange>& changes, Revision revision) override {
    static_cast<void>(changes);
    static_cast<void>(revision);
    return {};
  }

 private:
  Revision start_;
};

}  // namespace

std::unique_ptr<Backend> make_ephemeral_backend(Revision start) {
  return std::make_unique<EphemeralBackend>(start);
}

Revision ephemeral_start(Time now) {
  const auto since_1970 = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
  return static_cast<Revision>(std::max<std::int64_t>(since_1970.count(), 0));
}

}  // namespace klutch::apiserver
