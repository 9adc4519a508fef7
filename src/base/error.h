// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

// The one error type of the project. An Error says what went wrong in words a user can act on, and carries a
// code that says what the *caller* should do. Messages never contain secrets. Errors are values: cheap to
// move, one pointer wide, immutable after construction, safe to hand to another thread.

namespace klutch {

/// What kind of failure it is. Named after the reasons of Kubernetes API errors where one exists.
enum class Code {
  kBadRequest,  ///< The request itself cannot be understood. Do not retry; correct the input.
  kInvalid,     ///< Understood, but a value is not allowed. Do not retry; correct the field that is named.
  kUnauthenticated,  ///< No or wrong credentials. Renew them once, then give up.
  kForbidden,        ///< Known, but not allowed. Do not retry; somebody must grant the right.
  kNotFound,         ///< It does not exist. Often a normal answer.
  kAlreadyExists,    ///< Something of that name exists. Read it and decide.
  kConflict,         ///< Changed meanwhile. Read again, then retry the whole transaction.
  kGone,  ///< The position (resource version, continue token) is too old. Start over from a fresh list.
  kPreconditionFailed,  ///< A precondition (UID, ETag) does not hold. Read again and decide.
  kTooLarge,            ///< A cap on size, depth or count was passed. Do not retry.
  kTooManyRequests,     ///< The peer asks to slow down. Retry after Error::retry_after().
  kUnavailable,         ///< The peer cannot be reached or is not ready. Retry with back-off.
  kTimeout,             ///< The deadline passed; the effect is unknown. Retry only what is idempotent.
  kCancelled,           ///< This work was told to stop. Unwind; never retry.
  kUnsupported,         ///< The peer or this build cannot do it. Do not retry.
  kInternal,            ///< A bug or a broken dependency. Retry with back-off, and log.
  kTerminal,            ///< Retrying cannot help until an input changes (controllers: do not requeue).
};

/// How a caller that may retry should go about it.
enum class Retry {
  kNever,        ///< The same call fails the same way again.
  kTransaction,  ///< Re-read the state, decide anew, then call again.
  kBackoff,      ///< The same call may succeed later; wait in between, longer each time.
};

/// Fixed facts about a code: one row of the table that maps codes to the outside world.
struct CodeTraits {
  std::string_view name;  ///< Kubernetes reason where one exists, for example "NotFound".
  int http_status;        ///< What a server answers.
  int exit_code;  ///< What a command-line tool exits with; 1 unless scripts profit from a distinction.
  Retry retry;
};

/// The row of the table for `code`.
const CodeTraits& traits(Code code) noexcept;

/// The code a client should see in an HTTP `status` without further information, such as 404 -> kNotFound.
/// Statuses below 400 and unknown ones give kInternal.
Code code_from_http_status(int status) noexcept;

/// Structured information of a higher layer riding on an Error, such as a Kubernetes Status. Immutable.
class ErrorDetail {
 public:
  virtual ~ErrorDetail() = default;
};

class [[nodiscard]] Error {
 public:
  Error(Code code, std::string message);

  [[nodiscard]] Code code() const noexcept;
  /// The whole text, outermost context first: "cannot read /etc/x: permission denied".
  [[nodiscard]] const std::string& message() const noexcept;
  /// How long the peer asked to wait, if it said so.
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept;
  /// The attached detail if it is a `Detail`, else null. Valid while this error or a copy of it lives.
  template <class Detail>
  [[nodiscard]] const Detail* detail() const noexcept {
    return dynamic_cast<const Detail*>(raw_detail());
  }

  /// The same error with `what` in front: Error(kNotFound, "no such file").with_context("cannot read x").
  [[nodiscard]] Error with_context(std::string_view what) const;
  [[nodiscard]] Error with_code(Code code) const;
  [[nodiscard]] Error with_retry_after(std::chrono::milliseconds delay) const;
  [[nodiscard]] Error with_detail(std::shared_ptr<const ErrorDetail> detail) const;

 private:
  struct State;
  explicit Error(State state);
  [[nodiscard]] const ErrorDetail* raw_detail() const noexcept;

  std::shared_ptr<const State> state_;
};

/// Whether `error` is of kind `code`: `if (is(r.error(), Code::kNotFound))`.
inline bool is(const Error& error, Code code) noexcept {
  return error.code() == code;
}

}  // namespace klutch
