// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include <limits>

#include "base/check.h"
#include "crypto/base64.h"
#include "crypto/openssl.h"

namespace klutch::crypto {

std::string random_bytes(std::size_t count) {
  CHECK(count < std::numeric_limits<int>::max());
  std::string bytes(count, '\0');
  CHECK(RAND_bytes(openssl::data(bytes), static_cast<int>(count)) == 1);
  return bytes;
}

Secret random_key(std::size_t count) {
  std::string bytes = random_bytes(count);
  return Secret::take(bytes);
}

std::string random_token(std::size_t bits) {
  return base64_encode(random_bytes((bits + 7) / 8), Base64::kUrlUnpadded);
}

}  // namespace klutch::crypto
