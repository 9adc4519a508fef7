// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/impersonation.h"

#include <string>
#include <string_view>
#include <utility>

#include "base/strings.h"

namespace klutch::apiserver {
namespace {

constexpr std::string_view kUserHeader = "Impersonate-User";
constexpr std::string_view kGroupHeader = "Impersonate-Group";
constexpr std::string_view kUidHeader = "Impersonate-Uid";
constexpr std::string_view kExtraPrefix = "Impersonate-Extra-";
constexpr std::string_view kAnyPrefix = "Impersonate-";

RequestAttributes impersonate(std::string_view resource, std::string_view name) {
  return {.is_resource = true,
          .verb = "impersonate",
          .version = "v1",
          .resource = std::string(resource),
          .name = std::string(name)};
}

RequestAttributes impersonate_detail(std::string_view resource, std::string_view subresource,
                                     std::string_view name) {
  auto request = impersonate(resource, name);
  request.group = "authentication.k8s.io";
  request.subresource = subresource;
  return request;
}

/// The key as it was meant: lower case, percent-decoded where that is possible.
std::string extra_key(std::string_view header) {
  const std::string lower = to_lower(header.substr(kExtraPrefix.size()));
  auto decoded = percent_decode(lower);
  return decoded ? *std::move(decoded) : lower;
}

/// What the headers say, before anything is made of it.
struct Wish {
  std::optional<std::string_view> user = {};
  std::optional<std::string_view> uid = {};
  std::vector<std::string_view> groups = {};
  std::vector<std::pair<std::string, std::string_view>> extra = {};
};

Result<> take_once(std::optional<std::string_view>& slot, std::string_view name, std::string_view value) {
  // Proxies and servers differ in which of two they believe.
  if (slot) return fail(Code::kBadRequest, std::string(name) + " must not be given twice");
  slot = value;
  return {};
}

Result<Wish> read_wish(const http::Headers& headers) {
  Wish wish;
  for (const auto& [name, value] : headers) {
    if (!starts_with_ignore_case(name, kAnyPrefix)) continue;
    if (equal_ignore_case(name, kUserHeader)) {
      TRY(take_once(wish.user, kUserHeader, value));
    } else if (equal_ignore_case(name, kUidHeader)) {
      TRY(take_once(wish.uid, kUidHeader, value));
    } else if (equal_ignore_case(name, kGroupHeader)) {
      wish.groups.emplace_back(value);
    } else if (starts_with_ignore_case(name, kExtraPrefix)) {
      wish.extra.emplace_back(extra_key(name), value);
    }
  }
  if (wish.user && wish.user->empty()) wish.user.reset();
  if (wish.uid && wish.uid->empty()) wish.uid.reset();
  return wish;
}

/// Groups are those that were named, or else those that every ServiceAccount has; then the one that tells
/// whether anybody stands behind the name.
void complete_groups(User& user) {
  const bool anonymous = user.name == kAnonymousUser;
  if (user.in_group(kUnauthenticatedGroup)) return;
  if (anonymous) {
    user.groups.emplace_back(kUnauthenticatedGroup);
  } else if (!user.in_group(kAuthenticatedGroup)) {
    user.groups.emplace_back(kAuthenticatedGroup);
  }
}

}  // namespace

Result<std::optional<Impersonation>> read_impersonation(const http::Headers& headers) {
  const Wish wish = TRY(read_wish(headers));
  if (!wish.user) {
    if (!wish.uid && wish.groups.empty() && wish.extra.empty()) return std::nullopt;
    return fail(Code::kBadRequest, "groups, uid and extra can be impersonated only together with a user");
  }
  Impersonation out;
  out.user.name = *wish.user;
  if (const auto account = service_account_of(*wish.user)) {
    out.needed.push_back(impersonate("serviceaccounts", account->name));
    out.needed.back().ns = account->ns;
    if (wish.groups.empty()) out.user.groups = service_account_groups(account->ns);
  } else {
    out.needed.push_back(impersonate("users", *wish.user));
  }
  for (const auto group : wish.groups) {
    out.needed.push_back(impersonate("groups", group));
    out.user.groups.emplace_back(group);
  }
  for (const auto& [key, value] : wish.extra) {
    out.needed.push_back(impersonate_detail("userextras", key, value));
    out.user.extra[key].emplace_back(value);
  }
  if (wish.uid) {
    out.needed.push_back(impersonate_detail("uids", "", *wish.uid));
    out.user.uid = *wish.uid;
  }
  complete_groups(out.user);
  return out;
}

}  // namespace klutch::apiserver
