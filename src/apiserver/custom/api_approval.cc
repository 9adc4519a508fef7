// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/api_approval.h"

#include "apiserver/custom/definition_json.h"
#include "apiserver/schema/go_text.h"
#include "apiserver/schema/go_url.h"

namespace klutch::apiserver {

bool is_protected_group(std::string_view group) {
  for (const std::string_view root : {"k8s.io", "kubernetes.io"}) {
    if (group == root || group.ends_with("." + std::string(root))) return true;
  }
  return false;
}

ApiApproval api_approval_of(const json::Value& definition) {
  using State = ApiApproval::State;
  const json::Value& annotations = object_at(object_at(definition, "metadata"), "annotations");
  const std::string text = text_at(annotations, kApprovalAnnotation);
  const std::string must = "protected groups must have approval annotation " + go_quote(kApprovalAnnotation);
  const std::string see = ", see https://github.com/kubernetes/enhancements/pull/1111";
  if (text.empty()) return {State::kMissing, must + see};
  if (text.starts_with("unapproved")) return {State::kBypassed, "not approved: " + go_quote(text)};
  const auto url = go_parse_request_uri(text);
  if (url && !url->host.empty() && !url->scheme.empty()) return {State::kApproved, "approved in " + text};
  return {State::kInvalid, must + " with either a URL or a reason starting with \"unapproved\"" + see};
}

}  // namespace klutch::apiserver
