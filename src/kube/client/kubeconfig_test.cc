// SPDX-License-Identifier: Apache-2.0
#include "kube/client/kubeconfig.h"

#include <gtest/gtest.h>

#include "json/yaml.h"

namespace klutch::kube {
namespace {

using Interactive = ExecPlugin::Interactive;

constexpr std::string_view kTwoContexts = R"(apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: dev
  cluster:
    server: https://dev.example:6443
    certificate-authority: pki/ca.crt
    tls-server-name: kubernetes
    proxy-url: http://proxy.example:3128
    disable-compression: true
- name: prod
  cluster:
    server: https://prod.example
    certificate-authority-data: |
      LS0t
      LQ==
    extensions:
    - name: client.authentication.k8s.io/exec
      extension: {audience: prod}
users:
- name: alice
  user:
    client-certificate: /etc/pki/alice.crt
    client-key: alice.key
    as: boss
    as-uid: "7"
    as-groups: [a, b]
    as-user-extra: {scopes: [r, w]}
- name: robot
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: ./bin/login
      args: [--cluster, prod]
      env:
      - {name: REGION, value: eu}
      installHint: Get it from example.org
      provideClusterInfo: true
contexts:
- name: dev
  context: {cluster: dev, user: alice, namespace: team}
- name: prod
  context: {cluster: prod, user: robot}
)";

Kubeconfig parsed(std::string_view text, std::string_view file = "/home/me/.kube/config") {
  auto config = Kubeconfig::parse(text, file);
  EXPECT_TRUE(config) << config.error().message();
  return config ? *std::move(config) : Kubeconfig();
}

TEST(Kubeconfig, ReadsClustersUsersAndContexts) {
  const auto config = parsed(kTwoContexts);
  EXPECT_EQ(config.current_context(), "dev");
  EXPECT_EQ(config.context_names(), (std::vector<std::string>{"dev", "prod"}));
  const auto context = config.get_context("dev").value();
  EXPECT_EQ(context.cluster, "dev");
  EXPECT_EQ(context.user, "alice");
  EXPECT_EQ(context.ns, "team");

  const auto dev = config.get_cluster("dev").value();
  EXPECT_EQ(dev.server, "https://dev.example:6443");
  EXPECT_EQ(dev.tls_server_name, "kubernetes");
  EXPECT_EQ(dev.proxy_url, "http://proxy.example:3128");
  EXPECT_TRUE(dev.disable_compression);
  EXPECT_FALSE(dev.insecure_skip_tls_verify);
  const auto prod = config.get_cluster("prod").value();
  EXPECT_EQ(prod.certificate_authority_data, "----") << "line breaks in Base64 are ignored";
  EXPECT_EQ(prod.exec_config.find_string("audience"), "prod");

  const auto alice = config.get_user("alice").value();
  EXPECT_EQ(alice.impersonate_user, "boss");
  EXPECT_EQ(alice.impersonate_uid, "7");
  EXPECT_EQ(alice.impersonate_groups, (std::vector<std::string>{"a", "b"}));
  ASSERT_EQ(alice.impersonate_extra.size(), 1U);
  EXPECT_EQ(alice.impersonate_extra[0].first, "scopes");
  EXPECT_EQ(alice.impersonate_extra[0].second, (std::vector<std::string>{"r", "w"}));
  EXPECT_FALSE(alice.exec);
}

TEST(Kubeconfig, ReadsAPlugin) {
  const auto plugin = parsed(kTwoContexts).get_user("robot").value().exec.value();
  EXPECT_EQ(plugin.api_version, "client.authentication.k8s.io/v1beta1");
  EXPECT_EQ(plugin.args, (std::vector<std::string>{"--cluster", "prod"}));
  ASSERT_EQ(plugin.env.size(), 1U);
  EXPECT_EQ(plugin.env[0].first + "=" + plugin.env[0].second, "REGION=eu");
  EXPECT_EQ(plugin.install_hint, "Get it from example.org");
  EXPECT_TRUE(plugin.provide_cluster_info);
  EXPECT_EQ(plugin.interactive, Interactive::kIfAvailable) << "the default of v1beta1";
}

TEST(Kubeconfig, RelativePathsAreRelativeToTheFile) {
  const auto config = parsed(kTwoContexts);
  EXPECT_EQ(config.get_cluster("dev")->certificate_authority, "/home/me/.kube/pki/ca.crt");
  EXPECT_EQ(config.get_user("alice")->client_certificate, "/etc/pki/alice.crt") << "absolute ones stay";
  EXPECT_EQ(config.get_user("alice")->client_key, "/home/me/.kube/alice.key");
  EXPECT_EQ(config.get_user("robot")->exec->command, "/home/me/.kube/bin/login");
  const auto bare = parsed(
      "users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, "
      "interactiveMode: Never}}}]");
  EXPECT_EQ(bare.get_user("a")->exec->command, "aws") << "a name without a slash is looked up in PATH";
  EXPECT_EQ(parsed(kTwoContexts, "").get_user("alice")->client_key, "alice.key") << "no file, no folder";
  EXPECT_EQ(parsed(kTwoContexts, "config").get_user("alice")->client_key, "alice.key");
}

TEST(Kubeconfig, ReadsWhatIsEmptyOrJson) {
  EXPECT_TRUE(parsed("").empty());
  EXPECT_TRUE(parsed("# nothing\n---\n").empty());
  EXPECT_TRUE(parsed("{clusters: null, users: [], contexts: null, current-context: null}").empty());
  EXPECT_EQ(parsed(R"({"apiVersion": "v1", "kind": "Config", "current-context": "x"})").current_context(),
            "x");
  const auto hollow = parsed("contexts: [{name: x}]\nclusters: [{name: c, cluster: null}]");
  EXPECT_EQ(hollow.get_context("x")->cluster, "");
  EXPECT_EQ(hollow.get_cluster("c")->server, "");
}

TEST(Kubeconfig, RefusesWhatCannotBeMeantAndSaysWhere) {
  struct Case {
    std::string_view text;
    std::vector<std::string_view> named;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"clusters:\n- name: [", {"/f", "line 3"}, "broken YAML"},
      {"a: b\n---\na: c", {"/f"}, "two documents"},
      {"- a", {"/f", "array"}, "not an object"},
      {"kind: Pod\napiVersion: v1", {"/f", "Pod"}, "another kind"},
      {"apiVersion: v2", {"/f", "v2"}, "another version"},
      {"clusters: {}", {"/f", "clusters", "list"}, "no list"},
      {"users: [x]", {"/f", "users", "list of objects"}, "no objects"},
      {"users: [{name: 7}]", {"/f", "users[0]", "name", "integer", "quote"}, "a number as name"},
      {"users: [{name: a, user: {}}, {name: b, user: {token: 5}}]",
       {"/f", "users[1]", "\"b\"", "token", "integer", "quote"},
       "a number as token"},
      {"users: [{name: a, user: x}]", {"/f", "\"a\"", "user", "string"}, "the body is no object"},
      {"users: [{name: a}, {name: a}]", {"/f", "users[1]", "\"a\"", "twice"}, "a name twice"},
      {"users: [{name: a, user: {as-groups: [1]}}]", {"/f", "as-groups", "list of strings"}, "wrong inside"},
      {"users: [{name: a, user: {as-user-extra: {k: v}}}]", {"/f", "as-user-extra"}, "no list of values"},
      {"users: [{name: a, user: {exec: {args: x}}}]", {"/f", "exec", "args", "list"}, "no list"},
      {"users: [{name: a, user: {exec: {env: [{name: 1}]}}}]", {"/f", "exec.env", "name"}, "a number"},
      {"clusters: [{name: a, cluster: {insecure-skip-tls-verify: 'true'}}]",
       {"/f", "insecure-skip-tls-verify", "true or false"},
       "text as flag"},
  };
  for (const auto& [text, named, reason] : cases) {
    const auto config = Kubeconfig::parse(text, "/f");
    ASSERT_FALSE(config) << reason;
    EXPECT_TRUE(is(config.error(), Code::kInvalid) || is(config.error(), Code::kBadRequest)) << reason;
    for (const auto word : named) {
      EXPECT_NE(config.error().message().find(word), std::string::npos) << config.error().message();
    }
  }
  const std::string large(Kubeconfig::kMaxBytes + 1, ' ');
  EXPECT_EQ(Kubeconfig::parse(large).error().code(), Code::kTooLarge);
}

