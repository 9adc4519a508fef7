// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

// The `format` of a string in a schema, as Kubernetes 1.34 knows them. Pure functions.

namespace klutch::apiserver {

enum class StringFormat : std::uint8_t {
  kNone,  ///< no format, or one that Kubernetes does not know
  kBsonObjectId,
  kByte,
  kCidr,
  kCreditCard,
  kDate,
  kDateTime,
  kDuration,
  kEmail,
  kHexColor,
  kHostname,
  kIpv4,
  kIpv6,
  kIsbn,
  kIsbn10,
  kIsbn13,
  kLongName,
  kMac,
  kPassword,
  kRgbColor,
  kShortName,
  kSsn,
  kUri,
  kUuid,
  kUuid3,
  kUuid4,
  kUuid5,
};

/// By name, dashes left out of account: "date-time", "k8s-short-name".
StringFormat find_string_format(std::string_view name) noexcept;

/// Whether objects are checked against it. kShortName and kLongName are not: Kubernetes 1.34 checks only what
/// 1.33 knew, so that it can be rolled back, and applies those two to defaults alone.
bool is_enforced(StringFormat format) noexcept;

bool matches(StringFormat format, std::string_view text);

}  // namespace klutch::apiserver
