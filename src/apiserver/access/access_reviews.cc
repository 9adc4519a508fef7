// SPDX-License-Identifier: Apache-2.0
#include "apiserver/access/access_reviews.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "apiserver/auth/user_info.h"
#include "apiserver/schema/field_error.h"
#include "apiserver/verbs/api_errors.h"
#include "base/strings.h"
#include "json/build.h"
#include "kube/api/object.h"
#include "kube/api/selector.h"

namespace klutch::apiserver {
namespace {

using json::Value;

const Value& spec_of_review(const Value& review) {
  static const Value nothing = Value::empty_object();
  const Value* spec = review.find_object("spec");
  return spec == nullptr ? nothing : *spec;
}

std::string text_in(const Value& object, std::string_view name) {
  return std::string(object.find_string(name).value_or(""));
}

/// Metadata has no meaning here; what the server itself puts there does not count.
FieldErrors check_no_metadata(const Value& review, std::string_view except, std::string_view detail) {
  const Value* metadata = review.find_object("metadata");
  if (metadata == nullptr) return {};
  const auto matters = [&](const json::Member& member) {
    return member.key() != "managedFields" && member.key() != except && !member.value().is_null() &&
           !(member.value().is_string() && member.value().as_string().empty());
  };
  if (std::ranges::none_of(metadata->members(), matters)) return {};
  return {FieldError::invalid(FieldPath("metadata"), *metadata, detail)};
}

void check_selector(FieldErrors& errors, const Value& attributes, std::string_view name) {
  const Value* selector = attributes.find_object(name);
  if (selector == nullptr) return;
  const auto path = FieldPath("spec").child("resourceAttributes").child(name);
  const auto raw = text_in(*selector, "rawSelector");
  const Value* list = selector->find_array("requirements");
  const bool has_list = list != nullptr && !list->empty();
  if (!raw.empty() && has_list) {
    errors.push_back(FieldError::invalid(path.child("rawSelector"), raw,
                                         "may not specified at the same time as requirements"));
  }
  if (raw.empty() && !has_list) {
    errors.push_back(FieldError::required(
        path.child("requirements"),
        "when " + path.to_string() + " is specified, requirements or rawSelector is required"));
  }
}

/// As kube-apiserver prints its internal form of them.
Value go_path_attributes(const Value& attributes) {
  return json::object({{"Path", text_in(attributes, "path")}, {"Verb", text_in(attributes, "verb")}});
}

FieldErrors check_review_spec(const Value& spec, bool names_user) {
  FieldErrors errors;
  const FieldPath path("spec");
  const Value* resource = spec.find_object("resourceAttributes");
  const Value* other = spec.find_object("nonResourceAttributes");
  if (resource != nullptr && other != nullptr) {
    errors.push_back(FieldError::invalid(path.child("nonResourceAttributes"), go_path_attributes(*other),
                                         "cannot be specified in combination with resourceAttributes"));
  }
  if (resource == nullptr && other == nullptr) {
    errors.push_back(FieldError::invalid_text(
        path.child("resourceAttributes"), "null",
        "exactly one of nonResourceAttributes or resourceAttributes must be specified"));
  }
  if (names_user) {
    const User user = user_of_review(spec);
    if (user.name.empty() && user.groups.empty()) {
      errors.push_back(
          FieldError::invalid(path.child("user"), "", "at least one of user or group must be specified"));
    }
  }
  if (resource != nullptr) {
    check_selector(errors, *resource, "fieldSelector");
    check_selector(errors, *resource, "labelSelector");
  }
  return errors;
}

/// In kube-apiserver the kind has been lost by then: `.authorization.k8s.io "" is invalid: ...`.
Error invalid_review(const FieldErrors& errors) {
  return invalid_error({"authorization.k8s.io", ""}, "", errors);
}

RequestAttributes attributes_of(const Value& spec) {
  RequestAttributes request;
  if (const Value* other = spec.find_object("nonResourceAttributes"); other != nullptr) {
    request.verb = text_in(*other, "verb");
    request.path = text_in(*other, "path");
    return request;
  }
  const Value* resource = spec.find_object("resourceAttributes");
  request.is_resource = true;
  request.verb = text_in(*resource, "verb");
  request.group = text_in(*resource, "group");
  request.version = text_in(*resource, "version");
  request.ns = text_in(*resource, "namespace");
  request.resource = text_in(*resource, "resource");
  request.subresource = text_in(*resource, "subresource");
  request.name = text_in(*resource, "name");
  return request;
}

/// Roles know no selectors; one that cannot be read is said to be without effect.
std::string evaluation_error(const Value& spec) {
  const Value* resource = spec.find_object("resourceAttributes");
  if (resource == nullptr) return {};
  const auto raw = [&](std::string_view name) {
    const Value* selector = resource->find_object(name);
    return selector == nullptr ? std::string() : text_in(*selector, "rawSelector");
  };
  std::string text;
  const auto add = [&text](std::string_view name) {
    if (!text.empty()) text += "; ";
    text += "spec.resourceAttributes." + std::string(name) + " ignored due to parse error";
  };
  if (!kube::FieldSelector::parse(raw("fieldSelector"))) add("fieldSelector");
  if (!kube::LabelSelector::parse(raw("labelSelector"))) add("labelSelector");
  return text;
}

Value reviewed(const Access& access, const User& user, Value review) {
  const auto& spec = spec_of_review(review);
  auto [allowed, reason] = access.decide(user, attributes_of(spec));
  auto status = json::object({{"allowed", allowed}});
  if (!reason.empty()) status.set("reason", std::move(reason));
  if (auto error = evaluation_error(spec); !error.empty()) status.set("evaluationError", std::move(error));
  if (review.find_object("metadata") == nullptr) review.set("metadata", Value::empty_object());
  review.set("status", std::move(status));
  return review;
}

/// A rule without what the other kind of rules is about.
Value rule_to_json(const PolicyRule& rule, bool of_resources) {
  PolicyRule part = rule;
  if (of_resources) {
    part.non_resource_urls.clear();
  } else {
    part.api_groups.clear();
    part.resources.clear();
    part.resource_names.clear();
  }
  auto object = part.to_json();
  if (!object.contains("verbs")) object.set("verbs", Value::empty_array());
  return object;
}

}  // namespace

Action subject_access_review(const Access& access) {
  return [&access](Ctx&, const ActionRequest&, Value review) -> Result<Value> {
    auto errors = check_review_spec(spec_of_review(review), true);
    append(errors, check_no_metadata(review, "", "must be empty"));
    if (!errors.empty()) return fail(invalid_review(errors));
    const User user = user_of_review(spec_of_review(review));
    return reviewed(access, user, std::move(review));
  };
}

Action self_subject_access_review(const Access& access) {
  return [&access](Ctx&, const ActionRequest& request, Value review) -> Result<Value> {
    auto errors = check_review_spec(spec_of_review(review), false);
    append(errors, check_no_metadata(review, "", "must be empty"));
    if (!errors.empty()) return fail(invalid_review(errors));
    return reviewed(access, request.user, std::move(review));
  };
}

Action local_subject_access_review(const Access& access) {
  return [&access](Ctx&, const ActionRequest& request, Value review) -> Result<Value> {
    const auto& spec = spec_of_review(review);
    const std::string& ns = request.key.ns;
    if (ns.empty()) return fail(bad_request("namespace is required on this type: "));
    if (const auto own = kube::ns(review); !own.empty() && own != ns) {
      return fail(bad_request(
          "the namespace of the provided object does not match the namespace sent on the request"));
    }
    auto errors = check_review_spec(spec, true);
    append(errors, check_no_metadata(review, "namespace", "must be empty except for namespace"));
    if (const Value* resource = spec.find_object("resourceAttributes"); resource != nullptr) {
      if (const auto asked = text_in(*resource, "namespace"); asked != ns) {
        errors.push_back(FieldError::invalid(FieldPath("spec").child("resourceAttributes").child("namespace"),
                                             asked, "must match metadata.namespace"));
      }
    }
    if (const Value* other = spec.find_object("nonResourceAttributes"); other != nullptr) {
      errors.push_back(FieldError::invalid(FieldPath("spec").child("nonResourceAttributes"),
                                           go_path_attributes(*other), "disallowed on this kind of request"));
    }
    if (!errors.empty()) return fail(invalid_review(errors));
    review["metadata"].set("namespace", ns);
    const User user = user_of_review(spec_of_review(review));
    return reviewed(access, user, std::move(review));
  };
}

Action self_subject_rules_review(const Access& access) {
  return [&access](Ctx&, const ActionRequest& request, Value review) -> Result<Value> {
    const auto ns = text_in(spec_of_review(review), "namespace");
    if (ns.empty()) return fail(bad_request("no namespace on request"));
    auto resource_rules = Value::empty_array();
    auto other_rules = Value::empty_array();
    for (const auto& rule : rules_for(access.objects(), request.user, ns)) {
      if (!rule.resources.empty()) resource_rules.push_back(rule_to_json(rule, true));
      if (!rule.non_resource_urls.empty()) other_rules.push_back(rule_to_json(rule, false));
    }
    auto status = json::object({{"incomplete", false},
                                {"nonResourceRules", std::move(other_rules)},
                                {"resourceRules", std::move(resource_rules)}});
    auto missing = missing_roles_message(missing_roles(access.objects(), request.user, ns));
    if (!missing.empty()) status.set("evaluationError", std::move(missing));
    return json::object({{"kind", kube::kind(review)},
                         {"apiVersion", kube::api_version(review)},
                         {"metadata", Value::empty_object()},
                         {"spec", Value::empty_object()},
                         {"status", std::move(status)}});
  };
}

}  // namespace klutch::apiserver
