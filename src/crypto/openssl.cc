// SPDX-License-Identifier: Apache-2.0
#include "crypto/openssl.h"

#include <limits>

#include "base/check.h"

namespace klutch::crypto::openssl {

Bio read_bio(std::string_view bytes) {
  CHECK(bytes.size() < std::numeric_limits<int>::max());
  const char* begin = bytes.empty() ? "" : bytes.data();  // OpenSSL refuses a null pointer even for no bytes
  Bio bio(BIO_new_mem_buf(begin, static_cast<int>(bytes.size())));
  CHECK(bio != nullptr);
  return bio;
}

Bio write_bio() {
  Bio bio(BIO_new(BIO_s_secmem()));  // like BIO_s_mem, but cleansed when freed
  CHECK(bio != nullptr);
  return bio;
}

std::string content(const Bio& bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

std::string to_bytes(const BIGNUM* value, std::size_t width) {
  std::string bytes(width, '\0');
  CHECK(BN_bn2binpad(value, data(bytes), static_cast<int>(width)) >= 0);
  return bytes;
}

BigNum from_bytes(std::string_view bytes) {
  BigNum value(BN_bin2bn(data(bytes), static_cast<int>(bytes.size()), nullptr));
  CHECK(value != nullptr);
  return value;
}

std::string take_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "unknown" : reason;
}

int no_password(char*, int, int, void*) noexcept {
  return -1;
}

}  // namespace klutch::crypto::openssl
