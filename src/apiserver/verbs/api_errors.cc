// SPDX-License-Identifier: Apache-2.0
#include "apiserver/verbs/api_errors.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

namespace klutch::apiserver {
namespace {

Error error_of(Code code, kube::Status status) {
  std::string message = status.message;
  return Error(code, std::move(message)).with_detail(std::make_shared<const kube::Status>(std::move(status)));
}

kube::Status status_about(const kube::GroupResource& resource, std::string_view name, int http_status,
                          std::string_view reason) {
  kube::Status status;
  status.http_status = http_status;
  status.reason = reason;
  status.name = name;
  status.group = resource.group;
  status.kind = resource.resource;
  return status;
}

}  // namespace

const std::string_view kModifiedMeanwhile =
    "the object has been modified; please apply your changes to the latest version and try again";

Error object_not_found(const kube::GroupResource& resource, std::string_view name) {
  auto status = status_about(resource, name, 404, "NotFound");
  status.message = fmt::format("{} \"{}\" not found", resource.to_string(), name);
  return error_of(Code::kNotFound, std::move(status));
}

Error object_already_exists(const kube::GroupResource& resource, std::string_view name) {
  auto status = status_about(resource, name, 409, "AlreadyExists");
  status.message = fmt::format("{} \"{}\" already exists", resource.to_string(), name);
  return error_of(Code::kAlreadyExists, std::move(status));
}

Error object_conflict(const kube::GroupResource& resource, std::string_view name, std::string_view reason) {
  auto status = status_about(resource, name, 409, "Conflict");
  status.message =
      fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", resource.to_string(), name, reason);
  return error_of(Code::kConflict, std::move(status));
}

Error object_forbidden(const kube::GroupResource& resource, std::string_view name, std::string_view reason,
                       std::vector<kube::StatusCause> causes) {
  auto status = status_about(resource, name, 403, "Forbidden");
  status.message = name.empty()
                       ? fmt::format("{} is forbidden: {}", resource.to_string(), reason)
                       : fmt::format("{} \"{}\" is forbidden: {}", resource.to_string(), name, reason);
  status.causes = std::move(causes);
  return error_of(Code::kForbidden, std::move(status));
}

Error bad_request(std::string_view message) {
  kube::Status status;
  status.http_status = 400;
  status.reason = "BadRequest";
  status.message = message;
  return error_of(Code::kBadRequest, std::move(status));
}

Error plain_server_error(std::string_view message) {
  kube::Status status;
  status.http_status = 500;
  status.message = message;
  // Not kInternal: it is the client's mistake, whatever number Kubernetes gives it.
  return error_of(Code::kInvalid, std::move(status));
}

Error unprocessable() {
  kube::Status status;
  status.http_status = 422;
  status.reason = "Invalid";
  status.message = "the server rejected our request due to an error in our request";
  return error_of(Code::kInvalid, std::move(status));
}

}  // namespace klutch::apiserver
