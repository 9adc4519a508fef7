// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

// Who sends a request, as far as the API server knows. A plain value.

namespace klutch::apiserver {

struct User {
  std::string name = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::map<std::string, std::vector<std::string>> extra = {};

  [[nodiscard]] bool in_group(std::string_view group) const;
};

inline constexpr std::string_view kAnonymousUser = "system:anonymous";
inline constexpr std::string_view kUnauthenticatedGroup = "system:unauthenticated";
inline constexpr std::string_view kAuthenticatedGroup = "system:authenticated";
/// Members may do anything.
inline constexpr std::string_view kMastersGroup = "system:masters";

/// "system:serviceaccount:<namespace>:<name>".
std::string service_account_user(std::string_view ns, std::string_view name);

}  // namespace klutch::apiserver
