// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/os/descriptor.h"
#include "base/os/process_id.h"
#include "base/result.h"

// Starting programs. Nothing goes through a shell, and a child gets exactly the three standard streams it was
// given: all other descriptors are closed, ignored signals are back to their defaults. A Process is move-only
// and used by one thread at a time. Destroying it neither kills nor waits; whoever starts a program waits for
// it.

namespace klutch::os {

/// Where a standard stream of a child comes from or goes to.
class Redirect {
 public:
  enum class Kind { kInherit, kNull, kPipe, kFile, kDescriptor };

  /// The stream of this program.
  static Redirect inherit() { return Redirect(Kind::kInherit); }
  /// /dev/null.
  static Redirect null() { return Redirect(Kind::kNull); }
  /// A pipe whose other end the Process keeps.
  static Redirect pipe() { return Redirect(Kind::kPipe); }
  /// A file: read for standard input; appended to, and made with mode 0600, for the others.
  static Redirect file(std::string path) { return Redirect(Kind::kFile, std::move(path)); }
  /// Any descriptor; borrowed, must stay open during Process::spawn.
  static Redirect descriptor(int fd) { return Redirect(Kind::kDescriptor, {}, fd); }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] int fd() const noexcept { return fd_; }

 private:
  explicit Redirect(Kind kind, std::string path = {}, int fd = -1)
      : kind_(kind), path_(std::move(path)), fd_(fd) {}
  Kind kind_;
  std::string path_;
  int fd_;
};

struct Command {
  /// The program and its arguments. A program without '/' is looked up with find_program.
  std::vector<std::string> argv = {};
  /// "NAME=value" each; this program's environment when not given.
  std::optional<std::vector<std::string>> env = std::nullopt;
  /// Where it starts; here when empty.
  std::string directory = {};
  Redirect in = Redirect::null();
  Redirect out = Redirect::inherit();
  Redirect err = Redirect::inherit();
  /// Its own process group: Ctrl-C does not reach it, and signal_group() reaches its children.
  bool own_group = false;
  /// Killed when the *thread* that started it ends (the kernel watches threads, not processes): only for
  /// threads that live as long as the program. Lost when the program is set-uid.
  bool die_with_parent = false;
};

/// How a program ended.
struct ExitStatus {
  int code = 0;    ///< What it returned; meaningless when a signal ended it.
  int signal = 0;  ///< The signal that ended it, 0 if none did.

  [[nodiscard]] bool success() const noexcept { return signal == 0 && code == 0; }
  /// "exited with status 3", "killed by signal 9 (SIGKILL)".
  [[nodiscard]] std::string describe() const;
};

class Process {
 public:
  /// Starts a program. When this returns it is running; a program that cannot be executed is an error here.
  static Result<Process> spawn(const Command& command);

  [[nodiscard]] const ProcessId& id() const noexcept { return id_; }
  /// Readable once the process has ended; for event loops.
  [[nodiscard]] int event_fd() const noexcept { return handle_.get(); }

  /// Our ends of the streams that were redirected to pipes; closing `in` is the child's end of file.
  Descriptor in;
  Descriptor out;
  Descriptor err;

  /// Waits for the end. Blocks without limit: for the blocking pool, or after event_fd() became readable.
  /// Calling it again gives the same answer.
  Result<ExitStatus> wait();
  /// The exit status when the process has ended, without waiting.
  Result<std::optional<ExitStatus>> try_wait();

  /// Sends a signal. False when the process has ended.
  [[nodiscard]] Result<bool> send(int signal) const;
  /// Sends a signal to all of its process group (Command::own_group). False once the process was waited for:
  /// its number may belong to others by then.
  [[nodiscard]] Result<bool> send_group(int signal) const;
  /// send(SIGTERM): please end.
  [[nodiscard]] Result<bool> terminate() const;
  /// send(SIGKILL): end now.
  [[nodiscard]] Result<bool> kill() const;

 private:
  Process(ProcessId id, Descriptor handle, bool own_group)
      : id_(std::move(id)), handle_(std::move(handle)), own_group_(own_group) {}
  ProcessId id_;
  Descriptor handle_;
  bool own_group_;
  std::optional<ExitStatus> status_;
};

}  // namespace klutch::os
