// SPDX-License-Identifier: Apache-2.0
#include "local/supervisor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "async/readable.h"
#include "async/task_group.h"
#include "base/duration.h"
#include "base/os/file.h"
#include "base/os/paths.h"
#include "base/os/process.h"
#include "base/strings.h"

namespace klutch::local {
namespace {

constexpr Duration kKillPatience = std::chrono::seconds(5);

/// One program, ours or taken over: both are watched by a descriptor that becomes readable at the end.
class Watched {
 public:
  static Result<Watched> start(const Layout& layout, const Component& component) {
    TRY(os::make_directories(os::parent_path(layout.log_file(component.name))));
    TRY(os::make_directories(os::parent_path(layout.process_file(component.name))));
    const auto log = os::Redirect::file(layout.log_file(component.name));
    auto process =
        TRY(os::Process::spawn({.argv = component.argv, .out = log, .err = log, .own_group = true}));
    TRY(os::write_file_atomic(layout.process_file(component.name), os::to_string(process.id())));
    Watched watched;
    watched.ours_ = std::move(process);
    return watched;
  }
  static Watched adopt(os::ForeignProcess process) {
    Watched watched;
    watched.foreign_ = std::move(process);
    return watched;
  }

  [[nodiscard]] int pid() const { return ours_ ? ours_->id().pid : foreign_->id().pid; }
  [[nodiscard]] int event_fd() const { return ours_ ? ours_->event_fd() : foreign_->event_fd(); }
  [[nodiscard]] Result<bool> send(int signal) const {
    return ours_ ? ours_->send(signal) : foreign_->send(signal);
  }
  /// After it has ended.
  std::string describe_end() {
    if (!ours_) return "ended";
    const auto status = ours_->wait();
    return status ? status->describe() : "ended";
  }

 private:
  Watched() = default;
  std::optional<os::Process> ours_ = {};
  std::optional<os::ForeignProcess> foreign_ = {};
};

/// Asks it to end, waits, and insists.
Result<> end_watched(Ctx& ctx, const Watched& watched, Duration patience) {
  if (!TRY(watched.send(SIGTERM))) return {};
  auto limited = ctx.with_timeout(patience);
  if (async::wait_readable(limited, watched.event_fd())) return {};
  if (!TRY(watched.send(SIGKILL))) return {};
  auto last = ctx.with_timeout(kKillPatience);
  return async::wait_readable(last, watched.event_fd());
}

class Keeper {
 public:
  Keeper(const Layout& layout, const Component& component,
         const std::function<void(const SupervisorEvent&)>& tell, const SupervisorOptions& options)
      : layout_(layout), component_(component), tell_(tell), options_(options) {}

  Result<> run(Ctx& ctx) {
    Duration delay = options_.first_restart;
    while (true) {
      const Instant begun = ctx.now();
      auto watched = begin();
      std::string end;
      if (watched) {
        if (const auto waited = async::wait_readable(ctx, watched->event_fd()); !waited) {
          running_ = *std::move(watched);
          return waited;
        }
        end = watched->describe_end();
      } else {
        end = watched.error().message();
      }
      TRY(ctx.check());
      if (ctx.now() - begun >= options_.healthy_after) delay = options_.first_restart;
      tell({watched ? SupervisorEvent::Kind::kEnded : SupervisorEvent::Kind::kFailed,
            fmt::format("{}; starting it again in {}", end, format_duration(delay))});
      TRY(ctx.sleep(delay));
      delay = std::min(delay * 2, options_.last_restart);
    }
  }

  Result<> stop(Ctx& ctx) {
    if (!running_) return {};
    auto ended = end_watched(ctx, *running_, options_.stop_patience);
    running_->describe_end();  // takes the exit status, so that no zombie stays
    running_.reset();
    static_cast<void>(os::remove_file(layout_.process_file(component_.name)));
    return ended;
  }

 private:
  struct Note {
    SupervisorEvent::Kind kind;
    std::string text;
  };
  void tell(Note note) { tell_({note.kind, component_.name, std::move(note.text)}); }

  Result<Watched> begin() {
    if (const auto id = TRY(find_process(layout_, component_.name))) {
      if (auto process = TRY(os::ForeignProcess::adopt(*id))) {
        tell({SupervisorEvent::Kind::kAdopted, fmt::format("pid {}", id->pid)});
        return Watched::adopt(*std::move(process));
      }
    }
    auto watched = TRY(Watched::start(layout_, component_));
    tell({SupervisorEvent::Kind::kStarted, fmt::format("pid {}", watched.pid())});
    return watched;
  }

  const Layout& layout_;
  const Component& component_;
  const std::function<void(const SupervisorEvent&)>& tell_;
  const SupervisorOptions& options_;
  std::optional<Watched> running_ = {};
};

}  // namespace

Result<std::optional<os::ProcessId>> find_process(const Layout& layout, std::string_view program) {
  const std::string path = layout.process_file(program);
  if (!TRY(os::find_file(path))) return std::optional<os::ProcessId>();
  const auto text = TRY(os::read_file(path));
  const auto id = os::parse_process_id(trim(text));
  // A file that makes no sense names nobody.
  if (!id || !TRY(os::is_running(*id))) return std::optional<os::ProcessId>();
  return std::optional(*id);
}

Result<bool> stop_process(Ctx& ctx, const Layout& layout, std::string_view program, Duration patience) {
  const auto id = TRY(find_process(layout, program));
  if (!id) return false;
  auto process = TRY(os::ForeignProcess::adopt(*id));
  if (!process) return false;
  TRY(end_watched(ctx, Watched::adopt(*std::move(process)), patience));
  TRY(os::remove_file(layout.process_file(program)));
  return true;
}

Result<> supervise(Ctx& ctx, const Layout& layout, const std::vector<Component>& components,
                   std::function<void(const SupervisorEvent&)> tell, const SupervisorOptions& options) {
  TRY(os::make_directories(os::parent_path(layout.process_file(kSupervisor))));
  const auto lock = TRY(os::FileLock::try_acquire(layout.lock()));
  if (!lock) {
    const auto other = TRY(find_process(layout, kSupervisor));
    return fail(Code::kAlreadyExists, fmt::format("{} is supervised already{}", layout.path(),
                                                  other ? fmt::format(", by pid {}", other->pid) : ""));
  }
  const auto self = TRY(os::identify_process(::getpid()));
  TRY(os::write_file_atomic(layout.process_file(kSupervisor), os::to_string(self)));

  std::vector<std::unique_ptr<Keeper>> keepers;
  async::TaskGroup tasks(ctx, async::TaskGroup::OnError::kKeepGoing);
  for (const auto& component : components) {
    keepers.push_back(std::make_unique<Keeper>(layout, component, tell, options));
    tasks.spawn(component.name, [keeper = keepers.back().get()](Ctx& task) { return keeper->run(task); });
  }
  const auto ended = tasks.wait(ctx);
  auto steady =
      ctx.shielded((options.stop_patience + kKillPatience) * static_cast<int>(components.size() + 1));
  for (auto keeper = keepers.rbegin(); keeper != keepers.rend(); ++keeper) {
    static_cast<void>((*keeper)->stop(steady));
  }
  static_cast<void>(os::remove_file(layout.process_file(kSupervisor)));
  return ended;
}

}  // namespace klutch::local
