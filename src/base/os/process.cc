// SPDX-License-Identifier: Apache-2.0
#include "base/os/process.h"

#include <fcntl.h>
#include <linux/close_range.h>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/os/environment.h"
#include "base/os/errno_error.h"
#include "base/os/file.h"
#include "base/os/paths.h"
#include "base/os/pidfd.h"
#include "base/strings.h"

namespace klutch::os {
namespace {

constexpr int kStreams = 3;

/// Everything the child needs, made before fork: afterwards it may only call async-signal-safe functions,
/// because another thread may have held the allocator's lock.
struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* env = nullptr;
  const char* directory = nullptr;
  std::array<int, kStreams> streams{};
  int report = -1;
  pid_t parent = 0;
  bool own_group = false;
  bool die_with_parent = false;
};

/// What a child that could not start writes into the report pipe.
struct ChildFailure {
  int number;
  char step;  // 'd' directory, 'x' execute, 's' set-up
};

[[noreturn]] void give_up(const ChildPlan& plan, char step) noexcept {
  const ChildFailure failure{.number = errno, .step = step};
  [[maybe_unused]] const auto ignored = ::write(plan.report, &failure, sizeof failure);
  ::_exit(127);
}

void reset_signals() noexcept {
  struct sigaction fallback{};
  fallback.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &fallback, nullptr);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(const ChildPlan& plan) noexcept {
  if (plan.own_group) ::setpgid(0, 0);
  if (plan.die_with_parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up(plan, 's');
    // A parent that died before the line above sends nothing any more.
    if (::getppid() != plan.parent) ::_exit(127);
  }
  for (int stream = 0; stream < kStreams; ++stream) {
    if (::dup2(plan.streams[static_cast<std::size_t>(stream)], stream) < 0) give_up(plan, 's');
  }
  // Whatever a library opened without O_CLOEXEC. Too old a kernel for it leaves only our own care.
  ::close_range(kStreams, ~0U, CLOSE_RANGE_CLOEXEC);
  if (plan.directory != nullptr && ::chdir(plan.directory) != 0) give_up(plan, 'd');
  reset_signals();
  ::execve(plan.program, plan.argv, plan.env);
  give_up(plan, 'x');
}

/// The child's end of a stream, numbered 3 or higher, and ours if it is a pipe.
struct Stream {
  Descriptor child;
  Descriptor ours;
};

Result<Stream> open_stream(const Redirect& redirect, int number) {
  const bool input = number == STDIN_FILENO;
  switch (redirect.kind()) {
    case Redirect::Kind::kInherit: return Stream{TRY(duplicate(number)), {}};
    case Redirect::Kind::kDescriptor: return Stream{TRY(duplicate(redirect.fd())), {}};
    case Redirect::Kind::kPipe: {
      auto pipe = TRY(make_pipe());
      const auto& childs = input ? pipe.read_end : pipe.write_end;
      return Stream{TRY(duplicate(childs.get())), std::move(input ? pipe.write_end : pipe.read_end)};
    }
    case Redirect::Kind::kNull:
    case Redirect::Kind::kFile: break;
  }
  const bool null = redirect.kind() == Redirect::Kind::kNull;
  const std::string path = null ? "/dev/null" : redirect.path();
  const Descriptor file(input ? ::open(path.c_str(), O_RDONLY | O_CLOEXEC)
                              : ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, kOwnerOnly));
  if (!file.is_open()) return fail_errno("cannot open " + path);
  return Stream{TRY(duplicate(file.get())), {}};
}

