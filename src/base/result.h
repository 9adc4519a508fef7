// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

#include "base/error.h"

// Result<T> is a T or an Error. Expected absence is Result<std::optional<T>>, not an error.
//
//   Result<Config> load(const Path& path) {
//     const auto text = TRY(read_file(path).map_error(context("cannot load the configuration")));
//     if (text.empty()) return fail(Code::kInvalid, path.string() + ": the file is empty");
//     return parse(text);
//   }

namespace klutch {

template <class T = void>
using Result = tl::expected<T, Error>;

/// An Error ready to be returned from any function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error(code, std::move(message)));
}
[[nodiscard]] inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

/// For Result::map_error: puts `what` in front of the message. `what` starts with "cannot ...".
[[nodiscard]] inline auto context(std::string what) {
  return [what = std::move(what)](const Error& error) { return error.with_context(what); };
}

namespace detail {
template <class T>
T take(tl::expected<T, Error>&& result) {
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}
}  // namespace detail

}  // namespace klutch

/// The value of a Result expression; on failure returns the Error from the enclosing function. May be nested.
#define TRY(...) KLUTCH_TRY_(KLUTCH_JOIN_(try_result_, __COUNTER__), __VA_ARGS__)

#define KLUTCH_JOIN_(left, right) KLUTCH_JOIN_TOKENS_(left, right)
#define KLUTCH_JOIN_TOKENS_(left, right) left##right
// Each use gets a variable name of its own, so that an inner TRY does not shadow the one around it.
#define KLUTCH_TRY_(result, ...)                                     \
  __extension__({                                                    \
    auto result = (__VA_ARGS__);                                     \
    if (!result) return ::tl::unexpected(std::move(result).error()); \
    ::klutch::detail::take(std::move(result));                       \
  })
