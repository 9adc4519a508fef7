// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/namespace_lifecycle.h"

#include <fmt/format.h>

#include "apiserver/verbs/api_errors.h"
#include "kube/api/object.h"

namespace klutch::apiserver {

Result<> NamespaceLifecycle::admit(const Change& change) const {
  const auto& type = change.resource.description.type;
  if (change.operation != Change::Operation::kCreate || !type.namespaced) return {};
  const std::string& ns = change.key.ns;
  const auto found = storage_.latest("namespaces", {"", ns});
  if (found == nullptr) return fail(object_not_found({"", "namespaces"}, ns));
  // Every create comes here: most namespaces need not be parsed.
  if (found->bytes().find("\"deletionTimestamp\"") == std::string_view::npos) return {};
  if (!kube::is_deleting(found->to_value())) return {};
  return fail(object_forbidden(
      type.group_resource(), change.key.name,
      fmt::format("unable to create new content in namespace {} because it is being terminated", ns),
      {{.reason = "NamespaceTerminating",
        .message = fmt::format("namespace {} is being terminated", ns),
        .field = "metadata.namespace"}}));
}

}  // namespace klutch::apiserver
