// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

// Private to src/apiserver/schema.

namespace klutch::apiserver {

/// Whether `text` is one e-mail address (RFC 5322, with or without a display name, comments and group) as
/// Go's net/mail.ParseAddress reads it: what a field of format `email` may hold.
bool is_mail_address(std::string_view text);

}  // namespace klutch::apiserver
