// SPDX-License-Identifier: Apache-2.0
#include "base/os/errno_error.h"

#include <cerrno>
#include <system_error>

namespace klutch::os {
namespace {

Code code_from_errno(int number) {
  switch (number) {
    case ENOENT:
    case ESRCH:
    case ECHILD: return Code::kNotFound;
    case EACCES:
    case EPERM:
    case EROFS: return Code::kForbidden;
    case EEXIST:
    case ENOTEMPTY: return Code::kAlreadyExists;
    case EFBIG: return Code::kTooLarge;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
    case EBUSY:
    case ETXTBSY: return Code::kUnavailable;
    case ETIMEDOUT: return Code::kTimeout;
    case ENOSYS:
    case EOPNOTSUPP: return Code::kUnsupported;
    case EINVAL:
    case EISDIR:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case ENOEXEC:
    case E2BIG: return Code::kInvalid;
    default: return Code::kInternal;
  }
}

}  // namespace

Error errno_error(int number, std::string_view what) {
  return {code_from_errno(number), std::string(what) + ": " + std::generic_category().message(number)};
}

tl::unexpected<Error> fail_errno(std::string_view what) {
  return fail(errno_error(errno, what));
}

}  // namespace klutch::os
