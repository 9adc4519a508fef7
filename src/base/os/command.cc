// SPDX-License-Identifier: Apache-2.0
#include "base/os/command.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>

#include "base/os/errno_error.h"

namespace klutch::os {
namespace {

/// Feeds and drains a running program until it has ended and its outputs are closed.
class Conversation {
 public:
  Conversation(Process& process, std::string_view input, const RunLimits& limits)
      : process_(process),
        input_(input),
        limits_(limits),
        deadline_(std::chrono::steady_clock::now() + limits.time) {}

  Result<RunResult> run() {
    // Non-blocking, so that one full pipe never keeps us from emptying another.
    if (process_.in.is_open()) ::fcntl(process_.in.get(), F_SETFL, O_NONBLOCK);
    if (input_.empty()) process_.in.reset();
    while (!ended_ || process_.out.is_open() || process_.err.is_open()) TRY(step());
    result_.status = TRY(process_.wait());
    return std::move(result_);
  }

 private:
  Result<> step() {
    std::array polled = {
        pollfd{.fd = process_.in.get(), .events = POLLOUT, .revents = 0},
        pollfd{.fd = process_.out.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = process_.err.get(), .events = POLLIN, .revents = 0},
        pollfd{.fd = ended_ ? -1 : process_.event_fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = limits_.stop_fd, .events = POLLIN, .revents = 0},
    };
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    if (left.count() <= 0) return fail(Code::kTimeout, "it did not end in time");
    const int timeout = static_cast<int>(std::min<std::int64_t>(left.count(), INT_MAX));
    if (::poll(polled.data(), polled.size(), timeout) < 0 && errno != EINTR)
      return fail_errno("cannot wait for it");
    if (polled[0].revents != 0) feed();
    if (polled[1].revents != 0) TRY(drain(process_.out, result_.out));
    if (polled[2].revents != 0) TRY(drain(process_.err, result_.err));
    if (polled[3].revents != 0) ended_ = true;
    if (polled[4].revents != 0) return fail(Code::kCancelled, "it was told to stop");
    return {};
  }

  void feed() {
    const ssize_t written = ::write(process_.in.get(), input_.data(), input_.size());
    if (written > 0) input_.remove_prefix(static_cast<std::size_t>(written));
    const bool refused =
        written < 0 && errno != EAGAIN && errno != EINTR;  // it does not want (all of) the input
    if (refused || input_.empty()) process_.in.reset();
  }

  Result<> drain(Descriptor& stream, std::string& collected) {
    std::array<char, 16 * 1024> buffer;
    const ssize_t count = ::read(stream.get(), buffer.data(), buffer.size());
    if (count < 0) {
      if (errno == EINTR || errno == EAGAIN) return {};
      return fail_errno("cannot read its output");
    }
    if (count == 0) stream.reset();
    if (collected.size() + static_cast<std::size_t>(count) > limits_.output_bytes) {
      return fail(Code::kTooLarge, "it printed more than " + std::to_string(limits_.output_bytes) + " bytes");
    }
    collected.append(buffer.data(), static_cast<std::size_t>(count));
    return {};
  }

  Process& process_;
  std::string_view input_;
  RunLimits limits_;
  Instant deadline_;
  RunResult result_;
  bool ended_ = false;
};

}  // namespace

Result<RunResult> run_command(Command command, std::string_view input, const RunLimits& limits) {
  if (command.in.kind() != Redirect::Kind::kInherit) command.in = Redirect::pipe();
  command.out = Redirect::pipe();
  if (command.err.kind() != Redirect::Kind::kInherit) command.err = Redirect::pipe();
  auto process = TRY(Process::spawn(command));
  auto result = Conversation(process, input, limits).run();
  if (!result) {
    if (command.own_group) {
      (void)process.send_group(SIGKILL);
    } else {
      (void)process.kill();
    }
    (void)process.wait();
  }
  return result.map_error(context("cannot run " + command.argv.front()));
}

}  // namespace klutch::os
