// SPDX-License-Identifier: Apache-2.0
#include "crypto/compare.h"

#include <openssl/crypto.h>

namespace klutch::crypto {

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace klutch::crypto
