// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/rbac.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/strings.h"
#include "kube/api/object.h"

namespace klutch::apiserver {
namespace {

using json::Value;
using Texts = std::vector<std::string>;

constexpr std::string_view kAll = "*";

/// Whole, however long it is.
std::string quoted(std::string_view text) {
  return quote(text, text.size());
}

bool has(const Texts& texts, std::string_view text) {
  return std::ranges::find(texts, text) != texts.end();
}

bool has_or_all(const Texts& texts, std::string_view text) {
  return has(texts, kAll) || has(texts, text);
}

Texts texts_of(const Value& object, std::string_view name) {
  Texts texts;
  if (const auto* list = object.find_array(name); list != nullptr) {
    for (const auto& item : list->elements()) {
      if (item.is_string()) texts.emplace_back(item.as_string());
    }
  }
  return texts;
}

void put_texts(Value& object, std::string_view name, const Texts& texts) {
  if (texts.empty()) return;
  auto list = Value::empty_array();
  for (const auto& text : texts) list.push_back(text);
  object.set(name, std::move(list));
}

/// "pods/log" is granted by itself, by "*" and by "*/log".
bool grants_resource(const Texts& resources, std::string_view resource) {
  if (has_or_all(resources, resource)) return true;
  const auto slash = resource.find('/');
  return slash != std::string_view::npos && has(resources, "*" + std::string(resource.substr(slash)));
}

bool url_covers(std::string_view granted, std::string_view wanted) {
  if (granted == wanted || granted == kAll) return true;
  return granted.ends_with('*') && wanted.starts_with(granted.substr(0, granted.find_last_not_of('*') + 1));
}

bool grants_url(const Texts& urls, std::string_view path) {
  return std::ranges::any_of(urls, [&](const std::string& url) { return url_covers(url, path); });
}

std::string go_list(const Texts& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : " ") + quoted(text);
  return "[" + list + "]";
}

std::string describe(const Subject& subject, std::string_view binding_namespace) {
  switch (subject.kind) {
    case Subject::Kind::kServiceAccount:
      return fmt::format("ServiceAccount \"{}/{}\"", subject.name,
                         subject.ns.empty() ? binding_namespace : subject.ns);
    case Subject::Kind::kGroup: return "Group " + quoted(subject.name);
    case Subject::Kind::kUser: return "User " + quoted(subject.name);
    case Subject::Kind::kOther: break;
  }
  return quoted(subject.name);
}

std::string reason_of(const Binding& binding, const Subject& subject) {
  const bool cluster_wide = binding.ns.empty();
  return fmt::format("RBAC: allowed by {} \"{}\" of {} \"{}\" to {}",
                     cluster_wide ? "ClusterRoleBinding" : "RoleBinding",
                     cluster_wide ? binding.name : binding.name + "/" + binding.ns, binding.role_kind,
                     binding.role_name, describe(subject, binding.ns));
}

/// Calls `visit(binding, subject, rule)` for every rule that applies to `user`, until it returns false.
using Visitor = std::function<bool(const Binding&, const Subject&, const PolicyRule&)>;

bool visit_bindings(const RbacObjects& objects, const std::vector<RbacObjects::BindingPtr>& bindings,
                    const User& user, const Visitor& visit) {
  for (const auto& binding : bindings) {
    const auto subject =
        std::ranges::find_if(binding->subjects, [&](const Subject& s) { return s.is(user, binding->ns); });
    if (subject == binding->subjects.end()) continue;
    const bool is_role = binding->role_kind == "Role";
    if (is_role && binding->ns.empty()) continue;  // a ClusterRoleBinding cannot refer to a Role
    const auto rules = objects.rules_of_role(is_role ? binding->ns : "", binding->role_name);
    if (rules == nullptr) continue;
    for (const auto& rule : *rules) {
      if (!visit(*binding, *subject, rule)) return false;
    }
  }
  return true;
}

void visit_rules(const RbacObjects& objects, const User& user, std::string_view ns, const Visitor& visit) {
  if (!visit_bindings(objects, objects.cluster_role_bindings(), user, visit) || ns.empty()) return;
  visit_bindings(objects, objects.role_bindings(ns), user, visit);
}

/// How many parts a rule is taken apart into: lists multiply, so that a small one can mean millions.
constexpr std::size_t kMaxParts = 20'000;
/// Of the list of what is missing.
constexpr std::size_t kMaxLines = 200;

/// At most kMaxParts + 1.
std::size_t count_parts(const PolicyRule& rule) {
  std::size_t count = 1;
  for (const auto size : {rule.verbs.size(), rule.api_groups.size(), rule.resources.size(),
                          std::max<std::size_t>(rule.resource_names.size(), 1)}) {
    count = std::min(count, kMaxParts + 1) * std::min(size, kMaxParts + 1);
  }
  const auto urls =
      std::min(rule.verbs.size(), kMaxParts + 1) * std::min(rule.non_resource_urls.size(), kMaxParts + 1);
  return std::min(count + urls, kMaxParts + 1);
}

/// A rule as rules with at most one verb, group, resource and name each.
PolicyRules broken_down(const PolicyRule& rule) {
  PolicyRules parts;
  for (const auto& group : rule.api_groups) {
    for (const auto& resource : rule.resources) {
      for (const auto& verb : rule.verbs) {
        const PolicyRule part{.verbs = {verb}, .api_groups = {group}, .resources = {resource}};
        if (rule.resource_names.empty()) parts.push_back(part);
        for (const auto& name : rule.resource_names) {
          parts.push_back(part);
          parts.back().resource_names = {name};
        }
      }
    }
  }
  for (const auto& url : rule.non_resource_urls) {
    for (const auto& verb : rule.verbs) parts.push_back({.verbs = {verb}, .non_resource_urls = {url}});
  }
  return parts;
}

}  // namespace

