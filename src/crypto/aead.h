// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

// Authenticated encryption with AES-256-GCM (NIST SP 800-38D) and keys that can be rotated. A keyring seals
// with its first key and opens with any of them: put a new key in front, re-seal at leisure, then drop the
// old one.
//
//   envelope = version 0x01 | key id, 4 bytes | nonce, 12 random bytes | ciphertext | tag, 16 bytes
//
// Everything before the ciphertext is authenticated together with the caller's associated data. The key id is
// derived from the key, so nobody has to number keys. Immutable and shared: copies are cheap, safe from any
// thread. Limits: random nonces are good for 2^32 messages per key (SP 800-38D §8.3); rotate long before. The
// length of the plaintext is visible.

namespace klutch::crypto {

class Keyring {
 public:
  static constexpr std::size_t kKeySize = 32;
  /// What an envelope adds to the plaintext, in bytes.
  static constexpr std::size_t kOverhead = 1 + 4 + 12 + 16;
  /// Longest plaintext, 64 MiB: sealing works in memory.
  static constexpr std::size_t kMaxPlaintext = std::size_t{64} << 20;
  static constexpr std::size_t kMaxKeys = 16;

  /// `keys`: the one that seals first, then older ones that may still open. Each has kKeySize random bytes.
  /// kInvalid when there is none, one has another size, one occurs twice, or there are more than kMaxKeys.
  [[nodiscard]] static Result<Keyring> create(const std::vector<Secret>& keys);

  /// The envelope of `plaintext`. `associated` is not part of it, but opening needs the same bytes: put in
  /// what the content belongs to, such as the name of a cookie or a row. kTooLarge above kMaxPlaintext.
  [[nodiscard]] Result<std::string> seal(std::string_view plaintext, std::string_view associated) const;

  /// The plaintext. kInvalid for all that this keyring did not seal with the same `associated`: cut, altered,
  /// another key, another use. It does not say which.
  [[nodiscard]] Result<Secret> open(std::string_view envelope, std::string_view associated) const;

  /// Whether `envelope` names another key than the one that seals now, so that it is time to seal it again.
  /// Looks at the header only and proves nothing; call it after open().
  [[nodiscard]] bool is_stale(std::string_view envelope) const;

 private:
  struct Key {
    std::string id;
    Secret bytes;
  };
  explicit Keyring(std::vector<Key> keys)
      : keys_(std::make_shared<const std::vector<Key>>(std::move(keys))) {}

  std::shared_ptr<const std::vector<Key>> keys_;
};

}  // namespace klutch::crypto