std::vector<char*> c_array(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (auto& text : strings) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// No signal handler of ours may run in the child before its signals are reset.
class BlockedSignals {
 public:
  BlockedSignals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

pid_t fork_child(const ChildPlan& plan) {
  const BlockedSignals blocked;
  const pid_t pid = ::fork();
  if (pid == 0) run_child(plan);
  return pid;
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

/// Success once the child has executed its program, which closes the report pipe.
Result<> await_start(const Descriptor& report, const std::string& program, const Command& command) {
  const auto text =
      TRY(read_all(report.get(), sizeof(ChildFailure), "cannot learn whether " + program + " started"));
  if (text.empty()) return {};
  ChildFailure failure{.number = 0, .step = 's'};
  if (text.size() == sizeof failure) std::memcpy(&failure, text.data(), sizeof failure);
  if (failure.step == 'd') return fail(errno_error(failure.number, "cannot start in " + command.directory));
  return fail(errno_error(failure.number, "cannot start " + program));
}

Result<> check_command(const Command& command) {
  if (command.argv.empty()) return fail(Code::kInvalid, "a command needs a program");
  for (const auto& argument : command.argv) {
    if (argument.find('\0') != std::string::npos)
      return fail(Code::kInvalid, "an argument contains a NUL character");
  }
  for (const auto& variable : command.env.value_or(std::vector<std::string>{})) {
    if (variable.find('\0') != std::string::npos || variable.find('=') == std::string::npos) {
      return fail(Code::kInvalid, "an environment variable is not of the form NAME=value");
    }
  }
  return {};
}

ExitStatus from_wait(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {.code = info.si_status, .signal = 0};
  return {.code = 0, .signal = info.si_status};
}

}  // namespace

std::string ExitStatus::describe() const {
  if (signal == 0) return "exited with status " + std::to_string(code);
  const char* name = ::sigabbrev_np(signal);
  const std::string suffix = name != nullptr ? std::string(" (SIG") + name + ")" : "";
  return "killed by signal " + std::to_string(signal) + suffix;
}

Result<Process> Process::spawn(const Command& command) {
  TRY(check_command(command));
  const std::string program = TRY(find_program(command.argv.front()));
  std::vector<std::string> argv_text = command.argv;
  std::vector<std::string> env_text = command.env ? *command.env : environment();
  const auto argv = c_array(argv_text);
  const auto env = c_array(env_text);
  auto in = TRY(open_stream(command.in, STDIN_FILENO));
  auto out = TRY(open_stream(command.out, STDOUT_FILENO));
  auto err = TRY(open_stream(command.err, STDERR_FILENO));
  auto report = TRY(make_pipe());
  auto report_end = TRY(duplicate(report.write_end.get()));
  report.write_end.reset();

  const pid_t pid = fork_child({.program = program.c_str(),
                                .argv = argv.data(),
                                .env = env.data(),
                                .directory = command.directory.empty() ? nullptr : command.directory.c_str(),
                                .streams = {in.child.get(), out.child.get(), err.child.get()},
                                .report = report_end.get(),
                                .parent = ::getpid(),
                                .own_group = command.own_group,
                                .die_with_parent = command.die_with_parent});
  if (pid < 0) return fail_errno("cannot start " + program);
  if (command.own_group) ::setpgid(pid, pid);  // both sides, so that it is done whoever runs first
  report_end.reset();
  if (auto started = await_start(report.read_end, program, command); !started) {
    reap(pid);
    return fail(std::move(started).error());
  }
  // Until we wait for it the child keeps its pid, so neither call can meet another process.
  Descriptor handle(::pidfd_open(pid, 0));
  auto id = identify_process(pid);
  if (!handle.is_open() || !id) {
    const int number = errno;
    ::kill(pid, SIGKILL);
    reap(pid);
    return id ? fail(errno_error(number, "cannot watch " + program)) : fail(std::move(id).error());
  }
  Process process(*std::move(id), std::move(handle), command.own_group);
  process.in = std::move(in.ours);
  process.out = std::move(out.ours);
  process.err = std::move(err.ours);
  return process;
}

Result<ExitStatus> Process::wait() {
  while (!status_) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(id_.pid), &info, WEXITED) == 0) {
      status_ = from_wait(info);
    } else if (errno != EINTR) {
      return fail_errno("cannot wait for process " + std::to_string(id_.pid));
    }
  }
  return *status_;
}

Result<std::optional<ExitStatus>> Process::try_wait() {
  if (status_) return status_;
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(id_.pid), &info, WEXITED | WNOHANG) != 0) {
    return fail_errno("cannot wait for process " + std::to_string(id_.pid));
  }
  if (info.si_pid != 0) status_ = from_wait(info);
  return status_;
}

Result<bool> Process::send(int signal) const {
  if (::pidfd_send_signal(handle_.get(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  return fail_errno("cannot signal process " + std::to_string(id_.pid));
}

Result<bool> Process::send_group(int signal) const {
  if (!own_group_) return fail(Code::kInvalid, "the process has no group of its own");
  if (status_) return false;
  if (::kill(-id_.pid, signal) == 0) return true;
  if (errno == ESRCH) return false;
  return fail_errno("cannot signal process group " + std::to_string(id_.pid));
}

Result<bool> Process::terminate() const {
  return send(SIGTERM);
}

Result<bool> Process::kill() const {
  return send(SIGKILL);
}

}  // namespace klutch::os
