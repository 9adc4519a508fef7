// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

// An open file, pipe or the like, closed when its owner dies. Move-only; not for use from two threads at
// once. Every descriptor made here is closed on exec. Interrupted calls are repeated.

namespace klutch::os {

class Descriptor {
 public:
  Descriptor() noexcept = default;
  /// Takes ownership of `fd`; -1 means none.
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }
  /// Gives the number away; the caller closes it.
  [[nodiscard]] int release() noexcept;
  void reset() noexcept;

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read_end;
  Descriptor write_end;
};

/// A new pipe, both ends blocking and closed on exec.
Result<Pipe> make_pipe();

/// A second descriptor for the same open file, numbered 3 or higher so that it never is a standard stream.
Result<Descriptor> duplicate(int fd);

/// Writes everything; `what` is the context of an error ("cannot write /x").
Result<> write_all(int fd, std::string_view data, std::string_view what);

/// Reads to the end of file, but at most `max_bytes`: kTooLarge when there is more.
Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view what);

/// Writes to a stream whose reader may have stopped reading, waiting at most `patience` in all. Returns how
/// many bytes went out; fewer than all mean that the patience ran out or the stream is broken. Meant for
/// logs.
std::size_t write_within(int fd, std::string_view data, Duration patience) noexcept;

/// Whether `fd` is a terminal.
bool is_terminal(int fd) noexcept;

}  // namespace klutch::os
