// SPDX-License-Identifier: Apache-2.0
#include "base/os/descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/os/errno_error.h"

namespace klutch::os {
namespace {

int milliseconds_until(Instant deadline) noexcept {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT_MAX));
}

/// Whether `fd` takes at least PIPE_BUF bytes now or becomes able to before the deadline.
bool wait_writable(int fd, Instant deadline) noexcept {
  while (true) {
    pollfd poller{.fd = fd, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&poller, 1, milliseconds_until(deadline));
    if (ready > 0) return (poller.revents & POLLOUT) != 0;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Descriptor::release() noexcept {
  return std::exchange(fd_, -1);
}

void Descriptor::reset() noexcept {
  // Never repeated after EINTR: Linux has released the number by then, and another thread may own it already.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<Pipe> make_pipe() {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<Descriptor> duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return fail_errno("cannot duplicate descriptor " + std::to_string(fd));
  return Descriptor(copy);
}

Result<> write_all(int fd, std::string_view data, std::string_view what) {
  while (!data.empty()) {
    const ssize_t written = ::write(fd, data.data(), data.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_errno(what);
    }
    data.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view what) {
  constexpr std::size_t kChunk = 64 * 1024;
  std::string content;
  while (true) {
    const std::size_t before = content.size();
    content.resize(before +
                   std::min(kChunk, max_bytes - before + 1));  // one byte more tells "full" from "too large"
    const ssize_t count = ::read(fd, content.data() + before, content.size() - before);
    const int number = errno;
    content.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return content;
    if (count < 0 && number != EINTR) return fail(errno_error(number, what));
    if (content.size() > max_bytes) {
      return fail(Code::kTooLarge,
                  std::string(what) + ": it has more than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

std::size_t write_within(int fd, std::string_view data, Duration patience) noexcept {
  const Instant deadline = std::chrono::steady_clock::now() + patience;
  const std::size_t whole = data.size();
  while (!data.empty() && wait_writable(fd, deadline)) {
    // A pipe that polls writable has room for PIPE_BUF bytes, so a write of at most that much does not block.
    const ssize_t written = ::write(fd, data.data(), std::min<std::size_t>(data.size(), PIPE_BUF));
    if (written < 0 && errno != EINTR && errno != EAGAIN) break;
    if (written > 0) data.remove_prefix(static_cast<std::size_t>(written));
  }
  return whole - data.size();
}

bool is_terminal(int fd) noexcept {
  return ::isatty(fd) == 1;
}

}  // namespace klutch::os
