// SPDX-License-Identifier: Apache-2.0
// The program examples/kube_get as people run it: what it prints, and one precise message for whatever is
// wrong.
#include <gtest/gtest.h>

#include <csignal>

#include "base/ids.h"
#include "base/os/command.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "crypto/base64.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/yaml.h"
#include "kube/api/kinds.h"
#include "kube/client/http_client.h"
#include "testing/fiber_test.h"
#include "testing/kube_server.h"
#include "testing/scripted_server.h"
#include "testing/test_pki.h"

namespace klutch {
namespace {

using testing::Peer;
using testing::ScriptedServer;

os::Command kube_get(const std::vector<std::string>& arguments, const std::string& home) {
  os::Command command{.argv = {KLUTCH_KUBE_GET}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.env = {"HOME=" + home, "PATH=/usr/bin:/bin"};
  command.err = os::Redirect::pipe();
  return command;
}

/// `text` without the line with which AddressSanitizer greets programs that switch stacks.
std::string without_greeting(const std::string& text) {
  std::string rest;
  for (const auto line : split(text, '\n')) {
    if (line.find("WARNING: ASan doesn't fully support") != std::string_view::npos) continue;
    rest.append(line).append("\n");
  }
  rest.pop_back();
  return rest;
}

/// A home folder with a kubeconfig in it, or without.
class Home {
 public:
  Home() = default;
  explicit Home(std::string_view kubeconfig) {
    EXPECT_TRUE(os::make_directories(folder_.file(".kube")));
    EXPECT_TRUE(os::write_file_atomic(config(), kubeconfig));
  }
  [[nodiscard]] std::string config() const { return folder_.file(".kube/config"); }
  [[nodiscard]] std::string file(std::string_view name) const { return folder_.file(name); }
  [[nodiscard]] const std::string& path() const { return folder_.path(); }

  /// Runs the program on the pool, so that servers of this loop can answer it.
  os::RunResult run(Ctx& ctx, const std::vector<std::string>& arguments) const {
    auto result = ctx.blocking([&] { return os::run_command(kube_get(arguments, path())); });
    EXPECT_TRUE(result) << result.error().message();
    if (!result) return {};
    result->err = without_greeting(result->err);
    return *std::move(result);
  }

 private:
  os::TempDir folder_ = os::TempDir::create().value();
};

/// Runs the program and expects that it fails with one line that has all of `words`.
void expect_failure(Ctx& ctx, const Home& home, const std::vector<std::string>& arguments,
                    const std::vector<std::string>& words, std::string_view reason) {
  const auto result = home.run(ctx, arguments);
  EXPECT_EQ(result.status.code, 1) << reason << ": " << result.status.describe();
  EXPECT_EQ(result.out, "") << reason;
  EXPECT_TRUE(result.err.starts_with("kube_get: ")) << reason << ": " << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << reason << ": " << result.err;
  EXPECT_EQ(result.err.find("hunter2"), std::string::npos) << reason << ": " << result.err;
  for (const auto& word : words) {
    EXPECT_NE(result.err.find(word), std::string::npos) << reason << ": " << word << " in " << result.err;
  }
}

/// A kubeconfig with one context "c" of cluster "c" and user "u", whose fields are YAML in flow style.
std::string kubeconfig(const std::string& cluster, const std::string& user = "{}") {
  return "current-context: c\ncontexts:\n- {name: c, context: {cluster: c, user: u}}\nclusters:\n- {name: c, "
         "cluster: " +
         cluster + "}\nusers:\n- {name: u, user: " + user + "}\n";
}

std::string plugin(const std::string& command, const std::string& more = "") {
  return "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: '" + command +
         "'" + more + "}}";
}

IO_FIBER_TEST(KubeGet, SaysWhatIsWrongWithAKubeconfig) {
  expect_failure(ctx, Home(), {"pods"}, {"/.kube/config", "KUBECONFIG"}, "none at all");
  const Home broken("current-context: c\nusers:\n- {name: u, user: [}\n");
  expect_failure(ctx, broken, {"pods"}, {broken.config(), "line 3"}, "broken YAML");
  const Home wrong("users:\n- name: u\n  user: {token: 5}\n");
  expect_failure(ctx, wrong, {"pods"}, {wrong.config(), "\"u\"", "token", "quote"}, "a number as token");
  const Home good(kubeconfig("{server: 'https://127.0.0.1:1'}"));
  expect_failure(ctx, good, {"pods", "--context", "prod"}, {"\"prod\"", "\"c\"", good.config()},
                 "no such context");
  expect_failure(ctx, good, {"pods", "--kubeconfig", good.file("nope")}, {good.file("nope")}, "no such file");
  const Home dangling("current-context: c\ncontexts:\n- {name: c, context: {cluster: gone}}\n");
  expect_failure(ctx, dangling, {"pods"}, {"context \"c\"", "cluster \"gone\"", dangling.config()},
                 "dangling");
  const Home base64(kubeconfig("{server: 'https://127.0.0.1:1', certificate-authority-data: '!'}"));
  expect_failure(ctx, base64, {"pods"}, {"cluster \"c\"", "certificate-authority-data", "Base64"},
                 "no Base64");
  const Home missing(kubeconfig("{server: 'https://127.0.0.1:1', certificate-authority: ca.crt}"));
  expect_failure(ctx, missing, {"pods"}, {"cluster \"c\"", missing.file(".kube/ca.crt")}, "no authority");
}

IO_FIBER_TEST(KubeGet, SaysThatACertificateHasExpired) {
  const test::TestPki pki;
  const auto pair = pki.expired_client("alice");
  const Home home(kubeconfig("{server: 'https://127.0.0.1:1'}",
                             "{client-certificate-data: " + crypto::base64_encode(pair.certificate_chain) +
                                 ", client-key-data: " + crypto::base64_encode(pair.private_key.reveal()) +
                                 "}"));
  expect_failure(ctx, home, {"pods"},
                 {"user \"u\" of " + home.config(), "client certificate expired at 20", "ago"},
                 "an expired client certificate");
  ScriptedServer server(ctx, {[](Ctx& task, Peer& peer) { return peer.stay_silent(task); }},
                        http::TlsServer::create({.identity = pki.expired_server()}).value());
  const Home other(kubeconfig("{server: '" + server.url("") + "', certificate-authority-data: " +
                              crypto::base64_encode(pki.trusted()) + "}"));
  expect_failure(ctx, other, {"pods"}, {server.url(""), "expired"}, "an expired server certificate");
}

IO_FIBER_TEST(KubeGet, SaysWhatAPluginDid) {
  const std::string cluster = "{server: 'https://127.0.0.1:1'}";
  const Home script;
  const auto run = [&](const std::string& body, const std::vector<std::string>& words,
                       std::string_view reason) {
    ASSERT_TRUE(os::write_file_atomic(script.file("login"), "#!/bin/sh\n" + body + "\n", 0700));
    const Home home(kubeconfig(cluster, plugin(script.file("login"))));
    auto all = words;
    all.push_back(script.file("login"));
    all.push_back("user \"u\" of " + home.config());
    expect_failure(ctx, home, {"pods"}, all, reason);
  };
  run("echo 'session ended' >&2\nexit 7", {"status 7", "session ended"}, "it fails");
  run("echo hunter2", {"not JSON"}, "it prints garbage");
  run("kill -11 $$", {"SIGSEGV"}, "it crashes");
  run("true", {"nothing"}, "it prints nothing");

  const Home home(kubeconfig(cluster, plugin("klutch-login", ", installHint: 'brew install klutch-login'")));
  const auto result = home.run(ctx, {"pods"});
  EXPECT_EQ(result.status.code, 1);
  EXPECT_NE(result.err.find("\"klutch-login\""), std::string::npos) << result.err;
  EXPECT_TRUE(result.err.ends_with("\nbrew install klutch-login\n")) << result.err;
}

IO_FIBER_TEST(KubeGet, SaysWhatIsWrongWithAServer) {
  const auto ask = [&](const ScriptedServer& server, const std::vector<std::string>& words,
                       std::string_view reason, const std::string& more = "") {
    const Home home(kubeconfig("{server: '" + server.url("") + "'" + more + "}", "{token: hunter2}"));
    expect_failure(ctx, home, {"pods"}, words, reason);
  };
  const Home nobody(kubeconfig("{server: 'https://127.0.0.1:1'}"));
  expect_failure(ctx, nobody, {"pods"}, {"127.0.0.1:1", "refused"}, "nobody listens");
  const Home unknown(kubeconfig("{server: 'https://no-such-host.invalid'}"));
  expect_failure(ctx, unknown, {"pods"}, {"no-such-host.invalid"}, "no such host");

  const auto sending = [](const std::string& text) -> ScriptedServer::Script {
    return [text](Ctx& task, Peer& peer) -> Result<> {
      TRY(peer.read_request(task));
      return peer.send(task, text);
    };
  };
  const auto response = [](const std::string& status, const std::string& type, const std::string& body) {
    return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  ask(ScriptedServer(ctx, {sending("SSH-2.0-OpenSSH_9.2\r\n")}), {"127.0.0.1"}, "another protocol");
  ask(ScriptedServer(ctx, {sending(response("200 OK", "text/html", "<html>Sign in</html>"))}),
      {"text/html", "API server"}, "a login page");
  ask(ScriptedServer(
          ctx, {sending(response(
                   "401 Unauthorized", "application/json",
                   R"({"kind":"Status","code":401,"reason":"Unauthorized","message":"Unauthorized"})"))}),
      {"cluster \"c\"", "does not accept", "user \"u\""}, "unknown credentials");
  ask(ScriptedServer(ctx, {[](Ctx&, Peer&) -> Result<> { return {}; }}), {"127.0.0.1"}, "it hangs up");
  const test::TestPki pki;
  ask(ScriptedServer(ctx, {sending("")}, http::TlsServer::create({.identity = pki.server()}).value()),
      {"certificate"}, "an authority nobody knows",
      ", certificate-authority-data: " + crypto::base64_encode(test::TestPki("other").trusted()));
}

struct Cluster {
  explicit Cluster(Ctx& ctx) : server(testing::start_kube_server(ctx).value()), home(server->kubeconfig()) {
    const auto config = kube::resolve(kube::Kubeconfig::parse(server->kubeconfig()).value()).value();
    client = kube::HttpClient::make(ctx, config).value();
    EXPECT_TRUE(client->create(ctx, kube::Namespace(ns)));
    for (const auto* name : {"one", "two"}) {
      kube::ConfigMap object(kube::Key{ns, name});
      object.set_data("key", name);
      kube::set_label(object.object(), "name", name);
      EXPECT_TRUE(client->create(ctx, object));
    }
  }
  std::string ns = "get-" + random_suffix();
  std::unique_ptr<testing::KubeServer> server;
  Home home;
  std::unique_ptr<kube::HttpClient> client;
};

IO_FIBER_TEST(KubeGet, PrintsObjectsInThreeForms) {
  const Cluster cluster(ctx);
  const auto out = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"configmaps", "-n", cluster.ns});
    const auto result = cluster.home.run(ctx, arguments);
    EXPECT_EQ(result.status.code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    return result.out;
  };
  const auto names = out({"-l", "name in (one,two)"});
  EXPECT_EQ(names, "configmaps/one\nconfigmaps/two\n");
  EXPECT_EQ(out({"-A", "-l", "name=one", "-o", "name"}).find(cluster.ns + "/one") != std::string::npos, true);
  const auto yaml = json::parse_yaml(out({"one", "-o", "yaml"})).value();
  EXPECT_EQ(yaml.find_string("kind"), "ConfigMap");
  EXPECT_EQ(yaml.find("data")->find_string("key"), "one");
  const auto documents = json::parse_yaml_documents(out({"-l", "name", "-o", "yaml"})).value();
  EXPECT_EQ(documents.size(), 2U);
  EXPECT_EQ(json::parse(out({"two", "-o", "json"}))->find("data")->find_string("key"), "two");
}

IO_FIBER_TEST(KubeGet, SaysWhatTheServerDoesNotHave) {
  const Cluster cluster(ctx);
  expect_failure(ctx, cluster.home, {"gizmos"}, {"the server doesn't have a resource type \"gizmos\""},
                 "no such type");
  expect_failure(ctx, cluster.home, {"configmap", "three", "-n", cluster.ns},
                 {"configmaps \"three\" not found"}, "no such object");
  expect_failure(ctx, cluster.home, {"configmap", "-l", "a in b"}, {"a in b"}, "no selector");
}

IO_FIBER_TEST(KubeGet, WatchesUntilItIsTold) {
  Cluster cluster(ctx);
  auto command = kube_get({"configmap", "-n", cluster.ns, "-l", "name", "--watch"}, cluster.home.path());
  command.out = os::Redirect::file(cluster.home.file("out"));
  command.err = os::Redirect::file(cluster.home.file("err"));
  auto process = os::Process::spawn(command).value();
  const auto seen = [&] { return os::read_file(cluster.home.file("out")).value_or(""); };
  for (int i = 0; seen().find("configmaps/two MODIFIED") == std::string::npos; ++i) {
    ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(20)));
    const auto change = json::object({{"data", json::object({{"key", std::to_string(i)}})}});
    ASSERT_TRUE(cluster.client->patch(ctx, kube::ConfigMap::type(), {cluster.ns, "two"},
                                      kube::PatchType::kMerge, change));
  }
  EXPECT_TRUE(seen().starts_with("configmaps/one\nconfigmaps/two\n"));
  ASSERT_TRUE(process.terminate());
  const auto status = ctx.blocking([&] { return process.wait(); }).value();
  EXPECT_EQ(status.code, 0) << status.describe() << os::read_file(cluster.home.file("err")).value_or("");
}

}  // namespace
}  // namespace klutch
