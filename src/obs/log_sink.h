// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/os/descriptor.h"
#include "obs/log.h"

// Where log lines go. Sinks are safe from any thread.

namespace klutch::obs {

class LogSink {
 public:
  virtual ~LogSink() = default;
  /// Takes one line without its newline. False when it was dropped. Must return within a fraction of a
  /// second.
  virtual bool write(std::string_view line) noexcept = 0;
};

/// Writes to a descriptor. A reader that does not take a line within `patience` loses it, and from then on
/// lines are dropped at once until it reads again, so that a stuck reader costs the program one wait and no
/// more.
class DescriptorSink final : public LogSink {
 public:
  /// Borrows `fd`, for standard error.
  explicit DescriptorSink(int fd, Duration patience = kPatience) : fd_(fd), patience_(patience) {}
  explicit DescriptorSink(os::Descriptor file, Duration patience = kPatience)
      : file_(std::move(file)), fd_(file_.get()), patience_(patience) {}

  bool write(std::string_view line) noexcept override;

 private:
  static constexpr Duration kPatience = std::chrono::milliseconds(200);

  std::mutex mutex_;
  os::Descriptor file_;
  int fd_;
  Duration patience_;
  bool stuck_ = false;  // the last line did not go out
  bool torn_ = false;   // and part of it did, so that the next must begin with a newline
};

/// Keeps lines in memory, the oldest are forgotten beyond `capacity`. For tests.
class MemorySink final : public LogSink {
 public:
  explicit MemorySink(std::size_t capacity = 1000) : capacity_(capacity) {}
  bool write(std::string_view line) noexcept override;
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  mutable std::mutex mutex_;
  std::size_t capacity_;
  std::vector<std::string> lines_;
};

/// Sends all lines to `sink` from now on; null means standard error. Returns nothing to undo: tests use
/// ScopedLogSink.
void set_log_sink(std::shared_ptr<LogSink> sink, LogFormat format, bool colour = false);

/// Collects the program's lines in memory while it lives, then standard error, text and level info are back.
/// For tests.
class ScopedLogSink {
 public:
  explicit ScopedLogSink(std::string_view levels = "info", LogFormat format = LogFormat::kJson);
  ScopedLogSink(const ScopedLogSink&) = delete;
  ScopedLogSink& operator=(const ScopedLogSink&) = delete;
  ~ScopedLogSink();

  [[nodiscard]] std::vector<std::string> lines() const { return sink_->lines(); }

 private:
  std::shared_ptr<MemorySink> sink_;
};

}  // namespace klutch::obs