TEST(Kubeconfig, UnusableFieldsAreFoundWhenTheirEntryIsUsed) {
  struct Case {
    std::string_view user;
    std::string_view named;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {"{client-key-data: '!!'}", "client-key-data", "no Base64"},
      {"{client-certificate-data: 'AAA'}", "client-certificate-data", "Base64 cut short"},
      {"{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never}}", "exec.command",
       "no command"},
      {"{exec: {command: a, interactiveMode: Never}}", "exec.apiVersion", "no version"},
      {"{exec: {command: a, apiVersion: client.authentication.k8s.io/v1alpha1}}", "exec.apiVersion",
       "a version of the past"},
      {"{exec: {command: a, apiVersion: client.authentication.k8s.io/v1}}", "exec.interactiveMode",
       "v1 wants it said"},
      {"{exec: {command: a, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Maybe}}",
       "exec.interactiveMode", "no such mode"},
      {"{exec: {command: a, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, "
       "env: [{name: 'A=B'}]}}",
       "exec.env", "no name for a variable"},
  };
  for (const auto& [user, named, reason] : cases) {
    const auto config = parsed("users: [{name: a, user: " + std::string(user) + "}]");
    const auto read = config.get_user("a");
    ASSERT_FALSE(read) << reason;
    EXPECT_EQ(read.error().code(), Code::kInvalid) << reason;
    EXPECT_NE(read.error().message().find(named), std::string::npos) << read.error().message();
    EXPECT_NE(read.error().message().find("user \"a\" of /home/me/.kube/config"), std::string::npos)
        << read.error().message();
    EXPECT_EQ(read.error().message().find("!!"), std::string::npos) << "the value stays out of the message";
  }
}