PolicyRule PolicyRule::from_json(const Value& rule) {
  return {.verbs = texts_of(rule, "verbs"),
          .api_groups = texts_of(rule, "apiGroups"),
          .resources = texts_of(rule, "resources"),
          .resource_names = texts_of(rule, "resourceNames"),
          .non_resource_urls = texts_of(rule, "nonResourceURLs")};
}

Value PolicyRule::to_json() const {
  auto object = Value::empty_object();
  put_texts(object, "verbs", verbs);
  put_texts(object, "apiGroups", api_groups);
  put_texts(object, "resources", resources);
  put_texts(object, "resourceNames", resource_names);
  put_texts(object, "nonResourceURLs", non_resource_urls);
  return object;
}

bool PolicyRule::allows(const RequestAttributes& request) const {
  if (!has_or_all(verbs, request.verb)) return false;
  if (!request.is_resource) return grants_url(non_resource_urls, request.path);
  const auto resource =
      request.subresource.empty() ? request.resource : request.resource + "/" + request.subresource;
  return has_or_all(api_groups, request.group) && grants_resource(resources, resource) &&
         (resource_names.empty() || (!request.name.empty() && has(resource_names, request.name)));
}

bool PolicyRule::covers(const PolicyRule& other) const {
  const auto all = [](const Texts& texts, const auto& is_covered) {
    return std::ranges::all_of(texts, is_covered);
  };
  return all(other.verbs, [&](const auto& verb) { return has_or_all(verbs, verb); }) &&
         all(other.api_groups, [&](const auto& group) { return has_or_all(api_groups, group); }) &&
         all(other.resources, [&](const auto& resource) { return grants_resource(resources, resource); }) &&
         all(other.non_resource_urls, [&](const auto& url) { return grants_url(non_resource_urls, url); }) &&
         (resource_names.empty() ||
          (!other.resource_names.empty() &&
           all(other.resource_names, [&](const auto& name) { return has(resource_names, name); })));
}

std::string PolicyRule::to_string() const {
  std::string parts;
  const auto add = [&](std::string_view name, const Texts& texts) {
    if (!texts.empty()) parts += fmt::format("{}{}:{}", parts.empty() ? "" : ", ", name, go_list(texts));
  };
  add("APIGroups", api_groups);
  add("Resources", resources);
  add("NonResourceURLs", non_resource_urls);
  add("ResourceNames", resource_names);
  add("Verbs", verbs);
  return "{" + parts + "}";
}

PolicyRules policy_rules_of(const Value& role) {
  PolicyRules rules;
  if (const auto* list = role.find_array("rules"); list != nullptr) {
    for (const auto& rule : list->elements()) rules.push_back(PolicyRule::from_json(rule));
  }
  return rules;
}

bool Subject::is(const User& user, std::string_view binding_namespace) const {
  switch (kind) {
    case Kind::kUser: return user.name == name;
    case Kind::kGroup: return user.in_group(name);
    case Kind::kServiceAccount: {
      const std::string_view owner = ns.empty() ? binding_namespace : ns;
      return !owner.empty() && user.name == service_account_user(owner, name);
    }
    case Kind::kOther: break;
  }
  return false;
}

Binding Binding::from_json(const Value& binding) {
  Binding out{.name = std::string(kube::name(binding)), .ns = std::string(kube::ns(binding))};
  if (const auto* role = binding.find_object("roleRef"); role != nullptr) {
    out.role_kind = role->find_string("kind").value_or("");
    out.role_name = role->find_string("name").value_or("");
  }
  const auto* subjects = binding.find_array("subjects");
  if (subjects == nullptr) return out;
  for (const auto& item : subjects->elements()) {
    const auto kind = item.find_string("kind").value_or("");
    out.subjects.push_back({.kind = kind == "User"             ? Subject::Kind::kUser
                                    : kind == "Group"          ? Subject::Kind::kGroup
                                    : kind == "ServiceAccount" ? Subject::Kind::kServiceAccount
                                                               : Subject::Kind::kOther,
                            .name = std::string(item.find_string("name").value_or("")),
                            .ns = std::string(item.find_string("namespace").value_or(""))});
  }
  return out;
}

