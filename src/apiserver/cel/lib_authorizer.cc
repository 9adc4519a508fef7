// SPDX-License-Identifier: Apache-2.0
// The functions of authorizers, which no rule of a custom resource has: known so that messages about wrong
// calls name them.
#include <array>

#include "apiserver/cel/functions.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::array kAuthorizerFunctions = {
    OverloadSpec{"path", "authorizer_path",
                 ".(kubernetes.authorization.Authorizer, string) -> kubernetes.authorization.PathCheck"},
    OverloadSpec{"group", "authorizer_group",
                 ".(kubernetes.authorization.Authorizer, string) -> kubernetes.authorization.GroupCheck"},
    OverloadSpec{
        "serviceAccount", "authorizer_serviceaccount",
        ".(kubernetes.authorization.Authorizer, string, string) -> kubernetes.authorization.Authorizer"},
    OverloadSpec{"resource", "groupcheck_resource",
                 ".(kubernetes.authorization.GroupCheck, string) -> kubernetes.authorization.ResourceCheck"},
    OverloadSpec{
        "subresource", "resourcecheck_subresource",
        ".(kubernetes.authorization.ResourceCheck, string) -> kubernetes.authorization.ResourceCheck"},
    OverloadSpec{
        "namespace", "resourcecheck_namespace",
        ".(kubernetes.authorization.ResourceCheck, string) -> kubernetes.authorization.ResourceCheck"},
    OverloadSpec{
        "name", "resourcecheck_name",
        ".(kubernetes.authorization.ResourceCheck, string) -> kubernetes.authorization.ResourceCheck"},
    OverloadSpec{
        "fieldSelector", "authorizer_fieldselector",
        ".(kubernetes.authorization.ResourceCheck, string) -> kubernetes.authorization.ResourceCheck"},
    OverloadSpec{
        "labelSelector", "authorizer_labelselector",
        ".(kubernetes.authorization.ResourceCheck, string) -> kubernetes.authorization.ResourceCheck"},
    OverloadSpec{"check", "pathcheck_check",
                 ".(kubernetes.authorization.PathCheck, string) -> kubernetes.authorization.Decision"},
    OverloadSpec{"check", "resourcecheck_check",
                 ".(kubernetes.authorization.ResourceCheck, string) -> kubernetes.authorization.Decision"},
    OverloadSpec{"allowed", "decision_allowed", ".(kubernetes.authorization.Decision) -> bool"},
    OverloadSpec{"reason", "decision_reason", ".(kubernetes.authorization.Decision) -> string"},
    OverloadSpec{"error", "decision_error", ".(kubernetes.authorization.Decision) -> string"},
    OverloadSpec{"errored", "decision_errored", ".(kubernetes.authorization.Decision) -> bool"},
};

}  // namespace

std::span<const OverloadSpec> authorizer_overloads() {
  return kAuthorizerFunctions;
}

}  // namespace klutch::apiserver::cel
