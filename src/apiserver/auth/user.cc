// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/user.h"

#include <fmt/format.h>

#include <algorithm>

namespace klutch::apiserver {

bool User::in_group(std::string_view group) const {
  return std::ranges::find(groups, group) != groups.end();
}

std::string service_account_user(std::string_view ns, std::string_view name) {
  return fmt::format("system:serviceaccount:{}:{}", ns, name);
}

}  // namespace klutch::apiserver