std::optional<Grant> authorize(const RbacObjects& objects, const User& user,
                               const RequestAttributes& request) {
  if (user.in_group(kMastersGroup)) return Grant{};
  std::optional<Grant> grant;
  visit_rules(objects, user, request.ns,
              [&](const Binding& binding, const Subject& subject, const PolicyRule& rule) {
                if (rule.allows(request)) grant = Grant{reason_of(binding, subject)};
                return !grant.has_value();
              });
  return grant;
}

std::vector<MissingRole> missing_roles(const RbacObjects& objects, const User& user, std::string_view ns) {
  std::vector<MissingRole> missing;
  const auto look_at = [&](const std::vector<RbacObjects::BindingPtr>& bindings) {
    for (const auto& binding : bindings) {
      const auto applies = [&](const Subject& subject) { return subject.is(user, binding->ns); };
      if (std::ranges::none_of(binding->subjects, applies)) continue;
      const bool is_role = binding->role_kind == "Role";
      if (is_role && binding->ns.empty()) continue;
      if (objects.rules_of_role(is_role ? binding->ns : "", binding->role_name) != nullptr) continue;
      MissingRole role{.cluster_wide = !is_role, .name = binding->role_name};
      if (std::ranges::find(missing, role) == missing.end()) missing.push_back(std::move(role));
    }
  };
  look_at(objects.cluster_role_bindings());
  if (!ns.empty()) look_at(objects.role_bindings(ns));
  return missing;
}

std::string missing_roles_message(const std::vector<MissingRole>& missing) {
  std::string text;
  for (const auto& [cluster_wide, name] : missing) {
    text += fmt::format("{}{}.rbac.authorization.k8s.io {} not found", text.empty() ? "" : ", ",
                        cluster_wide ? "clusterrole" : "role", quoted(name));
  }
  return missing.size() > 1 ? "[" + text + "]" : text;
}

PolicyRules rules_for(const RbacObjects& objects, const User& user, std::string_view ns) {
  PolicyRules rules;
  visit_rules(objects, user, ns, [&](const Binding&, const Subject&, const PolicyRule& rule) {
    rules.push_back(rule);
    return true;
  });
  return rules;
}

PolicyRules missing_rules(const PolicyRules& held, const PolicyRules& wanted) {
  PolicyRules missing;
  std::size_t parts = 0;
  for (const auto& rule : wanted) {
    const auto covers = [](const PolicyRule& part) {
      return [&part](const PolicyRule& own) { return own.covers(part); };
    };
    if (std::ranges::any_of(held, covers(rule))) continue;
    parts += count_parts(rule);
    if (parts > kMaxParts) {
      missing.push_back(rule);
      continue;
    }
    for (auto& part : broken_down(rule)) {
      if (std::ranges::none_of(held, covers(part))) missing.push_back(std::move(part));
    }
  }
  return missing;
}

std::string escalation_message(const User& user, const PolicyRules& missing) {
  // Rules on resources that differ in their verb alone are told as one.
  std::map<std::tuple<Texts, Texts, Texts>, PolicyRule> compact;
  std::set<std::string> lines;
  for (const auto& rule : missing) {
    if (rule.resources.empty()) {
      lines.insert(rule.to_string());
      continue;
    }
    auto& slot = compact[{rule.api_groups, rule.resources, rule.resource_names}];
    if (slot.verbs.empty()) {
      slot = rule;
    } else if (!has(slot.verbs, rule.verbs.front())) {
      slot.verbs.push_back(rule.verbs.front());
    }
  }
  for (const auto& [parts, rule] : compact) lines.insert(rule.to_string());
  std::string groups;
  for (const auto& group : user.groups) groups += (groups.empty() ? "" : " ") + quoted(group);
  auto text = fmt::format("user {} (groups=[{}]) is attempting to grant RBAC permissions not currently held:",
                          quoted(user.name), groups);
  std::size_t shown = 0;
  for (const auto& line : lines) {
    if (shown++ == kMaxLines) return text + "\n...";
    text += "\n" + line;
  }
  return text;
}

std::string forbidden_message(const User& user, const RequestAttributes& request) {
  if (!request.is_resource) {
    return fmt::format("User {} cannot {} path {}", quoted(user.name), request.verb, quoted(request.path));
  }
  const auto resource =
      request.subresource.empty() ? request.resource : request.resource + "/" + request.subresource;
  const auto where = request.ns.empty() ? "at the cluster scope" : "in the namespace " + quoted(request.ns);
  return fmt::format("User {} cannot {} resource {} in API group {} {}", quoted(user.name), request.verb,
                     quoted(resource), quoted(request.group), where);
}

}  // namespace klutch::apiserver
