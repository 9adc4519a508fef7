// SPDX-License-Identifier: Apache-2.0
#include "local/operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "async/task_group.h"
#include "base/os/file.h"
#include "base/os/paths.h"
#include "base/os/process.h"
#include "local/probe.h"
#include "local/settings.h"
#include "local/supervisor.h"

namespace klutch::local {
namespace {

constexpr Duration kStopPatience = std::chrono::seconds(45);
constexpr std::size_t kLogTail = 2000;

/// Settings as they are with `options`, with a port for every program, stored.
Result<Settings> decide_settings(const Layout& layout, const UpOptions& options) {
  auto settings = TRY(read_settings(layout));
  if (options.app_cluster) settings.app_cluster = *options.app_cluster;
  if (options.advertise_host) settings.advertise_host = *options.advertise_host;
  TRY(choose_ports(settings, component_names(settings)));
  TRY(write_settings(layout, settings));
  return settings;
}

Result<std::vector<Component>> prepare(const Layout& layout, const UpOptions& options) {
  const auto settings = TRY(decide_settings(layout, options));
  for (const auto& name : component_names(settings)) {
    // What an earlier supervisor left behind has its port by right.
    if (!TRY(find_process(layout, name))) TRY(check_port(layout, settings, name));
  }
  return components_of(layout, settings, TRY(program_folder()));
}

/// Options that a running installation does not have.
Result<> check_unchanged(const Layout& layout, const UpOptions& options) {
  const auto settings = TRY(read_settings(layout));
  const bool same = options.app_cluster.value_or(settings.app_cluster) == settings.app_cluster &&
                    options.advertise_host.value_or(settings.advertise_host) == settings.advertise_host;
  if (same) return {};
  return fail(Code::kConflict,
              fmt::format("{} runs with other options: run `klutch down` first", layout.path()));
}

std::string log_tail(const Layout& layout, std::string_view program) {
  const auto text = os::read_file(layout.log_file(program)).value_or("");
  return text.size() <= kLogTail ? text : text.substr(text.find('\n', text.size() - kLogTail) + 1);
}

/// Waits for all, and says what kept one from being ready.
Result<> wait_all_ready(Ctx& ctx, const Layout& layout, const std::vector<Component>& components,
                        Duration patience, const Say& say) {
  auto limited = ctx.with_timeout(patience);
  for (const auto& component : components) {
    const auto ready = wait_ready(limited, component);
    if (ready) {
      say(fmt::format("{} is ready: {}", component.title, component.url));
      continue;
    }
    if (is(ready.error(), Code::kCancelled)) return ready;
    return fail(Code::kUnavailable,
                fmt::format("{} is not ready; the end of {}:\n{}", component.title,
                            layout.log_file(component.name), log_tail(layout, component.name)));
  }
  return {};
}

/// Waits until a supervisor has the folder: this one, or one that was faster.
Result<> wait_supervised(Ctx& ctx, const Layout& layout, os::Process& started, Duration patience) {
  auto limited = ctx.with_timeout(patience);
  while (!TRY(find_process(layout, kSupervisor))) {
    if (TRY(started.try_wait()) && !TRY(find_process(layout, kSupervisor))) {
      return fail(Code::kUnavailable,
                  fmt::format("the supervisor ended; the end of {}:\n{}", layout.log_file(kSupervisor),
                              log_tail(layout, kSupervisor)));
    }
    TRY(limited.sleep(std::chrono::milliseconds(5)).map_error(context("the supervisor does not start")));
  }
  return {};
}

void say_how_to_go_on(const Layout& layout, const Say& say) {
  say("");
  say(fmt::format("  eval \"$(klutch env --state {})\"", layout.path()));
  say("  kubectl --kubeconfig \"$KLUTCH_PROVIDER_KUBECONFIG\" get namespaces");
}

std::string describe(const SupervisorEvent& event) {
  using Kind = SupervisorEvent::Kind;
  switch (event.kind) {
    case Kind::kStarted: return fmt::format("{} started: {}", event.component, event.text);
    case Kind::kAdopted: return fmt::format("{} runs already: {}", event.component, event.text);
    case Kind::kEnded: return fmt::format("{} ended: {}", event.component, event.text);
    case Kind::kFailed: return fmt::format("{} cannot start: {}", event.component, event.text);
  }
  return {};
}

}  // namespace

Result<> up(Ctx& ctx, const Layout& layout, const UpOptions& options, const Say& say) {
  if (const auto other = TRY(find_process(layout, kSupervisor))) {
    return fail(Code::kAlreadyExists,
                fmt::format("{} is up already (pid {}): `klutch status` shows it, `klutch down` stops it",
                            layout.path(), other->pid));
  }
  const auto components = TRY(prepare(layout, options));
  async::TaskGroup tasks(ctx);
  tasks.spawn("supervise", [&](Ctx& task) {
    return supervise(task, layout, components, [&](const SupervisorEvent& event) { say(describe(event)); });
  });
  tasks.spawn("ready", [&](Ctx& task) -> Result<> {
    TRY(wait_all_ready(task, layout, components, options.patience, say));
    say_how_to_go_on(layout, say);
    return {};
  });
  return tasks.wait(ctx);
}

Result<> up_detached(Ctx& ctx, const Layout& layout, const UpOptions& options, const Say& say) {
  std::vector<Component> components;
  if (TRY(find_process(layout, kSupervisor))) {
    TRY(check_unchanged(layout, options));
    components = TRY(components_of(layout, TRY(read_settings(layout)), TRY(program_folder())));
  } else {
    components = TRY(prepare(layout, options));
    const std::string log = layout.log_file(kSupervisor);
    TRY(os::make_directories(os::parent_path(log)));
    os::Command command;
    command.argv = {TRY(os::executable_path()), "up", "--state", layout.path()};
    command.out = os::Redirect::file(log);
    command.err = os::Redirect::file(log);
    command.directory = "/";
    command.own_group = true;
    auto supervisor = TRY(os::Process::spawn(command));
    TRY(wait_supervised(ctx, layout, supervisor, options.patience));
  }
  TRY(wait_all_ready(ctx, layout, components, options.patience, say));
  say_how_to_go_on(layout, say);
  return {};
}

Result<std::vector<ComponentStatus>> status(Ctx& ctx, const Layout& layout) {
  const auto settings = TRY(read_settings(layout));
  if (settings.ports.empty()) {
    return fail(Code::kNotFound, fmt::format("there is nothing in {} yet: run `klutch up`", layout.path()));
  }
  std::vector<ComponentStatus> all;
  for (const auto& component : TRY(components_of(layout, settings, TRY(program_folder())))) {
    const auto process = TRY(find_process(layout, component.name));
    ComponentStatus one{.name = component.name, .state = "stopped", .url = component.url};
    if (process) {
      one.pid = process->pid;
      one.state = probe(ctx, component) ? "ready" : "starting";
    }
    all.push_back(std::move(one));
  }
  return all;
}

namespace {

/// For a POSIX shell: nothing in single quotes means anything.
std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace

Result<std::string> environment(const Layout& layout) {
  const auto settings = TRY(read_settings(layout));
  if (settings.ports.empty()) {
    return fail(Code::kNotFound, fmt::format("there is nothing in {} yet: run `klutch up`", layout.path()));
  }
  std::string text = fmt::format("export KLUTCH_STATE={}\n", shell_quoted(layout.path()));
  text += fmt::format("export KLUTCH_PROVIDER_KUBECONFIG={}\n", shell_quoted(layout.kubeconfig("provider")));
  if (settings.app_cluster) {
    text +=
        fmt::format("export KLUTCH_CONSUMER_KUBECONFIG={}\n", shell_quoted(layout.kubeconfig("consumer")));
  }
  return text;
}

Result<bool> down(Ctx& ctx, const Layout& layout, const Say& say) {
  bool stopped = TRY(stop_process(ctx, layout, kSupervisor, kStopPatience));
  // What a supervisor that was killed left behind.
  Settings all;
  all.app_cluster = true;
  for (const auto& name : component_names(all)) {
    if (TRY(stop_process(ctx, layout, name, kStopPatience))) {
      say(fmt::format("{} stopped", name));
      stopped = true;
    }
  }
  return stopped;
}

Result<> reset(Ctx& ctx, const Layout& layout, const Say& say) {
  if (!TRY(os::find_file(layout.path()))) return {};
  if (!TRY(os::find_file(layout.settings()))) {
    return fail(Code::kInvalid, fmt::format("{} is no state folder of klutch: it has no {}", layout.path(),
                                            os::base_name(layout.settings())));
  }
  TRY(down(ctx, layout, say));
  return os::remove_tree(layout.path());
}

}  // namespace klutch::local
