// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/audit_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using Texts = std::vector<std::string>;

constexpr std::array<std::string_view, 4> kLevels = {"None", "Metadata", "Request", "RequestResponse"};
constexpr std::array<std::string_view, 4> kStages = {"RequestReceived", "ResponseStarted", "ResponseComplete",
                                                     "Panic"};

bool holds(const Texts& texts, std::string_view text) {
  return std::ranges::find(texts, text) != texts.end();
}

template <class Names>
std::optional<std::size_t> position_of(const Names& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

tl::unexpected<Error> wrong(const std::string& path, std::string_view why) {
  return fail(Code::kInvalid, fmt::format("{}: {}", path, why));
}

Result<Texts> read_texts(const Value& object, std::string_view name, const std::string& path) {
  Texts texts;
  const Value* list = object.find(name);
  if (list == nullptr || list->is_null()) return texts;
  const bool strings =
      list->is_array() && std::ranges::all_of(list->elements(), [](const Value& e) { return e.is_string(); });
  if (!strings) return wrong(fmt::format("{}{}", path, name), "must be a list of texts");
  for (const auto& item : list->elements()) texts.emplace_back(item.as_string());
  return texts;
}

Result<std::vector<AuditStage>> read_stages(const Value& object, const std::string& path) {
  std::vector<AuditStage> stages;
  for (const auto& name : TRY(read_texts(object, "omitStages", path))) {
    const auto position = position_of(kStages, name);
    if (!position) {
      return wrong(path + "omitStages", fmt::format("{} is none of {}", quote(name), join(kStages, ", ")));
    }
    stages.push_back(static_cast<AuditStage>(*position));
  }
  return stages;
}

Result<> check_urls(const Texts& urls, const std::string& path) {
  for (const auto& url : urls) {
    if (url == "*") continue;
    if (!url.starts_with('/')) {
      return wrong(path + "nonResourceURLs", "non-resource URL rules must begin with a '/' character");
    }
    if (url.find('*') < url.size() - 1) {
      return wrong(path + "nonResourceURLs",
                   "non-resource URL wildcards '*' must be the final character of the rule");
    }
  }
  return {};
}

bool fits_url(std::string_view wanted, std::string_view path) {
  if (wanted == "*" || wanted == path) return true;
  return wanted.ends_with('*') && path.starts_with(wanted.substr(0, wanted.size() - 1));
}

}  // namespace

std::string_view name_of(AuditLevel level) noexcept {
  return kLevels[static_cast<std::size_t>(level)];
}

std::string_view name_of(AuditStage stage) noexcept {
  return kStages[static_cast<std::size_t>(stage)];
}

bool AuditPolicy::Decision::logs(AuditStage stage) const noexcept {
  return level != AuditLevel::kNone && std::ranges::find(omitted, stage) == omitted.end();
}

Result<AuditPolicy::Rule> AuditPolicy::read_rule(const Value& object, const Decision& base,
                                                 const std::string& path) {
  Rule rule{.decision = base};
  const auto level = object.find_string("level").value_or("");
  const auto position = position_of(kLevels, level);
  if (!position) {
    return wrong(path + "level", fmt::format("{} is none of {}", quote(level), join(kLevels, ", ")));
  }
  rule.decision.level = static_cast<AuditLevel>(*position);
  for (const auto stage : TRY(read_stages(object, path))) rule.decision.omitted.push_back(stage);
  rule.decision.omits_managed_fields =
      object.find_bool("omitManagedFields").value_or(base.omits_managed_fields);
  rule.users = TRY(read_texts(object, "users", path));
  rule.groups = TRY(read_texts(object, "userGroups", path));
  rule.verbs = TRY(read_texts(object, "verbs", path));
  rule.namespaces = TRY(read_texts(object, "namespaces", path));
  rule.urls = TRY(read_texts(object, "nonResourceURLs", path));
  TRY(check_urls(rule.urls, path));
  if (const Value* list = object.find_array("resources"); list != nullptr) {
    for (const auto& item : list->elements()) {
      Resources wanted{.group = std::string(item.find_string("group").value_or(""))};
      wanted.resources = TRY(read_texts(item, "resources", path + "resources."));
      wanted.names = TRY(read_texts(item, "resourceNames", path + "resources."));
      if (!wanted.names.empty() && wanted.resources.empty()) {
        return wrong(path + "resources.resourceNames", "using resourceNames requires at least one resource");
      }
      rule.resources.push_back(std::move(wanted));
    }
  }
  if (!rule.urls.empty() && (!rule.resources.empty() || !rule.namespaces.empty())) {
    return wrong(path + "nonResourceURLs",
                 "rules cannot apply to both regular resources and non-resource URLs");
  }
  return rule;
}

Result<AuditPolicy> AuditPolicy::from_json(const Value& object) {
  if (object.find_string("kind") != "Policy" || object.find_string("apiVersion") != "audit.k8s.io/v1") {
    return wrong("kind", "must be Policy of audit.k8s.io/v1");
  }
  Decision base;
  base.omitted = TRY(read_stages(object, ""));
  base.omits_managed_fields = object.find_bool("omitManagedFields").value_or(false);
  AuditPolicy policy;
  const Value* rules = object.find_array("rules");
  if (rules == nullptr || rules->empty()) return wrong("rules", "must hold at least one rule");
  for (std::size_t i = 0; i < rules->size(); ++i) {
    policy.rules_.push_back(TRY(read_rule(rules->at(i), base, fmt::format("rules[{}].", i))));
  }
  return policy;
}

AuditPolicy::Decision AuditPolicy::decide(const User& user, const RequestAttributes& request) const {
  for (const auto& rule : rules_) {
    if (fits(rule, user, request)) return rule.decision;
  }
  return {};
}

bool AuditPolicy::fits(const Rule& rule, const User& user, const RequestAttributes& request) {
  const auto in_group = [&](const std::string& group) { return holds(rule.groups, group); };
  if (!rule.users.empty() && !holds(rule.users, user.name)) return false;
  if (!rule.groups.empty() && std::ranges::none_of(user.groups, in_group)) return false;
  if (!rule.verbs.empty() && !holds(rule.verbs, request.verb)) return false;
  if (!rule.namespaces.empty() || !rule.resources.empty()) {
    if (!request.is_resource) return false;
    if (!rule.namespaces.empty() && !holds(rule.namespaces, request.ns)) return false;
    const auto fits_it = [&](const Resources& wanted) { return fits_resource(wanted, request); };
    return rule.resources.empty() || std::ranges::any_of(rule.resources, fits_it);
  }
  if (rule.urls.empty()) return true;
  const auto fits_path = [&](const std::string& url) { return fits_url(url, request.path); };
  return !request.is_resource && std::ranges::any_of(rule.urls, fits_path);
}

bool AuditPolicy::fits_resource(const Resources& wanted, const RequestAttributes& request) {
  if (wanted.group != request.group) return false;
  if (wanted.resources.empty()) return true;
  if (!wanted.names.empty() && !holds(wanted.names, request.name)) return false;
  const bool has_sub = !request.subresource.empty();
  const auto whole = has_sub ? request.resource + "/" + request.subresource : request.resource;
  return std::ranges::any_of(wanted.resources, [&](const std::string& resource) {
    return resource == whole || resource == "*" || resource == request.resource + "/*" ||
           (has_sub && resource == "*/" + request.subresource);
  });
}

}  // namespace klutch::apiserver
