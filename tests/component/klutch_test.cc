// SPDX-License-Identifier: Apache-2.0
// The program klutch as people use it: up, status, env, down, reset, and what happens when processes are
// killed.
#include <gtest/gtest.h>

#include <csignal>

#include "async/readable.h"
#include "base/os/command.h"
#include "base/os/file.h"
#include "base/os/process_id.h"
#include "json/parse.h"
#include "kube/client/client_config.h"
#include "kube/client/http_client.h"
#include "kube/client/kubeconfig.h"
#include "testing/fiber_test.h"

namespace klutch::testing {
namespace {

/// An installation of its own, taken down at the end.
class Installation {
 public:
  ~Installation() { run({"down"}); }

  os::RunResult run(std::vector<std::string> words, std::string_view input = {}) {
    os::Command command;
    command.argv = {KLUTCH_PROGRAM};
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.argv.insert(command.argv.end(), {"--state", folder()});
    command.err = os::Redirect::pipe();
    auto result = os::run_command(command, input);
    EXPECT_TRUE(result) << result.error().message();
    return result ? *std::move(result) : os::RunResult{};
  }
  [[nodiscard]] std::string folder() const { return folder_.path() + "/state"; }
  [[nodiscard]] std::optional<os::ProcessId> process(const std::string& program) const {
    const auto text = os::read_file(folder() + "/run/" + program);
    const auto id = text ? os::parse_process_id(*text) : Result<os::ProcessId>(fail(text.error()));
    if (!id || !os::is_running(*id).value_or(false)) return std::nullopt;
    return *id;
  }
  void kill(const std::string& program) const {
    const auto id = process(program);
    ASSERT_TRUE(id) << program;
    const auto held = os::ForeignProcess::adopt(*id);
    ASSERT_TRUE(held && *held);
    ASSERT_TRUE((*held)->send(SIGKILL));
    EXPECT_TRUE((*held)->wait_exit(std::chrono::seconds(10)).value_or(false));
  }
  json::Value status() {
    const auto result = run({"status", "-o", "json"});
    return json::parse(result.out).value_or(json::Value());
  }

 private:
  os::TempDir folder_ = *os::TempDir::create("klutch");
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Klutch, HelpAndVersionNeedNothing) {
  Installation here;
  const auto help = os::run_command({.argv = {KLUTCH_PROGRAM, "--help"}});
  ASSERT_TRUE(help);
  EXPECT_TRUE(help->status.success());
  EXPECT_TRUE(has(help->out, "klutch up --detach"));
  const auto mistake = os::run_command({.argv = {KLUTCH_PROGRAM, "upp"}, .err = os::Redirect::pipe()});
  ASSERT_TRUE(mistake);
  EXPECT_EQ(mistake->status.code, 2);
  EXPECT_FALSE(here.run({"env"}).status.success());
  EXPECT_TRUE(has(here.run({"status"}).err, "klutch up"));
}

TEST(Klutch, BringsBothClustersUpAndDown) {
  Installation here;
  const auto up = here.run({"up", "--detach"});
  ASSERT_TRUE(up.status.success()) << up.err;
  EXPECT_TRUE(has(up.out, "provider cluster is ready: https://127.0.0.1:"));
  EXPECT_TRUE(has(up.out, "consumer cluster is ready: https://127.0.0.1:"));
  const auto status = here.run({"status"});
  EXPECT_TRUE(status.status.success()) << status.out;
  const auto env = here.run({"env"}).out;
  EXPECT_TRUE(has(env, "export KLUTCH_STATE='" + here.folder() + "'"));
  EXPECT_TRUE(
      has(env, "export KLUTCH_CONSUMER_KUBECONFIG='" + here.folder() + "/consumer/admin.kubeconfig'"));

  // Again: nothing happens to what runs.
  const auto before = here.process("provider-apiserver");
  EXPECT_TRUE(here.run({"up", "--detach"}).status.success());
  EXPECT_EQ(here.process("provider-apiserver"), before);
  EXPECT_TRUE(has(here.run({"up", "--detach", "--no-app-cluster"}).err, "klutch down"));

  EXPECT_TRUE(here.run({"down"}).status.success());
  EXPECT_FALSE(here.process("provider-apiserver"));
  EXPECT_FALSE(here.process("supervisor"));
  EXPECT_EQ(here.run({"status"}).status.code, 1);
  EXPECT_TRUE(has(here.run({"down"}).out, "nothing was running"));
}

TEST(Klutch, WhatAKilledSupervisorLeftIsTakenOverNotDoubled) {
  Installation here;
  ASSERT_TRUE(here.run({"up", "--detach", "--no-app-cluster"}).status.success());
  const auto server = here.process("provider-apiserver");
  here.kill("supervisor");
  EXPECT_EQ(here.process("provider-apiserver"), server);
  const auto again = here.run({"up", "--detach"});
  ASSERT_TRUE(again.status.success()) << again.err;
  EXPECT_EQ(here.process("provider-apiserver"), server);
  EXPECT_TRUE(here.process("supervisor"));
}

IO_FIBER_TEST(Klutch, AKilledServerComesBackWithItsDataOnItsPort) {
  Installation here;
  ASSERT_TRUE(here.run({"up", "--detach", "--no-app-cluster"}).status.success());
  const auto kubeconfig = os::read_file(here.folder() + "/provider/admin.kubeconfig").value();
  const auto config = kube::resolve(kube::Kubeconfig::parse(kubeconfig).value()).value();
  const auto client = kube::HttpClient::make(ctx, config).value();
  const kube::ResourceType maps{"", "v1", "configmaps", "ConfigMap"};
  const auto made =
      client->create(ctx, maps, json::parse(R"({"metadata":{"name":"a","namespace":"default"}})").value());
  ASSERT_TRUE(made) << made.error().message();
  here.kill("provider-apiserver");
  bool back = false;
  for (int i = 0; i < 500 && !back; ++i) {
    back = client->get(ctx, maps, {"default", "a"}).has_value();
    ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(20)));
  }
  EXPECT_TRUE(back);
}

TEST(Klutch, AnAdvertisedHostIsInTheCertificateAndTheKubeconfig) {
  Installation here;
  ASSERT_TRUE(here.run({"up", "--detach", "--no-app-cluster"}).status.success());
  ASSERT_TRUE(here.run({"down"}).status.success());
  const auto up = here.run({"up", "--detach", "--advertise-host", "localhost"});
  ASSERT_TRUE(up.status.success()) << up.err;
  EXPECT_TRUE(has(up.out, "https://localhost:"));
  EXPECT_TRUE(
      has(os::read_file(here.folder() + "/provider/admin.kubeconfig").value(), "server: https://localhost:"));
}

TEST(Klutch, ResetRemovesItsFolderAndNoOther) {
  Installation here;
  ASSERT_TRUE(here.run({"up", "--detach", "--no-app-cluster"}).status.success());
  const auto unasked = here.run({"reset"});
  EXPECT_FALSE(unasked.status.success());
  EXPECT_TRUE(has(unasked.err, "--yes")) << unasked.err;
  EXPECT_TRUE(here.run({"reset", "--yes"}).status.success());
  EXPECT_FALSE(os::find_file(here.folder()).value());
  ASSERT_TRUE(os::make_directories(here.folder() + "/precious"));
  EXPECT_FALSE(here.run({"reset", "--yes"}).status.success());
  EXPECT_TRUE(os::find_file(here.folder() + "/precious").value());
}

}  // namespace
}  // namespace klutch::testing
