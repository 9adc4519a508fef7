// SPDX-License-Identifier: Apache-2.0
#include "apiserver/kinds/service_addresses.h"

#include <fmt/format.h>

#include <charconv>
#include <map>
#include <optional>

#include "apiserver/kinds/fields.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

std::optional<std::uint32_t> ipv4_number(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  std::uint32_t number = 0;
  for (const auto part : parts) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || value > 255) return std::nullopt;
    number = number << 8U | value;
  }
  return number;
}

/// The Service of each address.
std::map<std::uint32_t, kube::Key> addresses_in_use(const Storage& storage) {
  std::map<std::uint32_t, kube::Key> used;
  const auto page = storage.list("services", {});
  if (!page) return used;
  for (const auto& stored : page->objects) {
    const auto service = stored->to_value();
    if (const auto number = ipv4_number(text_at(service, {"spec", "clusterIP"}))) {
      used.emplace(*number, stored->key());
    }
  }
  return used;
}

}  // namespace

std::string StoredServiceAddresses::allocate() const {
  const auto used = addresses_in_use(storage_);
  const std::uint32_t size = std::uint32_t{1} << static_cast<unsigned>(32 - range_.prefix_bits);
  // Neither the address of the network nor that of the broadcast.
  for (std::uint32_t tried = 0; tried < size; ++tried) {
    const std::uint32_t offset = next_ % size;
    next_ = (next_ + 1) % size;
    const std::uint32_t number = range_.first + offset;
    if (offset == 0 || offset == size - 1 || used.contains(number)) continue;
    return fmt::format("{}.{}.{}.{}", number >> 24U, number >> 16U & 255U, number >> 8U & 255U,
                       number & 255U);
  }
  return {};
}

std::string StoredServiceAddresses::problem(std::string_view address, const kube::Key& self) const {
  const auto number = ipv4_number(address);
  const std::uint32_t size = std::uint32_t{1} << static_cast<unsigned>(32 - range_.prefix_bits);
  if (!number || *number < range_.first || *number - range_.first >= size) {
    return "the provided network does not match the current range";
  }
  const auto used = addresses_in_use(storage_);
  const auto found = used.find(*number);
  return found == used.end() || found->second == self ? "" : "provided IP is already allocated";
}

}  // namespace klutch::apiserver
