// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "http/message.h"
#include "json/value.h"

// Status (meta/v1) is how an API server says that something failed. Clients turn it into an Error that
// carries it as its detail; servers turn an Error into it. Pure functions, safe from any thread.
//
//   if (const auto* status = error.detail<kube::Status>()) report(status->causes);

namespace klutch::kube {

/// One field that is wrong, or one more reason.
struct StatusCause {
  std::string reason = {};  ///< "FieldValueInvalid", "FieldValueRequired", ...
  std::string message = {};
  std::string field = {};  ///< "spec.replicas"
  bool operator==(const StatusCause&) const = default;
};

struct Status final : ErrorDetail {
  int http_status = 0;      ///< `code`
  std::string reason = {};  ///< "NotFound", "AlreadyExists", ...; empty if the server gave none
  std::string message = {};
  // details
  std::string name = {};
  std::string group = {};
  std::string kind = {};  ///< the resource, in spite of the name
  std::string uid = {};
  std::vector<StatusCause> causes = {};
  int retry_after_seconds = 0;
  std::string continue_token = {};  ///< metadata.continue of an expired list

  /// Reads a Status object; what is missing or of a wrong kind stays empty. Nothing if `kind` is not Status.
  static std::optional<Status> from_json(const json::Value& value);
  /// The object, members that are empty left out; `status` is "Failure".
  [[nodiscard]] json::Value to_json() const;

  /// What a server answers for `error`: its attached Status if it has one, else one made of code and message.
  static Status from_error(const Error& error);
  /// This as an Error: the code by reason, else by HTTP status; message and retry_after kept; this as its
  /// detail.
  [[nodiscard]] Error to_error() const;
};

/// The Error that a response with a status of 400 or more stands for: its Status if the body is one,
/// otherwise the HTTP status and the first line of a text body. Retry-After is honoured in both.
Error error_from_kube_response(const http::Response& response, Time now);

/// Whether a cause with this reason is attached, such as "NamespaceTerminating".
bool has_cause(const Error& error, std::string_view reason) noexcept;

}  // namespace klutch::kube
