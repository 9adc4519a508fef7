// SPDX-License-Identifier: Apache-2.0
#include "kube/client/exec_credentials.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include "async/task_group.h"
#include "base/os/environment.h"
#include "base/time.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"
#include "kube/client/client_testing.h"
#include "testing/fiber_test.h"

namespace klutch::kube {
namespace {

using testing::TestScript;
using Interactive = ExecPlugin::Interactive;

const std::string kV1 = "client.authentication.k8s.io/v1";
const std::string kV1Beta1 = "client.authentication.k8s.io/v1beta1";

ClientConfig config_for(const std::string& command) {
  ClientConfig config{.server = http::Url::parse("https://api.example:6443").value()};
  config.credentials.label = "user \"alice\" of /f";
  config.credentials.exec =
      ExecPlugin{.api_version = kV1, .command = command, .interactive = Interactive::kNever};
  return config;
}

std::string credential(json::Value status, const std::string& version = kV1) {
  return json::print(
      json::object({{"kind", "ExecCredential"}, {"apiVersion", version}, {"status", std::move(status)}}));
}

std::string printing(const std::string& text) {
  return "cat <<'END'\n" + text + "\nEND";
}

std::string counting(const std::string& text) {
  return "echo . >> \"$0.runs\"\n" + printing(text);
}

TEST(ParseExecCredential, ReadsATokenWithItsEnd) {
  const auto read = parse_exec_credential(
      credential(json::object({{"token", "t0ken"}, {"expirationTimestamp", "2030-01-02T03:04:05Z"}})), kV1,
      "it");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->authorization->reveal(), "Bearer t0ken");
  EXPECT_EQ(format_rfc3339(read->expires.value()), "2030-01-02T03:04:05Z");
  EXPECT_EQ(read->identity, nullptr);
  EXPECT_FALSE(parse_exec_credential(credential(json::object({{"token", "t"}})), kV1, "it")->expires);
}

TEST(ParseExecCredential, ReadsACertificateWhoseEndCounts) {
  const auto pair = test::TestPki().client("alice");
  const auto read =
      parse_exec_credential(credential(json::object({{"clientCertificateData", pair.certificate_chain},
                                                     {"clientKeyData", pair.private_key.reveal()},
                                                     {"expirationTimestamp", "2200-01-01T00:00:00Z"}}),
                                       kV1Beta1),
                            kV1Beta1, "it");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->authorization, nullptr);
  EXPECT_EQ(read->identity->certificate_chain, pair.certificate_chain);
  EXPECT_LT(read->expires.value(), parse_rfc3339("2200-01-01T00:00:00Z").value());
}

TEST(ParseExecCredential, RefusesEverythingElseWithoutRepeatingIt) {
  const auto pair = test::TestPki().client("alice");
  struct Case {
    std::string text;
    std::string_view named;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"", "nothing", "no output"},
      {"hunter2", "not JSON", "garbage"},
      {"{\"token\": hunter2}", "not JSON", "broken JSON"},
      {"[]", "kind", "no object"},
      {"{\"kind\":\"Pod\"}", "Pod", "another kind"},
      {credential(json::object({{"token", "hunter2"}}), kV1Beta1), "v1beta1", "another version"},
      {credential(nullptr), "without a status", "no status"},
      {credential(json::object()), "neither", "an empty status"},
      {credential(json::object({{"token", "hun\nter2"}})), "characters", "no token"},
      {credential(json::object({{"token", "hunter2"}, {"expirationTimestamp", "soon"}})),
       "expirationTimestamp", "no time"},
      {credential(json::object({{"clientCertificateData", pair.certificate_chain}})), "without its key",
       "half a pair"},
      {credential(json::object({{"clientKeyData", "hunter2"}})), "a key alone", "the other half"},
      {credential(json::object({{"clientCertificateData", "x"}, {"clientKeyData", "hunter2"}})), "PEM",
       "no PEM"},
  };
  for (const auto& [text, named, reason] : cases) {
    const auto read = parse_exec_credential(text, kV1, "it");
    ASSERT_FALSE(read) << reason;
    EXPECT_EQ(read.error().code(), Code::kInvalid) << reason;
    EXPECT_NE(read.error().message().find(named), std::string::npos) << reason << read.error().message();
    EXPECT_EQ(read.error().message().find("hunter2"), std::string::npos) << read.error().message();
  }
}

TEST(ExecInfo, TellsOfTheClusterOnlyWhereAskedTo) {
  auto config = config_for("x");
  const auto info = [&] { return json::parse(exec_info(config, "PEM", true)).value(); };
  EXPECT_EQ(info(), json::object({{"kind", "ExecCredential"},
                                  {"apiVersion", kV1},
                                  {"spec", json::object({{"interactive", true}})}}));
  config.credentials.exec->provide_cluster_info = true;
  config.tls_server_name = "kubernetes";
  config.proxy_url = "http://proxy";
  config.exec_config = json::object({{"audience", "a"}});
  EXPECT_EQ(*info().find("spec")->find("cluster"),
            json::object({{"server", "https://api.example:6443"},
                          {"tls-server-name", "kubernetes"},
                          {"certificate-authority-data", crypto::base64_encode("PEM")},
                          {"proxy-url", "http://proxy"},
                          {"config", json::object({{"audience", "a"}})}}));
}

