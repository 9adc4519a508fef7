// SPDX-License-Identifier: Apache-2.0
#include <cxxabi.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>

#include "async/core.h"
#include "base/check.h"

namespace klutch::async {
namespace {

/// What boost::context::fiber asks of a stack allocator.
struct PooledStack {
  StackPool* pool;
  char** end;
  boost::context::stack_context allocate() {
    const auto stack = pool->allocate();
    *end = pool->end_of(stack);
    return stack;
  }
  void deallocate(boost::context::stack_context& stack) noexcept { pool->deallocate(stack); }
};

/// The C++ run-time keeps the exceptions being handled in a per-thread stack; every fiber needs its own, or a
/// fiber that suspends inside a catch block would find another's. (Itanium C++ ABI §2.2.2: two words.)
class ExceptionState {
 public:
  ExceptionState() noexcept { std::memcpy(saved_, abi::__cxa_get_globals(), sizeof saved_); }
  ~ExceptionState() { std::memcpy(static_cast<void*>(abi::__cxa_get_globals()), saved_, sizeof saved_); }
  ExceptionState(const ExceptionState&) = delete;
  ExceptionState& operator=(const ExceptionState&) = delete;

 private:
  char saved_[2 * sizeof(void*)];
};

}  // namespace

Fiber::Fiber(Loop& owner, std::string fiber_name, CtxValues values, Body body, OnEnd on_end)
    : loop(owner),
      name(std::move(fiber_name)),
      values_(std::move(values)),
      body_(std::move(body)),
      on_end_(std::move(on_end)) {
  inside_ = boost::context::fiber(std::allocator_arg, PooledStack{&loop.core().stacks, &stack_end},
                                  [this](boost::context::fiber&& outside) {
                                    outside_ = std::move(outside);
                                    result_ = run_body();
                                    return std::move(outside_);
                                  });
}

Result<> Fiber::run_body() {
  Body body = std::move(body_);
  Ctx ctx(*this, Ctx::kNever, /*shielded=*/false, std::move(values_));
  try {
    return body(ctx);
  } catch (const std::exception& e) {
    return fail(Code::kInternal, "unexpected exception in task " + name + ": " + e.what());
  }
}

void Fiber::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  if (waiting != nullptr && !waiting->shielded_) waiting->abandon(Wake::kCancelled);
}

void Fiber::suspend() {
  const ExceptionState mine;
  outside_ = std::move(outside_).resume();
}

void Ctx::trim_stack() const noexcept {
#if !defined(KLUTCH_ASAN) && !defined(KLUTCH_TSAN)
  constexpr std::uintptr_t kPage = 4096;
  constexpr std::uintptr_t kOwnFrames = 1024;  // this function's and madvise's
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  auto* const end = fiber_.stack_end;
  const auto above = (here - kOwnFrames) / kPage * kPage;
  const auto bytes = above - reinterpret_cast<std::uintptr_t>(end);
  madvise(end, bytes, MADV_DONTNEED);
#endif
}

void Fiber::make_ready() {
  loop.core().ready.push_back(this);
}

void Loop::Core::resume(Fiber& fiber) {
  {
    const ExceptionState ours;
    fiber.inside_ = std::move(fiber.inside_).resume();
  }
  if (fiber.inside_) return;
  const std::unique_ptr<Fiber> ended(&fiber);
  --fibers;
  ended->on_end_(*ended, std::move(ended->result_));
}

Fiber& Loop::Core::spawn(std::string name, CtxValues values, Fiber::Body body, Fiber::OnEnd on_end) {
  auto fiber =
      std::make_unique<Fiber>(loop_, std::move(name), std::move(values), std::move(body), std::move(on_end));
  ready.push_back(fiber.get());
  ++fibers;
  return *fiber.release();  // owned by resume() from here on
}

}  // namespace klutch::async
