// SPDX-License-Identifier: Apache-2.0
#include "async/signals.h"

#include <unistd.h>

#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "async/asio_bridge.h"
#include "async/task_group.h"

namespace klutch::async {

struct Signals::Impl {
  explicit Impl(Loop& loop) : set(loop.core().io) {}
  boost::asio::signal_set set;
};

Signals::Signals(Loop& loop, std::initializer_list<int> numbers) : impl_(std::make_unique<Impl>(loop)) {
  for (const int number : numbers) impl_->set.add(number);
}

Signals::~Signals() = default;

Result<int> Signals::wait(Ctx& ctx) {
  int number = 0;
  boost::system::error_code failure;
  Suspension suspension(ctx);
  impl_->set.async_wait([&](boost::system::error_code ec, int caught) {
    failure = ec;
    number = caught;
    suspension.wake();
  });
  const Wake wake = suspension.wait_for_completion(
      [](void* set) { static_cast<boost::asio::signal_set*>(set)->cancel(); }, &impl_->set);
  if (!failure) return number;
  TRY(to_result(wake, "a signal"));
  return fail(Code::kInternal, "cannot wait for signals: " + failure.message());
}

Result<> run_until_signalled(Ctx& ctx, UniqueFunction<Result<>(Ctx&)> body) {
  Signals signals(ctx.loop(), {SIGTERM, SIGINT});
  bool signalled = false;
  TaskGroup work(ctx);
  TaskGroup watch(ctx);
  watch.spawn("signals", [&](Ctx& task) -> Result<> {
    TRY(signals.wait(task));
    signalled = true;
    work.cancel();
    const int second = TRY(signals.wait(task));
    _exit(128 + second);
  });
  work.spawn("until signalled", std::move(body));
  auto result = work.wait(ctx);
  watch.stop(ctx);
  if (!result && signalled && is(result.error(), Code::kCancelled)) return {};
  return result;
}

}  // namespace klutch::async
