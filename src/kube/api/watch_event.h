// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/api/object.h"

// Watch events and the stream of JSON lines they come in. No I/O: bytes in, events out. Used by one fiber.

namespace klutch::kube {

enum class EventType { kAdded, kModified, kDeleted, kBookmark };
std::string_view to_string(EventType type) noexcept;

struct WatchEvent {
  EventType type = EventType::kAdded;
  Object object = {};

  /// Whether this is the bookmark that ends the initial events of a streaming list (KEP-3157).
  [[nodiscard]] bool ends_initial_events() const noexcept;
};

class WatchDecoder {
 public:
  /// A longer line is kTooLarge. An object may have 3 MiB in etcd by default, and more in JSON.
  static constexpr std::size_t kMaxLine = std::size_t{16} * 1024 * 1024;

  explicit WatchDecoder(std::size_t max_line = kMaxLine) : max_line_(max_line) {}

  /// Takes the next bytes of the stream, split anywhere.
  Result<> feed(std::string_view bytes);
  /// The next complete event, or nothing until more bytes come. An ERROR event is the Error its Status stands
  /// for (kGone for 410); a line that is no event is kInternal. After an error the decoder is of no more use.
  Result<std::optional<WatchEvent>> next();
  /// Whether bytes of an unfinished line are left: the stream was cut off.
  [[nodiscard]] bool has_partial_line() const noexcept { return unfinished_ != 0; }
  /// Bytes that the buffer holds on to. Little, once the lines that came have been taken.
  [[nodiscard]] std::size_t memory() const noexcept { return buffer_.capacity(); }

 private:
  void discard_taken();
  [[nodiscard]] tl::unexpected<Error> too_long() const;

  std::size_t max_line_;
  std::string buffer_;
  std::size_t start_ = 0;       // of the line that is next
  std::size_t scanned_ = 0;     // no newline from start_ to this
  std::size_t unfinished_ = 0;  // bytes that came after the last newline
};

}  // namespace klutch::kube
