// SPDX-License-Identifier: Apache-2.0
#include "kube/api/status.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/strings.h"
#include "http/status_error.h"
#include "json/build.h"
#include "json/parse.h"

namespace klutch::kube {
namespace {

/// Of a server's message: some print whole objects.
constexpr std::size_t kShownMessageBytes = std::size_t{8} * 1024;
constexpr std::int64_t kLongestDelaySeconds = std::int64_t{24} * 60 * 60;
/// Servers round up, and 0 would mean that they did not ask for a delay.
constexpr std::chrono::milliseconds kSecond = std::chrono::seconds(1);

struct ReasonRow {
  std::string_view reason;
  Code code;
  int http_status;
};

/// The reasons of meta/v1. Where one code has several, the first is what a server answers.
constexpr std::array kReasons = {
    ReasonRow{"BadRequest", Code::kBadRequest, 400},
    ReasonRow{"Invalid", Code::kInvalid, 422},
    ReasonRow{"Unauthorized", Code::kUnauthenticated, 401},
    ReasonRow{"Forbidden", Code::kForbidden, 403},
    ReasonRow{"NotFound", Code::kNotFound, 404},
    ReasonRow{"AlreadyExists", Code::kAlreadyExists, 409},
    ReasonRow{"Conflict", Code::kConflict, 409},
    ReasonRow{"Expired", Code::kGone, 410},
    ReasonRow{"Gone", Code::kGone, 410},
    ReasonRow{"RequestEntityTooLarge", Code::kTooLarge, 413},
    ReasonRow{"TooManyRequests", Code::kTooManyRequests, 429},
    ReasonRow{"ServiceUnavailable", Code::kUnavailable, 503},
    // It could not be done right now; Timeout below means that it may have been done.
    ReasonRow{"ServerTimeout", Code::kUnavailable, 500},
    ReasonRow{"Timeout", Code::kTimeout, 504},
    ReasonRow{"InternalError", Code::kInternal, 500},
    ReasonRow{"StorageReadError", Code::kInternal, 500},
    ReasonRow{"MethodNotAllowed", Code::kUnsupported, 405},
    ReasonRow{"NotAcceptable", Code::kUnsupported, 406},
    ReasonRow{"UnsupportedMediaType", Code::kUnsupported, 415},
    // A `test` of a JSON patch that did not hold, and what no retry can help: the request is at fault.
    ReasonRow{"Invalid", Code::kPreconditionFailed, 422},
    ReasonRow{"Invalid", Code::kTerminal, 422},
};

std::optional<Code> code_from_reason(std::string_view reason) noexcept {
  for (const auto& row : kReasons) {
    if (row.reason == reason) return row.code;
  }
  return std::nullopt;
}

std::string member_text(const json::Value& object, std::string_view key) {
  return std::string(object.find_string(key).value_or(""));
}

std::vector<StatusCause> read_causes(const json::Value& details) {
  std::vector<StatusCause> causes;
  const auto* list = details.find_array("causes");
  if (list == nullptr) return causes;
  for (const auto& cause : list->elements()) {
    if (!cause.is_object()) continue;
    causes.push_back(
        {member_text(cause, "reason"), member_text(cause, "message"), member_text(cause, "field")});
  }
  return causes;
}

void read_details(const json::Value& details, Status& status) {
  status.name = member_text(details, "name");
  status.group = member_text(details, "group");
  status.kind = member_text(details, "kind");
  status.uid = member_text(details, "uid");
  status.causes = read_causes(details);
  const auto delay = details.find_int("retryAfterSeconds").value_or(0);
  status.retry_after_seconds = static_cast<int>(std::clamp<std::int64_t>(delay, 0, kLongestDelaySeconds));
}

void set_if_any(json::Value& object, std::string_view key, std::string_view text) {
  if (!text.empty()) object.set(key, text);
}

json::Value write_details(const Status& status) {
  auto details = json::Value::empty_object();
  set_if_any(details, "name", status.name);
  set_if_any(details, "group", status.group);
  set_if_any(details, "kind", status.kind);
  set_if_any(details, "uid", status.uid);
  if (!status.causes.empty()) {
    auto& causes = details.set("causes", json::Value::empty_array());
    for (const auto& [reason, message, field] : status.causes) {
      auto& cause = causes.push_back(json::Value::empty_object());
      set_if_any(cause, "reason", reason);
      set_if_any(cause, "message", message);
      set_if_any(cause, "field", field);
    }
  }
  if (status.retry_after_seconds != 0) details.set("retryAfterSeconds", status.retry_after_seconds);
  return details;
}

/// Without what could deceive whoever reads it on a terminal. Messages of several lines are usual.
std::string harmless(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  while (!text.empty()) {
    const auto character = text.substr(0, std::max<std::size_t>(utf8_length(text), 1));
    const bool layout = character == "\n" || character == "\t";
    if (!layout && (!is_utf8(character) || is_deceptive(character))) {
      const auto quoted = quote(character);
      shown.append(quoted, 1, quoted.size() - 2);
    } else {
      shown += character;
    }
    text.remove_prefix(character.size());
  }
  return shown;
}

std::string shown_message(const Status& status) {
  const auto shown = utf8_prefix(status.message, kShownMessageBytes);
  if (!shown.empty()) return harmless(shown) + (shown.size() < status.message.size() ? "..." : "");
  if (!status.reason.empty()) return "the server answered " + quote(status.reason);
  return "the server answered " + std::to_string(status.http_status) + " " +
         std::string(http::reason_phrase(status.http_status));
}

std::optional<Status> status_in_body(const http::Response& response) {
  if (response.stream || !trim(response.body.view()).starts_with('{')) return std::nullopt;
  const auto body = json::parse(response.body.view());
  return body ? Status::from_json(*body) : std::nullopt;
}

}  // namespace

std::optional<Status> Status::from_json(const json::Value& value) {
  if (value.find_string("kind") != "Status") return std::nullopt;
  Status status;
  const auto code = value.find_int("code").value_or(0);
  status.http_status = code >= 100 && code <= 999 ? static_cast<int>(code) : 0;
  status.reason = member_text(value, "reason");
  status.message = member_text(value, "message");
  if (const auto* details = value.find_object("details")) read_details(*details, status);
  if (const auto* metadata = value.find_object("metadata")) {
    status.continue_token = member_text(*metadata, "continue");
  }
  return status;
}

json::Value Status::to_json() const {
  auto metadata = json::Value::empty_object();
  set_if_any(metadata, "continue", continue_token);
  auto value = json::object(
      {{"kind", "Status"}, {"apiVersion", "v1"}, {"metadata", std::move(metadata)}, {"status", "Failure"}});
  set_if_any(value, "message", message);
  set_if_any(value, "reason", reason);
  if (auto details = write_details(*this); !details.empty()) value.set("details", std::move(details));
  if (http_status != 0) value.set("code", http_status);
  return value;
}

Status Status::from_error(const Error& error) {
  const auto& row_of_code = traits(error.code());
  if (const auto* attached = error.detail<Status>()) {
    Status status = *attached;
    if (status.http_status == 0) status.http_status = row_of_code.http_status;
    return status;
  }
  Status status;
  status.message = error.message();
  status.reason = row_of_code.name;
  status.http_status = row_of_code.http_status;
  const auto* row = std::find_if(kReasons.begin(), kReasons.end(), [&error](const ReasonRow& candidate) {
    return candidate.code == error.code();
  });
  if (row != kReasons.end() && error.code() != Code::kUnsupported) {
    status.reason = row->reason;
    status.http_status = row->http_status;
  }
  if (const auto delay = error.retry_after()) {
    const auto seconds = (*delay + kSecond - std::chrono::milliseconds(1)) / kSecond;
    status.retry_after_seconds = static_cast<int>(std::clamp<std::int64_t>(seconds, 0, kLongestDelaySeconds));
  }
  return status;
}

Error Status::to_error() const {
  const Code code = code_from_reason(reason).value_or(code_from_http_status(http_status));
  auto error = Error(code, shown_message(*this)).with_detail(std::make_shared<const Status>(*this));
  return retry_after_seconds > 0 ? error.with_retry_after(std::chrono::seconds(retry_after_seconds)) : error;
}

Error error_from_kube_response(const http::Response& response, Time now) {
  auto status = status_in_body(response);
  if (!status) return http::error_from_response(response, now);
  if (status->http_status < 400) status->http_status = response.status;
  auto error = status->to_error();
  const auto header = response.headers.get("Retry-After");
  const auto delay = header ? http::parse_retry_after(*header, now) : std::nullopt;
  return delay ? error.with_retry_after(*delay) : error;
}

bool has_cause(const Error& error, std::string_view reason) noexcept {
  const auto* status = error.detail<Status>();
  return status != nullptr &&
         std::any_of(status->causes.begin(), status->causes.end(),
                     [reason](const StatusCause& cause) { return cause.reason == reason; });
}

}  // namespace klutch::kube
