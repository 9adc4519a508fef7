// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/user.h"

#include <fmt/format.h>

#include <algorithm>

#include "apiserver/schema/name_rules.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kServiceAccountPrefix = "system:serviceaccount:";

}  // namespace

bool User::in_group(std::string_view group) const {
  return std::ranges::find(groups, group) != groups.end();
}

std::string service_account_user(std::string_view ns, std::string_view name) {
  return fmt::format("{}{}:{}", kServiceAccountPrefix, ns, name);
}

std::optional<kube::Key> service_account_of(std::string_view user_name) {
  if (!user_name.starts_with(kServiceAccountPrefix)) return std::nullopt;
  const auto parts = split_once(user_name.substr(kServiceAccountPrefix.size()), ":");
  if (!parts) return std::nullopt;
  const auto& [ns, name] = *parts;
  if (!check_dns1123_label(ns).empty() || !check_dns1123_subdomain(name).empty()) return std::nullopt;
  return kube::Key{std::string(ns), std::string(name)};
}

std::vector<std::string> service_account_groups(std::string_view ns) {
  return {"system:serviceaccounts", fmt::format("system:serviceaccounts:{}", ns)};
}

}  // namespace klutch::apiserver