IO_FIBER_TEST(ExecCredentials, RunsThePluginWithArgumentsAndEnvironment) {
  const TestScript script(
      "printf '%s|' \"$1\" \"$2\" \"$REGION\" \"$KEPT\" > \"$0.seen\"\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" "
      "> "
      "\"$0.info\"\n" +
      printing(credential(json::object({{"token", "t"}}))));
  const os::ScopedEnv kept("KEPT", "yes");
  const os::ScopedEnv region("REGION", "us");
  auto config = config_for(script.path());
  auto& plugin = *config.credentials.exec;
  plugin.args = {"get token", "$HOME"};
  plugin.env = {{"REGION", "eu"}};
  plugin.provide_cluster_info = true;
  config.authorities_file = script.file("ca.pem");
  ASSERT_TRUE(os::write_file_atomic(config.authorities_file, "PEM"));
  ExecCredentials credentials(config, {});
  const auto got = credentials.get(ctx);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ((*got)->authorization->reveal(), "Bearer t");
  EXPECT_EQ(script.read("plugin.seen"), "get token|$HOME|eu|yes|");
  const auto info = json::parse(script.read("plugin.info")).value();
  EXPECT_EQ(info.find("spec")->find("cluster")->find_string("certificate-authority-data"),
            crypto::base64_encode("PEM"));
  EXPECT_EQ(info.find("spec")->find_bool("interactive"), false);
}

IO_FIBER_TEST(ExecCredentials, ManyFibersShareOneRun) {
  const TestScript script("echo . >> \"$0.runs\"\nsleep 0.1\n" +
                          printing(credential(json::object({{"token", "t"}}))));
  ExecCredentials credentials(config_for(script.path()), {});
  int served = 0;
  ASSERT_TRUE(async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    for (int i = 0; i < 50; ++i) {
      tasks.spawn("asker", [&](Ctx& task) -> Result<> {
        TRY(credentials.get(task));
        ++served;
        return {};
      });
    }
    return {};
  }));
  EXPECT_EQ(served, 50);
  EXPECT_EQ(credentials.runs(), 1U);
  EXPECT_EQ(script.read("plugin.runs"), ".\n");
}

IO_FIBER_TEST(ExecCredentials, OneThatGivesUpLeavesTheRunToTheOthers) {
  const TestScript script("sleep 0.3\n" + printing(credential(json::object({{"token", "t"}}))));
  ExecCredentials credentials(config_for(script.path()), {});
  Code hasty = Code::kInternal;
  bool patient = false;
  ASSERT_TRUE(async::with_tasks(ctx, [&](async::TaskGroup& tasks) -> Result<> {
    tasks.spawn("hasty", [&](Ctx& task) -> Result<> {
      auto limited = task.with_timeout(std::chrono::milliseconds(50));
      hasty = credentials.get(limited).error().code();
      return {};
    });
    tasks.spawn("patient", [&](Ctx& task) -> Result<> {
      patient = credentials.get(task).has_value();
      return {};
    });
    return {};
  }));
  EXPECT_EQ(hasty, Code::kTimeout);
  EXPECT_TRUE(patient);
  EXPECT_EQ(credentials.runs(), 2U) << "the first was ended with its fiber";
}

IO_FIBER_TEST(ExecCredentials, RunsAgainShortlyBeforeTheEnd) {
  const Time start = parse_rfc3339("2030-01-01T00:00:00Z").value();
  ManualClock clock(start);
  const auto until = [](std::string_view end) {
    return counting(credential(json::object({{"token", "t"}, {"expirationTimestamp", end}})));
  };
  TestScript script(until("2030-01-01T01:00:00Z"));
  ExecCredentials credentials(config_for(script.path()), {.clock = &clock});
  const auto first = credentials.get(ctx).value();
  clock.advance(std::chrono::minutes(59));
  EXPECT_EQ(credentials.get(ctx).value(), first);
  EXPECT_EQ(credentials.runs(), 1U);
  clock.advance(std::chrono::seconds(45));
  script.write("exit 1");
  EXPECT_EQ(credentials.get(ctx).value(), first) << "a failure does not matter while the old one lasts";
  EXPECT_EQ(credentials.runs(), 2U);
  EXPECT_EQ(credentials.get(ctx).value(), first);
  EXPECT_EQ(credentials.runs(), 2U) << "it is not asked at every request";
  clock.advance(std::chrono::minutes(1));
  EXPECT_EQ(credentials.get(ctx).error().code(), Code::kUnauthenticated) << "the old one has expired";
  script.write(until("2030-01-01T02:00:00Z"));
  EXPECT_NE(credentials.get(ctx).value(), first);
  EXPECT_EQ(credentials.runs(), 4U);
}