TEST(Kubeconfig, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  const auto error = parsed(kTwoContexts).get_context("test").error();
  EXPECT_EQ(error.code(), Code::kNotFound);
  for (const auto* word : {"\"test\"", "\"dev\"", "\"prod\"", "/home/me/.kube/config"}) {
    EXPECT_NE(error.message().find(word), std::string::npos) << error.message();
  }
  EXPECT_NE(parsed("").get_user("x").error().message().find("none"), std::string::npos);

  Kubeconfig many;
  for (int i = 0; i < 50; ++i) many.set_context("context-" + std::to_string(i), {});
  const auto long_list = many.get_context("x").error().message();
  EXPECT_NE(long_list.find("and 40 more"), std::string::npos) << long_list;
}

TEST(Kubeconfig, MergingKeepsWhatCameFirst) {
  auto config = parsed(
      "current-context: ''\nclusters: [{name: a, cluster: {server: https://one}}]\n"
      "contexts: [{name: x, context: {cluster: a}}]\npreferences: {colors: true}",
      "/one/config");
  config.merge(
      parsed("current-context: x\n"
             "clusters: [{name: a, cluster: {server: https://two, tls-server-name: t}},"
             " {name: b, cluster: {server: https://two, certificate-authority: ca}}]\n"
             "preferences: {colors: false}\nmine: kept",
             "/two/config"));
  config.merge(parsed("current-context: third", "/three/config"));
  EXPECT_EQ(config.current_context(), "x") << "the first that names one";
  EXPECT_EQ(config.get_cluster("a")->server, "https://one");
  EXPECT_EQ(config.get_cluster("a")->tls_server_name, "") << "entries are not mixed";
  EXPECT_EQ(config.get_cluster("b")->certificate_authority, "/two/ca") << "relative to its own file";
  EXPECT_EQ(config.get_cluster("b")->label, "cluster \"b\" of /two/config");
  const auto missing = config.get_user("z").error().message();
  EXPECT_NE(missing.find("/one/config, /two/config, /three/config"), std::string::npos) << missing;
  const auto yaml = json::parse_yaml(config.to_yaml()).value();
  EXPECT_EQ(yaml.find("preferences")->find_bool("colors"), true);
  EXPECT_EQ(yaml.find_string("mine"), "kept");
}

