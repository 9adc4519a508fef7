// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Text the way Go's fmt, strconv and strings make and read it, because users of Kubernetes see that text in
// messages and results. Pure functions, safe from any thread.

namespace klutch::apiserver::cel {

/// %g and %v: as go_number() of apiserver/schema, with "NaN", "+Inf" and "-Inf".
std::string go_double_g(double number);
/// strconv 'f' with precision -1: shortest digits that read back, never an exponent.
std::string go_double_f(double number);
/// %.<precision>f
std::string go_double_fixed(double number, int precision);

/// strconv.ParseInt and ParseUint, base 10; nothing when Go gives an error.
std::optional<std::int64_t> go_parse_int(std::string_view text);
std::optional<std::uint64_t> go_parse_uint(std::string_view text);
/// strconv.ParseFloat; nothing when Go gives an error, as for 1e999.
std::optional<double> go_parse_double(std::string_view text);
/// strconv.ParseBool.
std::optional<bool> go_parse_bool(std::string_view text);

/// base64.URLEncoding.Decode, which skips line breaks and does not mind stray bits. kInvalid with Go's text.
Result<std::string> go_decode_base64_url(std::string_view text);

/// The code points of `text`; a byte that is not UTF-8 counts as U+FFFD, as when Go ranges over a string.
std::u32string decode_utf8(std::string_view text);
/// How many code points decode_utf8() would give.
std::size_t count_code_points(std::string_view text) noexcept;
void append_utf8(std::string& out, char32_t code_point);
/// The code point `text` (not empty) begins with and its length in bytes; U+FFFD and 1 for what is not UTF-8.
struct CodePoint {
  char32_t value;
  std::size_t length;
};
CodePoint first_code_point(std::string_view text) noexcept;

/// strings.SplitN: at most `limit` pieces, all when it is negative; an empty separator splits after each
/// character.
std::vector<std::string_view> go_split(std::string_view text, std::string_view separator, std::int64_t limit);
/// strings.Replace: the first `limit` occurrences, all when it is negative.
std::string go_replace(std::string_view text, std::string_view from, std::string_view to, std::int64_t limit);
/// strings.TrimSpace: Unicode white space.
std::string_view go_trim_space(std::string_view text);

}  // namespace klutch::apiserver::cel