IO_FIBER_TEST(ExecCredentials, ARefusalRunsItOnceNotAgainAndAgain) {
  const TestScript script(counting(credential(json::object({{"token", "t"}}))));
  ExecCredentials credentials(config_for(script.path()), {});
  const auto first = credentials.get(ctx).value();
  ASSERT_TRUE(credentials.renew(ctx));
  EXPECT_NE(credentials.get(ctx).value(), first);
  ASSERT_TRUE(credentials.renew(ctx));
  ASSERT_TRUE(credentials.renew(ctx));
  EXPECT_EQ(credentials.runs(), 2U);
}

IO_FIBER_TEST(ExecCredentials, FailuresSayWhatThePluginDid) {
  struct Case {
    std::string body;
    std::vector<std::string_view> named;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"echo please log in >&2; exit 3", {"status 3", "please log in"}, "a status"},
      {"kill -9 $$", {"SIGKILL"}, "a signal"},
      {"echo hunter2; echo try again >&2", {"not JSON", "try again"}, "garbage"},
      {"sleep 60", {"in time"}, "too slow"},
      {"yes hunter2", {"more than"}, "endless output"},
  };
  for (const auto& [body, named, reason] : cases) {
    const TestScript script(body);
    ExecCredentials credentials(config_for(script.path()), {.exec_timeout = std::chrono::milliseconds(500)});
    const auto got = credentials.get(ctx);
    ASSERT_FALSE(got) << reason;
    EXPECT_EQ(got.error().code(), Code::kUnauthenticated) << reason;
    for (const auto word : named) {
      EXPECT_NE(got.error().message().find(word), std::string::npos) << got.error().message();
    }
    EXPECT_NE(got.error().message().find(script.path()), std::string::npos) << got.error().message();
    EXPECT_NE(got.error().message().find("user \"alice\" of /f"), std::string::npos);
    EXPECT_EQ(got.error().message().find("hunter2"), std::string::npos) << got.error().message();
  }
}

IO_FIBER_TEST(ExecCredentials, AMissingPluginComesWithItsHint) {
  auto config = config_for("klutch-no-such-plugin");
  config.credentials.exec->install_hint = "Get it from example.org.\n";
  ExecCredentials credentials(config, {});
  const auto error = credentials.get(ctx).error();
  EXPECT_EQ(error.code(), Code::kUnauthenticated);
  EXPECT_NE(error.message().find("klutch-no-such-plugin"), std::string::npos) << error.message();
  EXPECT_TRUE(error.message().ends_with("\nGet it from example.org.")) << error.message();
}

/// Another standard input, until destroyed.
class StandardInput {
 public:
  explicit StandardInput(int fd) : saved_(::dup(STDIN_FILENO)) { ::dup2(fd, STDIN_FILENO); }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;

 private:
  int saved_;
};

IO_FIBER_TEST(ExecCredentials, APluginThatTalksToAPersonGetsTheTerminal) {
  int master = -1;
  int slave = -1;
  ASSERT_EQ(::openpty(&master, &slave, nullptr, nullptr, nullptr), 0);
  const os::Descriptor keyboard(master);
  const os::Descriptor terminal(slave);
  const TestScript script(
      "read -r word\nprintf '%s' \"$KUBERNETES_EXEC_INFO\" > \"$0.info\"\n"
      "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":"
      "{\"token\":\"'$word'\"}}'");
  auto config = config_for(script.path());
  config.credentials.exec->interactive = Interactive::kIfAvailable;
  ASSERT_TRUE(os::write_all(keyboard.get(), "typed\n", "cannot type"));
  const StandardInput input(terminal.get());
  ExecCredentials credentials(config, {});
  const auto got = credentials.get(ctx);
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ((*got)->authorization->reveal(), "Bearer typed");
  EXPECT_NE(script.read("plugin.info").find("\"interactive\":true"), std::string::npos);
}

IO_FIBER_TEST(ExecCredentials, APluginThatNeedsAPersonIsNotStartedWithoutATerminal) {
  const TestScript script(counting(credential(json::object({{"token", "t"}}))));
  auto config = config_for(script.path());
  config.credentials.exec->interactive = Interactive::kAlways;
  const auto null = os::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const StandardInput input(null.get());
  ExecCredentials credentials(config, {});
  const auto got = credentials.get(ctx);
  ASSERT_FALSE(got);
  EXPECT_NE(got.error().message().find("terminal"), std::string::npos) << got.error().message();
  EXPECT_EQ(script.read("plugin.runs"), "");
}

}  // namespace
}  // namespace klutch::kube
