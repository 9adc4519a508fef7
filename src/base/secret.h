// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

// Text or bytes that must not leak: passwords, tokens, private keys. A Secret lives in one heap block of its
// own that is overwritten when it is destroyed or assigned to. It cannot be printed, logged or compared with
// ==, so that a leak needs the word `reveal` in the source. Moving passes the block on and leaves nothing
// behind; copying is allowed, and each copy wipes itself. Thread safety is that of std::string. Never fails.

namespace klutch {

class Secret {
 public:
  Secret() noexcept = default;
  /// Copies `plain`. Wiping the original stays the caller's duty.
  explicit Secret(std::string_view plain);
  Secret(const Secret& other) : Secret(other.reveal()) {}
  Secret(Secret&& other) noexcept;
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  /// Takes the contents of `plain` and wipes the memory that held them; `plain` is empty afterwards.
  [[nodiscard]] static Secret take(std::string& plain);

  /// The content. Valid until this Secret is changed or destroyed; do not keep it.
  [[nodiscard]] std::string_view reveal() const noexcept { return {bytes_.get(), size_}; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Overwrites and drops the content now.
  void wipe() noexcept;

  /// Compare with crypto::constant_time_equal: == stops at the first difference, which can be measured.
  friend bool operator==(const Secret&, const Secret&) = delete;
  template <class Stream>
  friend Stream& operator<<(Stream&, const Secret&) = delete;

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
};

/// Overwrites `size` bytes with zeros; unlike memset, no optimiser removes it.
void wipe_memory(void* memory, std::size_t size) noexcept;

/// Overwrites all the memory `text` owns, unused capacity included, and makes it empty.
void wipe_string(std::string& text) noexcept;

}  // namespace klutch
