// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "async/core.h"

namespace klutch::async {
namespace {

#if defined(KLUTCH_ASAN) || defined(KLUTCH_TSAN)
constexpr bool kReuse = false;  // a sanitizer remembers what a stack looked like; a fresh mapping has no past
constexpr std::size_t kScale =
    4;  // and its frames are some times larger: what fits without it must fit with it
#else
constexpr bool kReuse = true;
constexpr std::size_t kScale = 1;
#endif

std::size_t page_bytes() {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

StackPool::StackPool(std::size_t bytes)
    : mapped_bytes_((bytes * kScale + page_bytes() - 1) / page_bytes() * page_bytes() + page_bytes()) {
  free_.reserve(kKept);
}

StackPool::~StackPool() {
  for (void* base : free_) munmap(base, mapped_bytes_);
}

boost::context::stack_context StackPool::allocate() {
  void* base = nullptr;
  if (!free_.empty()) {
    base = free_.back();
    free_.pop_back();
  } else {
    base = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) throw std::bad_alloc();
    if (mprotect(base, page_bytes(), PROT_NONE) != 0) {
      munmap(base, mapped_bytes_);
      throw std::bad_alloc();
    }
  }
  boost::context::stack_context stack;
  stack.size = mapped_bytes_;
  stack.sp = static_cast<char*>(base) + mapped_bytes_;
  return stack;
}

char* StackPool::end_of(const boost::context::stack_context& stack) const noexcept {
  return static_cast<char*>(stack.sp) - mapped_bytes_ + page_bytes();
}

void StackPool::deallocate(boost::context::stack_context& stack) noexcept {
  void* base = static_cast<char*>(stack.sp) - mapped_bytes_;
  if (kReuse && free_.size() < kKept) {
    free_.push_back(base);
  } else {
    munmap(base, mapped_bytes_);
  }
}

}  // namespace klutch::async
