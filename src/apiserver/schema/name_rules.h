// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

// What names in Kubernetes may look like (k8s.io/apimachinery/pkg/util/validation 0.34). Each function gives
// what is wrong, in the words that users know; nothing for a good name. Pure functions.

namespace klutch::apiserver {

using Problems = std::vector<std::string>;

/// "my-name": one part of a DNS name, at most 63 characters.
Problems check_dns1123_label(std::string_view text);
/// "example.com": at most 253 characters.
Problems check_dns1123_subdomain(std::string_view text);
/// As a DNS 1123 label, but beginning with a letter.
Problems check_dns1035_label(std::string_view text);
/// "MyName" or "example.com/MyName": keys of labels and annotations, finalizers.
Problems check_qualified_name(std::string_view text);
Problems check_label_value(std::string_view text);

/// Which names objects of a type may have.
enum class NameRule {
  kDnsSubdomain,  ///< most types, all custom resources
  kDnsLabel,      ///< namespaces
  kDns1035Label,  ///< services
  kPathSegment,   ///< whatever fits a URL: roles, embedded resources
};

/// `prefix`: more characters will follow, as after metadata.generateName.
Problems check_name(NameRule rule, std::string_view name, bool prefix = false);

}  // namespace klutch::apiserver
