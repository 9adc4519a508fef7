// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

// The SHA-2 family (FIPS 180-4). Digests are raw bytes in a std::string; to_hex makes them readable. Hashing
// cannot fail: an OpenSSL without SHA-2 stops the process. The functions are safe from any thread, a Hasher
// belongs to one at a time.

namespace klutch::crypto {

enum class Hash {
  kSha256,  ///< 32 bytes; the choice when nothing else is asked for.
  kSha384,  ///< 48 bytes
  kSha512,  ///< 64 bytes
};

/// Length of a digest in bytes.
[[nodiscard]] constexpr std::size_t digest_size(Hash hash) noexcept {
  return hash == Hash::kSha256 ? 32 : hash == Hash::kSha384 ? 48 : 64;
}

[[nodiscard]] std::string digest(Hash hash, std::string_view bytes);
[[nodiscard]] inline std::string sha256(std::string_view bytes) {
  return digest(Hash::kSha256, bytes);
}

/// Lower-case hexadecimal, two characters per byte.
[[nodiscard]] std::string to_hex(std::string_view bytes);

/// Hashes data that comes in pieces: Hasher(Hash::kSha256).update(a).update(b).finish().
class Hasher {
 public:
  explicit Hasher(Hash hash);
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  Hasher& update(std::string_view bytes);
  /// The digest of everything so far; the Hasher starts anew afterwards.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::crypto
