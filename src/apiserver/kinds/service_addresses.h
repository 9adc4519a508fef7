// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "apiserver/kinds/builtin_resources.h"
#include "apiserver/storage/storage.h"

// The cluster IPs of Services, from one IPv4 range: those that no Service in the store has. Looks through all
// Services when it is asked. Addresses given out lately are not given out again at once, since their Services
// may not be in the store yet. Loop thread only.

namespace klutch::apiserver {

class StoredServiceAddresses final : public ServiceAddresses {
 public:
  struct Range {
    std::uint32_t first = 0x0a600000;  ///< 10.96.0.0
    int prefix_bits = 12;
  };
  /// `storage` must outlive it.
  explicit StoredServiceAddresses(const Storage& storage) : StoredServiceAddresses(storage, Range{}) {}
  StoredServiceAddresses(const Storage& storage, Range range) : storage_(storage), range_(range) {}

  [[nodiscard]] std::string allocate() const override;
  [[nodiscard]] std::string problem(std::string_view address, const kube::Key& self) const override;

 private:
  const Storage& storage_;
  Range range_;
  /// Where the search goes on; the first addresses are left to those that ask for them by name.
  mutable std::uint32_t next_ = 256;
};

}  // namespace klutch::apiserver
