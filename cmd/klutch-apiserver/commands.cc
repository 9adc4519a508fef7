// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "apiserver/server/api_server.h"
#include "apiserver/storage/maintenance.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "config_file.h"
#include "json/build.h"
#include "json/print.h"
#include "obs/build_info.h"
#include "obs/log.h"

namespace klutch::cli {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  klutch-apiserver --state DIR\n"
    "  kubectl --kubeconfig DIR/admin.kubeconfig get namespaces\n"
    "  klutch-apiserver backup --state DIR monday.db      also while it serves\n"
    "  klutch-apiserver restore --state DIR monday.db     while it does not\n"
    "Every option may stand in a YAML file that --config names: `listen: [0.0.0.0:6443]`.";

void add_serving_options(CLI::App& app, Invocation& invocation) {
  app.set_config("--config", "", "YAML file with options")->type_name("FILE");
  app.config_formatter(std::make_shared<YamlConfig>());
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_option("--listen", invocation.listen, "HOST:PORT, may be repeated; port 0 takes a free one")
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option(
         "--advertise-host", invocation.advertise_hosts,
         "name or address under which clients reach this server, may be repeated; renews its certificate")
      ->type_name("HOST");
  app.add_option("--token-auth-file", invocation.token_auth_file,
                 "CSV file of static tokens: token,user,uid[,\"group,group\"]")
      ->type_name("FILE");
  auto* audit_log =
      app.add_option("--audit-log", invocation.audit_log, "write who did what to this file, a JSON line each")
          ->type_name("FILE");
  app.add_option("--audit-policy", invocation.audit_policy,
                 "YAML file (audit.k8s.io/v1 Policy) that says which requests are written")
      ->type_name("FILE")
      ->needs(audit_log);
  app.add_option("--durability", invocation.durability,
                 "full: an acknowledged write survives a loss of power; relaxed: an end of the process alone")
      ->check(CLI::IsMember({"full", "relaxed"}))
      ->capture_default_str();
  app.add_flag("--ephemeral", invocation.ephemeral, "keep objects in memory only");
  app.add_option("--disable-controller", invocation.disabled_controllers,
                 "do not run this controller, may be repeated: namespace-contents, garbage-collector, ...")
      ->type_name("NAME");
  app.add_option("--log", invocation.log, "levels; http.access=info shows every request with its id")
      ->capture_default_str();
}

void add_state(CLI::App& app, Invocation& invocation) {
  app.add_option("--state", invocation.state, "folder with all that the server keeps; made when missing")
      ->type_name("DIR")
      ->capture_default_str();
}

void add_maintenance(CLI::App& app, Invocation& invocation) {
  const auto add = [&](const char* name, const char* text) {
    auto* command = app.add_subcommand(name, text);
    add_state(*command, invocation);
    command->add_flag("--json", invocation.json, "print the result as JSON");
    command->callback([&invocation, name] { invocation.command = name; });
    return command;
  };
  auto* backup = add("backup", "Copy the store into FILE, also while the server runs");
  backup->add_option("FILE", invocation.file, "the copy")->required();
  auto* with_key = backup->add_flag("--with-key", invocation.with_key,
                                    "put the key of Secrets into it, under a passphrase");
  backup
      ->add_option("--passphrase-file", invocation.passphrase_file,
                   "file with the passphrase; -: standard input")
      ->type_name("FILE")
      ->needs(with_key);
  backup->add_flag("--replace", invocation.replace, "replace FILE if it exists");
  auto* restore = add("restore", "Put a copy in the place of the store; the server must not run");
  restore->add_option("FILE", invocation.file, "the copy")->required();
  restore
      ->add_option("--passphrase-file", invocation.passphrase_file,
                   "file with the passphrase of the key in it; -: standard input")
      ->type_name("FILE");
  add("compact", "Give unused space back, also while the server runs");
  add("check", "Read the whole store and say what is wrong; exit code 1 if anything is");
}

Result<std::optional<Secret>> read_passphrase(const Invocation& invocation) {
  if (invocation.passphrase_file.empty()) {
    if (!invocation.with_key) return std::optional<Secret>();
    return fail(Code::kInvalid, "--with-key needs --passphrase-file");
  }
  const std::string path = invocation.passphrase_file == "-" ? "/dev/stdin" : invocation.passphrase_file;
  if (path != "/dev/stdin") TRY(os::require_private(path));
  const std::string text = TRY(os::read_file(path, 4096));
  return std::optional(Secret(std::string(trim(text))));
}

void print_result(const Invocation& invocation, const json::Value& summary, const std::string& text) {
  const std::string line = invocation.json ? json::print(summary) : text;
  std::printf("%s\n", line.c_str());
}

Result<int> run_backup(const Invocation& invocation, const apiserver::StoreFiles& files) {
  auto passphrase = TRY(read_passphrase(invocation));
  const auto done = TRY(apiserver::back_up_store(
      files,
      {.target = invocation.file, .passphrase = std::move(passphrase), .replace = invocation.replace}));
  print_result(invocation,
               json::object({{"revision", done.revision},
                             {"objects", done.objects},
                             {"sealed", done.sealed},
                             {"bytes", done.bytes},
                             {"withKey", done.with_keys}}),
               fmt::format("{}: {} objects up to revision {}, {} bytes{}", invocation.file, done.objects,
                           done.revision, done.bytes,
                           done.with_keys ? ", with the key" : ", without the key of its Secrets"));
  return 0;
}

Result<int> run_restore(const Invocation& invocation, const apiserver::StoreFiles& files) {
  auto passphrase = TRY(read_passphrase(invocation));
  const auto done =
      TRY(apiserver::restore_store(files, {.source = invocation.file, .passphrase = std::move(passphrase)}));
  print_result(invocation,
               json::object({{"revision", done.revision},
                             {"backupRevision", done.backup_revision},
                             {"objects", done.objects},
                             {"keysAdded", done.keys_added},
                             {"former", done.former}}),
               fmt::format("{} objects of revision {}; the store goes on at revision {}{}", done.objects,
                           done.backup_revision, done.revision,
                           done.former.empty() ? "" : "; what was there is now " + done.former));
  return 0;
}

Result<int> run_compact(const Invocation& invocation, const apiserver::StoreFiles& files) {
  const auto done = TRY(apiserver::compact_store(files));
  print_result(invocation,
               json::object({{"bytesBefore", done.bytes_before}, {"bytesAfter", done.bytes_after}}),
               fmt::format("{} bytes before, {} bytes now", done.bytes_before, done.bytes_after));
  return 0;
}

json::Value texts(const std::vector<std::string>& list) {
  json::Value all = json::Value::empty_array();
  for (const auto& each : list) all.push_back(each);
  return all;
}

Result<int> run_check(const Invocation& invocation, const apiserver::StoreFiles& files) {
  const auto report = TRY(apiserver::check_store(files));
  std::string text =
      fmt::format("{} objects, {} of them sealed, up to revision {}; {} bytes, {} of them unused",
                  report.objects, report.sealed, report.revision, report.bytes, report.unused_bytes);
  for (const auto& remark : report.remarks) text += "\nnote: " + remark;
  for (const auto& problem : report.problems) text += "\nwrong: " + problem;
  text += report.is_sound() ? "\nthe store is sound"
                            : fmt::format("\nthe store is damaged: {} problems", report.problem_count);
  print_result(invocation,
               json::object({{"sound", report.is_sound()},
                             {"objects", report.objects},
                             {"sealed", report.sealed},
                             {"revision", report.revision},
                             {"bytes", report.bytes},
                             {"unusedBytes", report.unused_bytes},
                             {"problems", texts(report.problems)},
                             {"remarks", texts(report.remarks)}}),
               text);
  return report.is_sound() ? 0 : 1;
}

Result<int> run_serve(Ctx& ctx, const Invocation& invocation) {
  TRY(obs::configure_logging({.levels = invocation.log}));
  apiserver::ApiServerOptions options;
  options.state = invocation.state;
  options.ephemeral = invocation.ephemeral;
  options.full_durability = invocation.durability == "full";
  options.advertise_hosts = invocation.advertise_hosts;
  options.disabled_controllers = invocation.disabled_controllers;
  options.audit_log = invocation.audit_log;
  options.audit_policy = invocation.audit_policy;
  options.token_auth_file = invocation.token_auth_file;
  options.listen.clear();
  for (const auto& text : invocation.listen) options.listen.push_back(TRY(http::Address::parse(text)));
  TRY(apiserver::run_api_server(ctx, options));
  return 0;
}

}  // namespace

std::optional<int> parse(int argc, char** argv, Invocation& invocation) {
  CLI::App app("A Kubernetes API server for one machine: durable, secure, one process, one folder.",
               "klutch-apiserver");
  app.footer(kFooter);
  app.set_version_flag("--version", "klutch-apiserver " + obs::describe_build());
  add_state(app, invocation);
  add_serving_options(app, invocation);
  add_maintenance(app, invocation);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ConfigError& error) {
    const std::string text = error.what();  // ends with the option's name
    std::fprintf(stderr, "klutch-apiserver: the configuration file has an option that there is not: %s\n",
                 text.substr(text.rfind(' ') + 1).c_str());
    return 2;
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  return std::nullopt;
}

Result<int> run(Ctx& ctx, const Invocation& invocation) {
  if (invocation.command == "serve") return run_serve(ctx, invocation);
  const apiserver::StoreFiles files{invocation.state};
  return ctx.blocking([&]() -> Result<int> {
    if (invocation.command == "backup") return run_backup(invocation, files);
    if (invocation.command == "restore") return run_restore(invocation, files);
    if (invocation.command == "compact") return run_compact(invocation, files);
    return run_check(invocation, files);
  });
}

}  // namespace klutch::cli
