// SPDX-License-Identifier: Apache-2.0
#include "async/ctx.h"

#include <algorithm>
#include <exception>
#include <string>

#include "async/core.h"
#include "async/suspension.h"
#include "base/check.h"

namespace klutch::async {

Ctx::Ctx(Fiber& fiber, Instant deadline, bool shielded, CtxValues values)
    : fiber_(fiber), deadline_(deadline), shielded_(shielded), values_(std::move(values)) {}

Loop& Ctx::loop() const noexcept {
  return fiber_.loop;
}
Instant Ctx::now() const {
  return fiber_.loop.core().now();
}

Duration Ctx::remaining() const {
  if (deadline_ == kNever) return Duration::max();
  return std::max<Duration>(Duration::zero(), deadline_ - now());
}

bool Ctx::cancelled() const noexcept {
  return !shielded_ && fiber_.cancelled();
}

Result<> Ctx::check() const {
  if (cancelled()) return fail(Code::kCancelled, "cancelled");
  if (deadline_ != kNever && deadline_ <= now()) return fail(Code::kTimeout, "the deadline has passed");
  return {};
}

Ctx Ctx::with_deadline(Instant deadline) const {
  return Ctx(fiber_, std::min(deadline_, deadline), shielded_, values_);
}

Ctx Ctx::with_timeout(Duration timeout) const {
  const Instant start = now();
  return with_deadline(timeout > kNever - start ? kNever : start + timeout);
}

Ctx Ctx::shielded(Duration grace) const {
  return Ctx(fiber_, now() + grace, /*shielded=*/true, values_);
}

Ctx Ctx::unbounded() const {
  return Ctx(fiber_, kNever, /*shielded=*/true, values_);
}

Ctx Ctx::with_node(const void* tag, std::shared_ptr<const void> value) const {
  return Ctx(fiber_, deadline_, shielded_,
             std::make_shared<const CtxNode>(CtxNode{tag, std::move(value), values_}));
}

const void* Ctx::find_node(const void* tag) const noexcept {
  for (const CtxNode* node = values_.get(); node != nullptr; node = node->next.get()) {
    if (node->tag == tag) return node->value.get();
  }
  return nullptr;
}

Result<> Ctx::sleep(Duration duration) {
  TRY(check());
  const Ctx until = with_timeout(duration);
  Suspension suspension(const_cast<Ctx&>(until));
  const Wake wake = suspension.wait();
  if (wake == Wake::kTimedOut && until.deadline_ != deadline_) return {};
  return to_result(wake, "a sleep to end");
}

void Ctx::yield() {
  fiber_.make_ready();
  fiber_.suspend();
}

Result<> Ctx::run_blocking(UniqueFunction<void()> work) {
  TRY(check());
  std::optional<std::string> exception;
  Suspension suspension(*this);
  fiber_.loop.core().run_blocking(
      [&] {
        try {
          work();
        } catch (const std::exception& e) {
          exception = e.what();
        }
      },
      [&] { suspension.wake(); });
  suspension.wait_for_completion(nullptr, nullptr);
  if (exception) return fail(Code::kInternal, "unexpected exception in a blocking call: " + *exception);
  return {};
}

}  // namespace klutch::async
