// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <string.h>  // explicit_bzero is POSIX-ish, not in <cstring>

#include <utility>

namespace klutch {

Secret::Secret(std::string_view plain)
    : bytes_(plain.empty() ? nullptr : new char[plain.size()]), size_(plain.size()) {
  plain.copy(bytes_.get(), plain.size());
}

Secret::Secret(Secret&& other) noexcept
    : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(const Secret& other) {
  return *this = Secret(other);  // the temporary first: self-assignment must not wipe the source
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret Secret::take(std::string& plain) {
  Secret secret(plain);
  wipe_string(plain);
  return secret;
}

void Secret::wipe() noexcept {
  wipe_memory(bytes_.get(), size_);
  bytes_.reset();
  size_ = 0;
}

void wipe_memory(void* memory, std::size_t size) noexcept {
  if (size > 0) explicit_bzero(memory, size);
}

void wipe_string(std::string& text) noexcept {
  text.resize(text.capacity());  // within capacity: does not move to another block
  wipe_memory(text.data(), text.size());
  text.clear();
}

}  // namespace klutch
