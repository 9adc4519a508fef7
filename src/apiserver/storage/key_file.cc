// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/key_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/os/file.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "crypto/compare.h"
#include "crypto/random.h"

namespace klutch::apiserver {
namespace {

constexpr std::size_t kMaxKeyFile = 4096;
constexpr std::string_view kKeyFileHead =
    "# Seals the Secrets of this store. Without it they are lost; keep a copy in a safe place.\n";

Result<std::vector<Secret>> parse_keys(const Secret& text, const std::string& name) {
  std::vector<Secret> keys;
  int number = 0;
  for (const auto line : split(text.reveal(), '\n')) {
    ++number;
    const auto trimmed = trim(line);
    if (trimmed.empty() || trimmed.starts_with('#')) continue;
    auto decoded = crypto::base64_decode(trimmed);
    if (!decoded || decoded->size() != crypto::Keyring::kKeySize) {
      return fail(Code::kInvalid, fmt::format("{}: line {} is not a key of {} bytes in base64", name, number,
                                              crypto::Keyring::kKeySize));
    }
    keys.push_back(Secret::take(*decoded));
  }
  if (keys.empty()) return fail(Code::kInvalid, name + ": there is no key in it");
  return keys;
}

Secret print_keys(const std::vector<Secret>& keys) {
  std::string text;
  text.reserve(kMaxKeyFile);  // growing would leave copies behind
  text += kKeyFileHead;
  for (const auto& key : keys) {
    auto line = crypto::base64_encode(key.reveal());
    text += line;
    text += '\n';
    wipe_string(line);
  }
  return Secret::take(text);
}

}  // namespace

Result<crypto::Keyring> parse_key_text(const Secret& text, const std::string& name) {
  return crypto::Keyring::create(TRY(parse_keys(text, name))).map_error(context("cannot use " + name));
}

Result<std::optional<Secret>> load_key_text(const std::string& path) {
  if (!TRY(os::find_file(path))) return std::nullopt;
  TRY(os::require_private(path).map_error(context("cannot use the key file")));
  auto text = TRY(os::read_file(path, kMaxKeyFile).map_error(context("cannot use the key file")));
  return Secret::take(text);
}

Result<std::optional<crypto::Keyring>> load_key_file(const std::string& path) {
  const auto text = TRY(load_key_text(path));
  if (!text) return std::nullopt;
  return TRY(parse_key_text(*text, path));
}

Result<crypto::Keyring> make_key_file(const std::string& path) {
  if (TRY(os::find_file(path))) return fail(Code::kAlreadyExists, path + " exists already");
  const std::vector<Secret> keys = {crypto::random_key(crypto::Keyring::kKeySize)};
  TRY(os::write_file_atomic(path, print_keys(keys).reveal()).map_error(context("cannot make the key file")));
  return crypto::Keyring::create(keys);
}

Result<bool> add_to_key_file(const std::string& path, const Secret& text) {
  auto keys = TRY(parse_keys(text, "the keys to add"));
  const auto wanted = keys.size();
  const auto present_text = TRY(load_key_text(path));
  const auto present = present_text ? TRY(parse_keys(*present_text, path)) : std::vector<Secret>{};
  for (const auto& key : present) {
    const auto equals = [&](const Secret& other) { return crypto::constant_time_equal(key, other); };
    if (std::ranges::none_of(keys, equals)) keys.push_back(key);
  }
  const bool same_begin =
      present.size() == keys.size() &&
      std::equal(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(wanted), present.begin(),
                 [](const Secret& a, const Secret& b) { return crypto::constant_time_equal(a, b); });
  if (same_begin) return false;
  // Proves that they are not too many before the old file is gone.
  TRY(crypto::Keyring::create(keys));
  TRY(os::write_file_atomic(path, print_keys(keys).reveal()));
  return true;
}

}  // namespace klutch::apiserver
