// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "json/build.h"
#include "json/print.h"
#include "local/operations.h"
#include "obs/build_info.h"

namespace klutch::cli {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  klutch up --detach          a provider and a consumer cluster, ready to use\n"
    "  eval \"$(klutch env)\"        tell the shell where they are\n"
    "  kubectl --kubeconfig \"$KLUTCH_PROVIDER_KUBECONFIG\" get namespaces\n"
    "  klutch status\n"
    "  klutch down                 stop everything; the data stay\n"
    "  klutch reset                stop everything and remove the data";

void add_commands(CLI::App& app, Invocation& invocation) {
  const auto add = [&](const char* name, const char* text) {
    auto* command = app.add_subcommand(name, text);
    command
        ->add_option("--state", invocation.state, "state folder [$KLUTCH_STATE, else ~/.local/state/klutch]")
        ->type_name("DIR");
    command->callback([&invocation, name] { invocation.command = name; });
    return command;
  };
  auto* up = add("up", "Start everything and keep it running; Ctrl-C stops it");
  up->add_flag("--detach,-d", invocation.detach, "return as soon as everything is ready");
  auto* without = up->add_flag("--no-app-cluster", invocation.no_app_cluster, "the provider cluster alone");
  up->add_flag("--app-cluster", invocation.app_cluster, "the consumer cluster again, after --no-app-cluster")
      ->excludes(without);
  up->add_option("--advertise-host", invocation.advertise_host,
                 "name or address under which other machines reach this one; \"\" for this machine alone")
      ->type_name("HOST");
  add("status", "Show what runs; exit code 1 unless all of it is ready")
      ->add_option("-o,--output", invocation.output, "json: for programs")
      ->check(CLI::IsMember({"json"}));
  add("env", "Print shell commands that set KLUTCH_STATE and the kubeconfigs");
  add("down", "Stop everything; the data stay");
  add("reset", "Stop everything and remove the state folder")
      ->add_flag("--yes,-y", invocation.yes, "do not ask");
}

void say_line(std::string_view line) {
  std::fprintf(stdout, "%.*s\n", static_cast<int>(line.size()), line.data());
  std::fflush(stdout);
}

local::UpOptions up_options(const Invocation& invocation) {
  local::UpOptions options;
  if (invocation.no_app_cluster) options.app_cluster = false;
  if (invocation.app_cluster) options.app_cluster = true;
  options.advertise_host = invocation.advertise_host;
  return options;
}

void print_table(const std::vector<local::ComponentStatus>& all) {
  std::size_t width = 4;
  for (const auto& one : all) width = std::max(width, one.name.size());
  say_line(fmt::format("{:<{}}  {:<8}  {:>7}  {}", "NAME", width, "STATE", "PID", "URL"));
  for (const auto& one : all) {
    say_line(fmt::format("{:<{}}  {:<8}  {:>7}  {}", one.name, width, one.state,
                         one.pid == 0 ? "-" : std::to_string(one.pid), one.url));
  }
}

void print_json(const std::vector<local::ComponentStatus>& all) {
  json::Value list = json::Value::empty_array();
  for (const auto& one : all) {
    list.push_back(
        json::object({{"name", one.name}, {"state", one.state}, {"pid", one.pid}, {"url", one.url}}));
  }
  say_line(json::print_pretty(json::object({{"components", std::move(list)}}), 2));
}

Result<int> run_status(Ctx& ctx, const local::Layout& layout, const Invocation& invocation) {
  const auto all = TRY(local::status(ctx, layout));
  if (invocation.output == "json") {
    print_json(all);
  } else {
    print_table(all);
  }
  return std::ranges::all_of(all, [](const auto& one) { return one.state == "ready"; }) ? 0 : 1;
}

Result<> confirm_reset(const local::Layout& layout, const Invocation& invocation) {
  if (invocation.yes) return {};
  if (::isatty(STDIN_FILENO) == 0) {
    return fail(Code::kInvalid, "this removes all data in " + layout.path() + ": say --yes");
  }
  std::fprintf(stderr, "Remove %s with all data of both clusters? [y/N] ", layout.path().c_str());
  const int answer = std::getchar();
  if (answer == 'y' || answer == 'Y') return {};
  return fail(Code::kCancelled, "nothing was removed");
}

}  // namespace

std::optional<int> parse(int argc, char** argv, Invocation& invocation) {
  CLI::App app("Klutch on one machine: data services for Kubernetes clusters, ordered with kubectl.",
               "klutch");
  app.footer(kFooter);
  app.set_version_flag("--version", "klutch " + obs::describe_build());
  app.require_subcommand(1);
  add_commands(app, invocation);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return std::nullopt;
}

Result<int> run(Ctx& ctx, const Invocation& invocation) {
  const auto layout = TRY(local::Layout::find(invocation.state));
  if (invocation.command == "up") {
    const auto options = up_options(invocation);
    TRY(invocation.detach ? local::up_detached(ctx, layout, options, say_line)
                          : local::up(ctx, layout, options, say_line));
  } else if (invocation.command == "status") {
    return run_status(ctx, layout, invocation);
  } else if (invocation.command == "env") {
    const auto text = TRY(local::environment(layout));
    std::fputs(text.c_str(), stdout);
  } else if (invocation.command == "down") {
    if (!TRY(local::down(ctx, layout, say_line))) say_line("nothing was running");
  } else {
    TRY(confirm_reset(layout, invocation));
    TRY(local::reset(ctx, layout, say_line));
  }
  return 0;
}

}  // namespace klutch::cli
