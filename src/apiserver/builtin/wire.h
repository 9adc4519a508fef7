// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

// The wire format of protobuf (protobuf.dev, "Encoding"), as far as reading goes. Private to this library.

namespace klutch::apiserver {

enum class WireType : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

struct WireField {
  std::uint32_t number = 0;
  WireType type = WireType::kVarint;
  std::uint64_t value = 0;      ///< of kVarint, kFixed64 and kFixed32
  std::string_view bytes = {};  ///< of kBytes
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) noexcept : rest_(bytes) {}
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  /// kBadRequest for bytes that are no field, groups included.
  Result<WireField> next();
  /// A bare varint, for packed lists.
  Result<std::uint64_t> varint();

 private:
  Result<std::uint64_t> fixed(std::size_t size);
  std::string_view rest_;
};

}  // namespace klutch::apiserver
