// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <string>
#include <vector>

#include "apiserver/kinds/checks.h"
#include "apiserver/kinds/fields.h"
#include "apiserver/kinds/kind_rules.h"
#include "json/build.h"
#include "json/print.h"

// rbac.authorization.k8s.io.

namespace klutch::apiserver {
namespace {

using json::Value;

const std::vector<std::string> kAccessGroups = {"rbac.authorization.k8s.io"};

void check_policy_rule(FieldErrors& errors, const Value& rule, bool namespaced, const FieldPath& path) {
  if (list_at(rule, {"verbs"}).empty()) {
    errors.push_back(FieldError::required(path.child("verbs"), "verbs must contain at least one value"));
  }
  const auto groups = list_at(rule, {"apiGroups"});
  const auto resources = list_at(rule, {"resources"});
  const auto& urls = value_at(rule, {"nonResourceURLs"});
  if (!urls.empty()) {
    const auto urls_path = path.child("nonResourceURLs");
    if (namespaced) {
      errors.push_back(
          FieldError::invalid(urls_path, urls, "namespaced rules cannot apply to non-resource URLs"));
    }
    if (!groups.empty() || !resources.empty() || !list_at(rule, {"resourceNames"}).empty()) {
      errors.push_back(FieldError::invalid(
          urls_path, urls, "rules cannot apply to both regular resources and non-resource URLs"));
    }
    return;
  }
  if (groups.empty()) {
    errors.push_back(
        FieldError::required(path.child("apiGroups"), "resource rules must supply at least one api group"));
  }
  if (resources.empty()) {
    errors.push_back(
        FieldError::required(path.child("resources"), "resource rules must supply at least one resource"));
  }
}

void check_policy_rules(FieldErrors& errors, const Value& object, bool namespaced) {
  const auto rules = list_at(object, {"rules"});
  for (std::size_t i = 0; i < rules.size(); ++i) {
    check_policy_rule(errors, rules[i], namespaced, FieldPath("rules").index(i));
  }
}

FieldErrors validate_role(const Value& object) {
  FieldErrors errors;
  check_policy_rules(errors, object, true);
  return errors;
}

FieldErrors validate_cluster_role(const Value& object) {
  FieldErrors errors;
  check_policy_rules(errors, object, false);
  if (!has_at(object, {"aggregationRule"})) return errors;
  const FieldPath path = FieldPath("aggregationRule").child("clusterRoleSelectors");
  const auto selectors = list_at(object, {"aggregationRule", "clusterRoleSelectors"});
  if (selectors.empty()) {
    errors.push_back(FieldError::required(
        path, "at least one clusterRoleSelector required if aggregationRule is non-nil"));
  }
  for (std::size_t i = 0; i < selectors.size(); ++i) {
    const auto before = errors.size();
    check_label_selector(errors, selectors[i], path.index(i));
    if (errors.size() != before) {
      errors.push_back(FieldError::invalid_text(path.index(i), "null", "invalid label selector."));
    }
  }
  return errors;
}

void check_subject(FieldErrors& errors, const Value& subject, bool namespaced, const FieldPath& path) {
  const auto name = text_at(subject, {"name"});
  const auto kind = text_at(subject, {"kind"});
  const auto group = text_at(subject, {"apiGroup"});
  if (name.empty()) errors.push_back(FieldError::required(path.child("name")));
  if (kind == "ServiceAccount") {
    if (!name.empty()) add_problems(errors, path.child("name"), name, check_dns1123_subdomain(name));
    check_supported(errors, path.child("apiGroup"), group, {""});
    if (!namespaced && text_at(subject, {"namespace"}).empty()) {
      errors.push_back(FieldError::required(path.child("namespace")));
    }
  } else if (kind == "User" || kind == "Group") {
    check_supported(errors, path.child("apiGroup"), group, kAccessGroups);
  } else {
    check_supported(errors, path.child("kind"), kind, {"ServiceAccount", "User", "Group"});
  }
}

FieldErrors check_binding(const Value& object, bool namespaced) {
  FieldErrors errors;
  const FieldPath ref("roleRef");
  check_supported(errors, ref.child("apiGroup"), text_at(object, {"roleRef", "apiGroup"}), kAccessGroups);
  const std::vector<std::string> kinds =
      namespaced ? std::vector<std::string>{"Role", "ClusterRole"} : std::vector<std::string>{"ClusterRole"};
  check_supported(errors, ref.child("kind"), text_at(object, {"roleRef", "kind"}), kinds);
  const auto name = text_at(object, {"roleRef", "name"});
  if (name.empty()) {
    errors.push_back(FieldError::required(ref.child("name")));
  } else {
    add_problems(errors, ref.child("name"), name, check_name(NameRule::kPathSegment, name));
  }
  const auto subjects = list_at(object, {"subjects"});
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    check_subject(errors, subjects[i], namespaced, FieldPath("subjects").index(i));
  }
  return errors;
}

FieldErrors validate_role_binding(const Value& object) {
  return check_binding(object, true);
}

FieldErrors validate_cluster_role_binding(const Value& object) {
  return check_binding(object, false);
}

FieldErrors validate_binding_change(const Value& object, const Value& old) {
  const auto& ref = value_at(object, {"roleRef"});
  if (ref == value_at(old, {"roleRef"})) return {};
  Value printed = json::object({{"APIGroup", text_at(ref, {"apiGroup"})},
                                {"Kind", text_at(ref, {"kind"})},
                                {"Name", text_at(ref, {"name"})}});
  return {FieldError::invalid_text(FieldPath("roleRef"), json::print(printed), "cannot change roleRef")};
}

}  // namespace

std::optional<KindRules> access_rules(std::string_view resource) {
  constexpr std::string_view kSuffix = ".rbac.authorization.k8s.io";
  if (!resource.ends_with(kSuffix)) return std::nullopt;
  resource.remove_suffix(kSuffix.size());
  KindRules rules;
  rules.name = NameRule::kPathSegment;
  rules.create_on_update = true;
  if (resource == "roles") rules.validate = validate_role;
  if (resource == "clusterroles") rules.validate = validate_cluster_role;
  if (resource == "rolebindings") rules.validate = validate_role_binding;
  if (resource == "clusterrolebindings") rules.validate = validate_cluster_role_binding;
  if (resource.ends_with("bindings")) rules.validate_change = validate_binding_change;
  return rules;
}

}  // namespace klutch::apiserver