TEST(Kubeconfig, FieldsThatNobodyKnowsSurvive) {
  auto config = parsed(
      "future: 1\ncontexts:\n- name: x\n  note: hi\n  context: {cluster: a, user: b, zone: 5}\n"
      "clusters: [{name: a, cluster: {server: s, shiny: true, extensions: [{name: mine, extension: {}}]}}]\n"
      "users: [{name: b, user: {token: t, exec: {command: c, apiVersion: "
      "client.authentication.k8s.io/v1beta1, novel: 1}}}]");
  auto context = config.get_context("x").value();
  context.ns = "new";
  config.set_context("x", context);
  auto cluster = config.get_cluster("a").value();
  cluster.server = "https://other";
  cluster.exec_config = "any JSON";
  config.set_cluster("a", cluster);
  config.set_user("b", config.get_user("b").value());
  const auto yaml = json::parse_yaml(config.to_yaml()).value();
  EXPECT_EQ(yaml.find_int("future"), 1);
  const auto& entry = yaml.find("contexts")->at(0);
  EXPECT_EQ(entry.find_string("note"), "hi");
  EXPECT_EQ(entry.find("context")->find_int("zone"), 5);
  EXPECT_EQ(entry.find("context")->find_string("namespace"), "new");
  const auto& body = *yaml.find("clusters")->at(0).find("cluster");
  EXPECT_EQ(body.find_bool("shiny"), true);
  EXPECT_EQ(body.find_string("server"), "https://other");
  EXPECT_EQ(body.find("extensions")->size(), 2U);
  EXPECT_EQ(yaml.find("users")->at(0).find("user")->find("exec")->find_int("novel"), 1);
}

TEST(Kubeconfig, OneThatIsBuiltReadsBack) {
  const auto built = Kubeconfig::single("default",
                                        {.server = "https://api.example:6443",
                                         .tls_server_name = "kubernetes",
                                         .certificate_authority_data = "PEM"},
                                        {.client_key_data = Secret("key"), .token = Secret("t0ken")}, "team");
  const auto text = built.to_yaml();
  EXPECT_EQ(text, R"(apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: UEVN
    server: https://api.example:6443
    tls-server-name: kubernetes
  name: default
contexts:
- context:
    cluster: default
    namespace: team
    user: default
  name: default
current-context: default
kind: Config
users:
- name: default
  user:
    client-key-data: a2V5
    token: t0ken
)");
  const auto again = parsed(text);
  EXPECT_EQ(again.get_user("default")->token.reveal(), "t0ken");
  EXPECT_EQ(again.to_yaml(), text);
}

TEST(Kubeconfig, APluginThatIsBuiltReadsBack) {
  Kubeconfig config;
  config.set_user("a", {.exec = ExecPlugin{.api_version = "client.authentication.k8s.io/v1",
                                           .command = "login",
                                           .args = {"x"},
                                           .env = {{"A", "1"}},
                                           .interactive = Interactive::kAlways}});
  const auto plugin = parsed(config.to_yaml()).get_user("a").value().exec.value();
  EXPECT_EQ(plugin.command, "login");
  EXPECT_EQ(plugin.args, (std::vector<std::string>{"x"}));
  EXPECT_EQ(plugin.env.at(0).second, "1");
  EXPECT_EQ(plugin.interactive, Interactive::kAlways);
}

TEST(Kubeconfig, EntriesCanBeRemoved) {
  auto config = parsed(kTwoContexts);
  EXPECT_TRUE(config.remove_context("dev"));
  EXPECT_FALSE(config.remove_context("dev"));
  EXPECT_TRUE(config.remove_cluster("dev"));
  EXPECT_TRUE(config.remove_user("alice"));
  EXPECT_FALSE(config.get_cluster("dev"));
  EXPECT_TRUE(config.get_cluster("prod"));
}

}  // namespace
}  // namespace klutch::kube
