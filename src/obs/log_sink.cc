// SPDX-License-Identifier: Apache-2.0
#include "obs/log_sink.h"

namespace klutch::obs {

bool DescriptorSink::write(std::string_view line) noexcept {
  const std::lock_guard lock(mutex_);
  // One write for the whole line, so that lines of several processes on one stream do not mix.
  std::string text;
  text.reserve(line.size() + 2);
  if (torn_) text += '\n';
  text.append(line).append("\n");
  const std::size_t written = os::write_within(fd_, text, stuck_ ? Duration::zero() : patience_);
  stuck_ = written < text.size();
  if (written > 0) torn_ = stuck_;
  return !stuck_;
}

bool MemorySink::write(std::string_view line) noexcept {
  const std::lock_guard lock(mutex_);
  if (lines_.size() == capacity_) lines_.erase(lines_.begin());
  lines_.emplace_back(line);
  return true;
}

std::vector<std::string> MemorySink::lines() const {
  const std::lock_guard lock(mutex_);
  return lines_;
}

}  // namespace klutch::obs
