// SPDX-License-Identifier: Apache-2.0
#include "kube/api/resource.h"

#include <utility>

#include "base/strings.h"

namespace klutch::kube {
namespace {

std::string with_group(std::string_view word, std::string_view group) {
  std::string text(word);
  if (!group.empty()) text.append(".").append(group);
  return text;
}

struct SlashedPair {
  std::string_view before = {};  // empty without a '/'
  std::string_view after = {};
};

/// "b" or "a/b", where neither part is empty.
Result<SlashedPair> split_at_slash(std::string_view text, std::string_view what) {
  const auto parts = split(text, '/');
  const bool fits =
      parts.size() == 1 ? !parts[0].empty() : parts.size() == 2 && !parts[0].empty() && !parts[1].empty();
  if (!fits) return fail(Code::kInvalid, quote(text) + " is no " + std::string(what));
  if (parts.size() == 1) return SlashedPair{.after = parts[0]};
  return SlashedPair{parts[0], parts[1]};
}

std::string join_with_slash(std::string_view before, std::string_view after) {
  std::string text(before);
  if (!text.empty()) text += '/';
  return text.append(after);
}

}  // namespace

Result<GroupVersion> GroupVersion::parse(std::string_view api_version) {
  const auto parts = TRY(split_at_slash(api_version, "API version (version or group/version)"));
  return GroupVersion{std::string(parts.before), std::string(parts.after)};
}

std::string GroupVersion::to_string() const {
  return join_with_slash(group, version);
}

std::string GroupKind::to_string() const {
  return with_group(kind, group);
}

Result<GroupResource> GroupResource::parse(std::string_view text) {
  const auto dot = text.find('.');
  const auto name = text.substr(0, dot);
  if (name.empty()) return fail(Code::kInvalid, quote(text) + " is no resource (resource or resource.group)");
  return GroupResource{dot == text.npos ? std::string() : std::string(text.substr(dot + 1)),
                       std::string(name)};
}

std::string GroupResource::to_string() const {
  return with_group(resource, group);
}

std::string ResourceType::api_version() const {
  return join_with_slash(group, version);
}

std::string ResourceType::to_string() const {
  return with_group(resource, group);
}

Result<Key> Key::parse(std::string_view text) {
  const auto parts = TRY(split_at_slash(text, "object name (name or namespace/name)"));
  return Key{std::string(parts.before), std::string(parts.after)};
}

std::string Key::to_string() const {
  return join_with_slash(ns, name);
}

}  // namespace klutch::kube
