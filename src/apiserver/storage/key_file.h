// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "crypto/aead.h"

// The file with the keys that seal values in a store. It lies outside of the database, so that a copy of the
// database alone gives no Secret away. A text with one key per line, 32 bytes in base64; the first seals, all
// open: to rotate, put a new line in front. Lines that start with '#' are for people. Everything blocks on
// the disk; safe from any thread.

namespace klutch::apiserver {

/// Nothing if there is no file. kForbidden if others may read or change it, kInvalid, naming the line, if it
/// does not hold keys.
Result<std::optional<crypto::Keyring>> load_key_file(const std::string& path);
/// The same keys as the text of the file.
Result<std::optional<Secret>> load_key_text(const std::string& path);
/// The keys in such a text; `name` is for errors.
Result<crypto::Keyring> parse_key_text(const Secret& text, const std::string& name);

/// A new key in a new file, mode 0600, on the disk when this returns. kAlreadyExists if there is a file.
Result<crypto::Keyring> make_key_file(const std::string& path);

/// Puts the keys of `text` in front of those that the file has already, if any, so that what was sealed with
/// either opens. Whether that changed the file.
Result<bool> add_to_key_file(const std::string& path, const Secret& text);

}  // namespace klutch::apiserver
