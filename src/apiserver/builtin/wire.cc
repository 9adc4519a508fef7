// SPDX-License-Identifier: Apache-2.0
#include "apiserver/builtin/wire.h"

namespace klutch::apiserver {
namespace {

tl::unexpected<Error> malformed(const char* why) {
  return fail(Code::kBadRequest, std::string("malformed protobuf: ") + why);
}

}  // namespace

Result<std::uint64_t> WireReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) return malformed("it ends within a number");
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return malformed("a number is too long");
}

Result<std::uint64_t> WireReader::fixed(std::size_t size) {
  if (rest_.size() < size) return malformed("it ends within a number");
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i) value = value << 8U | static_cast<unsigned char>(rest_[i - 1]);
  rest_.remove_prefix(size);
  return value;
}

Result<WireField> WireReader::next() {
  const auto tag = TRY(varint());
  const auto number = tag >> 3U;
  if (number == 0 || number > 0x1fffffffU) return malformed("a field has no valid number");
  WireField field{.number = static_cast<std::uint32_t>(number)};
  switch (tag & 7U) {
    case 0: field.value = TRY(varint()); return field;
    case 1:
      field.type = WireType::kFixed64;
      field.value = TRY(fixed(8));
      return field;
    case 2: {
      field.type = WireType::kBytes;
      const auto size = TRY(varint());
      if (size > rest_.size()) return malformed("a field is longer than what is left");
      field.bytes = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return field;
    }
    case 5:
      field.type = WireType::kFixed32;
      field.value = TRY(fixed(4));
      return field;
    default: return malformed("a field is of a kind that Kubernetes does not use");
  }
}

}  // namespace klutch::apiserver
