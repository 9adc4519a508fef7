// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <array>
#include <utility>

#include "base/check.h"

namespace klutch {
namespace {

struct Row {
  Code code;
  CodeTraits traits;
};

constexpr std::array kRows = {
    Row{Code::kBadRequest, {"BadRequest", 400, 1, Retry::kNever}},
    Row{Code::kInvalid, {"Invalid", 422, 1, Retry::kNever}},
    Row{Code::kUnauthenticated, {"Unauthorized", 401, 1, Retry::kNever}},
    Row{Code::kForbidden, {"Forbidden", 403, 1, Retry::kNever}},
    Row{Code::kNotFound, {"NotFound", 404, 1, Retry::kNever}},
    Row{Code::kAlreadyExists, {"AlreadyExists", 409, 1, Retry::kNever}},
    Row{Code::kConflict, {"Conflict", 409, 1, Retry::kTransaction}},
    Row{Code::kGone, {"Expired", 410, 1, Retry::kTransaction}},
    Row{Code::kPreconditionFailed, {"PreconditionFailed", 412, 1, Retry::kTransaction}},
    Row{Code::kTooLarge, {"RequestEntityTooLarge", 413, 1, Retry::kNever}},
    Row{Code::kTooManyRequests, {"TooManyRequests", 429, 1, Retry::kBackoff}},
    Row{Code::kUnavailable, {"ServiceUnavailable", 503, 1, Retry::kBackoff}},
    Row{Code::kTimeout, {"Timeout", 504, 1, Retry::kBackoff}},
    Row{Code::kCancelled, {"Cancelled", 499, 130, Retry::kNever}},
    Row{Code::kUnsupported, {"NotImplemented", 501, 1, Retry::kNever}},
    Row{Code::kInternal, {"InternalError", 500, 1, Retry::kBackoff}},
    Row{Code::kTerminal, {"Terminal", 422, 1, Retry::kNever}},
};

}  // namespace

const CodeTraits& traits(Code code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  CHECK(index < kRows.size() && kRows[index].code == code);
  return kRows[index].traits;
}

Code code_from_http_status(int status) noexcept {
  switch (status) {
    case 400: return Code::kBadRequest;
    case 401: return Code::kUnauthenticated;
    case 403: return Code::kForbidden;
    case 404: return Code::kNotFound;
    case 405:
    case 406:
    case 415:
    case 501: return Code::kUnsupported;
    case 408:
    case 504: return Code::kTimeout;
    case 409: return Code::kConflict;
    case 410: return Code::kGone;
    case 412: return Code::kPreconditionFailed;
    case 413:
    case 414:
    case 431: return Code::kTooLarge;
    case 422: return Code::kInvalid;
    case 429: return Code::kTooManyRequests;
    case 499: return Code::kCancelled;
    case 502:
    case 503: return Code::kUnavailable;
    default: break;
  }
  return status >= 400 && status < 500 ? Code::kBadRequest : Code::kInternal;
}

struct Error::State {
  Code code;
  std::string message;
  std::optional<std::chrono::milliseconds> retry_after = {};
  std::shared_ptr<const ErrorDetail> detail = {};
};

Error::Error(Code code, std::string message) : Error(State{code, std::move(message)}) {}
Error::Error(State state) : state_(std::make_shared<const State>(std::move(state))) {}

Code Error::code() const noexcept {
  return state_->code;
}
const std::string& Error::message() const noexcept {
  return state_->message;
}
std::optional<std::chrono::milliseconds> Error::retry_after() const noexcept {
  return state_->retry_after;
}
const ErrorDetail* Error::raw_detail() const noexcept {
  return state_->detail.get();
}

Error Error::with_context(std::string_view what) const {
  State state = *state_;
  state.message = std::string(what).append(": ").append(state_->message);
  return Error(std::move(state));
}

Error Error::with_code(Code code) const {
  State state = *state_;
  state.code = code;
  return Error(std::move(state));
}

Error Error::with_retry_after(std::chrono::milliseconds delay) const {
  State state = *state_;
  state.retry_after = delay;
  return Error(std::move(state));
}

Error Error::with_detail(std::shared_ptr<const ErrorDetail> detail) const {
  State state = *state_;
  state.detail = std::move(detail);
  return Error(std::move(state));
}

}  // namespace klutch
