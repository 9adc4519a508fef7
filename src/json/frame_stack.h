// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <vector>

// The stack of a tree walk that must not recurse: the first 24 levels cost nothing, deeper ones go to the
// heap. Kubernetes objects are about 12 levels deep. Internal to src/json; one owner, not thread-safe; throws
// only std::bad_alloc.

namespace klutch::json::detail {

template <class Frame>
class FrameStack {
 public:
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  void push(const Frame& frame) {
    if (size_ < near_.size()) {
      near_[size_] = frame;
    } else {
      far_.push_back(frame);
    }
    ++size_;
  }
  void pop() noexcept {
    if (size_ > near_.size()) far_.pop_back();
    --size_;
  }
  /// Dies with the next push or pop.
  [[nodiscard]] Frame& top() noexcept { return size_ <= near_.size() ? near_[size_ - 1] : far_.back(); }

 private:
  std::array<Frame, 24> near_;
  std::vector<Frame> far_;
  std::size_t size_ = 0;
};

}  // namespace klutch::json::detail
