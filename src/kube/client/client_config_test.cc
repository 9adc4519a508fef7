// SPDX-License-Identifier: Apache-2.0
#include "kube/client/client_config.h"

#include <gtest/gtest.h>

#include "base/os/environment.h"
#include "base/os/file.h"
#include "crypto/base64.h"
#include "testing/test_pki.h"

namespace klutch::kube {
namespace {

constexpr std::string_view kText = R"(current-context: dev
clusters:
- {name: dev, cluster: {server: "https://dev.example:6443/base", tls-server-name: kubernetes}}
- {name: prod, cluster: {server: "https://prod.example", insecure-skip-tls-verify: true, disable-compression: true}}
users:
- {name: alice, user: {token: t1, as: boss, as-groups: [g]}}
- {name: robot, user: {username: r, password: p}}
contexts:
- {name: dev, context: {cluster: dev, user: alice, namespace: team}}
- {name: prod, context: {cluster: prod, user: robot}}
- {name: nowhere, context: {cluster: gone, user: robot}}
- {name: nobody, context: {cluster: dev, user: gone}}
- {name: anonymous, context: {cluster: dev}}
- {name: hollow}
)";

Kubeconfig parsed(std::string_view text) {
  return Kubeconfig::parse(text, "/f").value();
}

/// One context "c" of cluster "c" and user "u".
Kubeconfig of(const std::string& cluster, const std::string& user) {
  return parsed(
      "current-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nclusters: [{name: c, "
      "cluster: " +
      cluster + "}]\nusers: [{name: u, user: " + user + "}]");
}

TEST(ClientConfig, TheCurrentContextCounts) {
  const auto config = resolve(parsed(kText)).value();
  EXPECT_EQ(config.server.to_string(), "https://dev.example:6443/base");
  EXPECT_EQ(config.tls_server_name, "kubernetes");
  EXPECT_EQ(config.ns, "team");
  EXPECT_EQ(config.credentials.token.reveal(), "t1");
  EXPECT_EQ(config.impersonate.user, "boss");
  EXPECT_EQ(config.credentials.label, "user \"alice\" of /f");
}

TEST(ClientConfig, OverridesGoFirst) {
  const auto kubeconfig = parsed(kText);
  const auto prod = resolve(kubeconfig, {.context = "prod"}).value();
  EXPECT_EQ(prod.server.host(), "prod.example");
  EXPECT_TRUE(prod.insecure_skip_tls_verify);
  EXPECT_TRUE(prod.disable_compression);
  EXPECT_EQ(prod.namespace_or_default(), "default");
  EXPECT_EQ(prod.credentials.username, "r");

  const auto mixed = resolve(kubeconfig, {.cluster = "prod", .user = "robot", .ns = "other"}).value();
  EXPECT_EQ(mixed.server.host(), "prod.example");
  EXPECT_EQ(mixed.credentials.username, "r");
  EXPECT_EQ(mixed.ns, "other");

  const auto server = resolve(kubeconfig, {.server = "https://else"}).value();
  EXPECT_EQ(server.server.host(), "else");
  EXPECT_EQ(server.tls_server_name, "") << "it was for the other server";

  const auto token = resolve(kubeconfig, {.user = "robot", .token = klutch::Secret("t2")}).value();
  EXPECT_EQ(token.credentials.token.reveal(), "t2");
  EXPECT_EQ(token.credentials.username, "") << "a token replaces all credentials";

  const auto acting = resolve(kubeconfig, {.impersonate = {.groups = {"h"}}}).value();
  EXPECT_EQ(acting.impersonate.user, "boss");
  EXPECT_EQ(acting.impersonate.groups, std::vector<std::string>{"h"});
  EXPECT_EQ(resolve(kubeconfig, {.impersonate = {.user = "eve"}})->impersonate.groups.size(), 0U)
      << "another user keeps nothing of the first";
  EXPECT_TRUE(resolve(kubeconfig, {.insecure_skip_tls_verify = true})->insecure_skip_tls_verify);
  EXPECT_EQ(resolve(kubeconfig, {.certificate_authority = "/ca"})->authorities_file, "/ca");
}

TEST(ClientConfig, AServerAloneNeedsNoKubeconfig) {
  const auto config = resolve(Kubeconfig(), {.server = "https://a.example"}).value();
  EXPECT_EQ(config.server.host(), "a.example");
  EXPECT_EQ(resolve(parsed(kText), {.context = "anonymous"})->credentials.token.reveal(), "");
}

TEST(ClientConfig, WithoutASchemeTlsSettingsDecide) {
  EXPECT_EQ(resolve(of("{server: 'localhost:8080'}", "{}"))->server.to_string(), "http://localhost:8080");
  EXPECT_EQ(resolve(of("{server: 'h:1', insecure-skip-tls-verify: true}", "{}"))->server.to_string(),
            "https://h:1");
  EXPECT_EQ(resolve(of("{server: 'h:1', certificate-authority: ca}", "{}"))->server.to_string(),
            "https://h:1");
}

TEST(ClientConfig, CredentialsAreNotShownInPlainText) {
  const auto kubeconfig = of("{server: 'http://h'}", "{token: t, as: boss}");
  const auto config = resolve(kubeconfig, {.token = klutch::Secret("t2")}).value();
  EXPECT_TRUE(config.credentials.token.empty());
  EXPECT_EQ(config.credentials.label, "user \"u\" of /f");
  EXPECT_EQ(config.impersonate.user, "boss");
}

TEST(ClientConfig, WhatDoesNotExistIsNamed) {
  struct Case {
    ConfigOverrides overrides;
    std::vector<std::string_view> named;
    std::string_view reason;
  };
  const std::vector<Case> cases = {
      {{.context = "test"}, {"context \"test\"", "/f", "\"dev\"", "\"prod\""}, "unknown context"},
      {{.context = "nowhere"}, {"context \"nowhere\" of /f", "cluster \"gone\"", "\"prod\""}, "its cluster"},
      {{.context = "nobody"}, {"context \"nobody\" of /f", "user \"gone\"", "\"robot\""}, "its user"},
      {{.cluster = "x"}, {"cluster \"x\"", "\"dev\""}, "the flag's cluster"},
      {{.user = "x"}, {"user \"x\"", "\"alice\""}, "the flag's user"},
  };
  for (const auto& [overrides, named, reason] : cases) {
    const auto config = resolve(parsed(kText), overrides);
    ASSERT_FALSE(config) << reason;
    EXPECT_EQ(config.error().code(), Code::kNotFound) << reason;
    for (const auto word : named) {
      EXPECT_NE(config.error().message().find(word), std::string::npos) << config.error().message();
    }
  }
  EXPECT_EQ(resolve(parsed(kText), {.context = "hollow"}).error().code(), Code::kInvalid);
  const auto none = resolve(parsed("contexts: [{name: a}, {name: b}]")).error();
  EXPECT_NE(none.message().find("no context is chosen"), std::string::npos) << none.message();
  EXPECT_NE(none.message().find("\"b\""), std::string::npos) << none.message();
}

TEST(ClientConfig, WhatCannotBeUsedIsNamed) {
  struct Case {
    std::string cluster;
    std::string user;
    std::vector<std::string_view> named;
    std::string_view reason;
  };
  const std::string pem = crypto::base64_encode(test::TestPki().trusted());
  const std::string good = "{server: 'https://h'}";
  const std::vector<Case> cases = {
      {"{}", "{}", {"cluster \"c\" of /f", "server"}, "no server"},
      {"{server: 'ftp://h'}", "{}", {"server", "URL"}, "no URL"},
      {"{server: 'https://me:hunter2@h'}", "{}", {"server", "URL"}, "a password"},
      {"{server: 'https://h/?a=b'}", "{}", {"server", "query"}, "a query"},
      {"{server: 'https://h', certificate-authority: a, certificate-authority-data: " + pem + "}",
       "{}",
       {"certificate-authority", "both"},
       "file and data"},
      {"{server: 'https://h', certificate-authority: a, insecure-skip-tls-verify: true}",
       "{}",
       {"insecure-skip-tls-verify", "certificate-authority"},
       "insecure with an authority"},
      {"{server: 'https://h', certificate-authority-data: aGVsbG8=}",
       "{}",
       {"certificate-authority-data", "PEM"},
       "no PEM"},
      {"{server: 'https://h', certificate-authority-data: '%%'}",
       "{}",
       {"certificate-authority-data", "Base64"},
       "no Base64"},
      {"{server: 'https://h', proxy-url: 'socks5://x'}", "{}", {"proxy-url"}, "no such proxy"},
      {good,
       "{client-certificate: a, client-certificate-data: " + pem + ", client-key: b}",
       {"user \"u\" of /f", "client-certificate", "both"},
       "file and data"},
      {good,
       "{client-certificate: a, client-key: b, client-key-data: aGk=}",
       {"client-key", "both"},
       "file and data"},
      {good, "{client-certificate: a}", {"client-key"}, "no key"},
      {good, "{client-key: a}", {"client-certificate"}, "no certificate"},
      {good,
       "{client-certificate-data: aGVsbG8=, client-key: b}",
       {"client-certificate-data", "PEM"},
       "no PEM"},
      {good, "{token: a, username: b}", {"token", "username"}, "two ways"},
      {good, "{auth-provider: {name: oidc}}", {"auth-provider", "oidc"}, "not supported"},
      {good, "{as-groups: [a]}", {"as-groups"}, "nobody to be"},
  };
  for (const auto& [cluster, user, named, reason] : cases) {
    const auto config = resolve(of(cluster, user));
    ASSERT_FALSE(config) << reason;
    EXPECT_EQ(config.error().message().find("hunter2"), std::string::npos) << "no secret";
    EXPECT_EQ(config.error().message().find("does not exist"), std::string::npos) << config.error().message();
    for (const auto word : named) {
      EXPECT_NE(config.error().message().find(word), std::string::npos)
          << reason << ": " << config.error().message();
    }
  }
}

TEST(ClientConfig, AForeignKubeconfigMayNotUseThisMachine) {
  const std::string good = "{server: 'https://h'}";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"{server: 'https://h', certificate-authority: /a}", "{}"},
      {good, "{client-certificate: /a, client-key: /b}"},
      {good, "{tokenFile: /a}"},
      {good, "{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: rm}}"},
  };
  for (const auto& [cluster, user] : cases) {
    EXPECT_TRUE(resolve(of(cluster, user))) << cluster << user;
    EXPECT_EQ(resolve(of(cluster, user), {}, KubeconfigOrigin::kForeign).error().code(), Code::kForbidden)
        << cluster << user;
  }
  EXPECT_TRUE(resolve(of(good, "{token: t}"), {}, KubeconfigOrigin::kForeign));
}

class LoadClientConfigTest : public ::testing::Test {
 protected:
  void write(std::string_view name, std::string_view text) {
    EXPECT_TRUE(os::write_file_atomic(folder_.file(name), text));
  }
  Result<ClientConfig> load(std::string kubeconfig = {}, ConfigOverrides overrides = {}) {
    return load_client_config({std::move(kubeconfig), std::move(overrides), folder_.path()});
  }

  os::TempDir folder_ = os::TempDir::create().value();
  os::ScopedEnv home_{"HOME", folder_.path()};
  os::ScopedEnv kubeconfig_{"KUBECONFIG", std::nullopt};
  os::ScopedEnv host_{"KUBERNETES_SERVICE_HOST", std::nullopt};
  os::ScopedEnv port_{"KUBERNETES_SERVICE_PORT", std::nullopt};
};

TEST_F(LoadClientConfigTest, AKubeconfigGoesBeforeThePod) {
  write("token", "t");
  write("namespace", "own\n");
  const os::ScopedEnv host("KUBERNETES_SERVICE_HOST", "fd00::1");
  const os::ScopedEnv port("KUBERNETES_SERVICE_PORT", "443");
  const auto pod = load().value();
  EXPECT_EQ(pod.server.host_and_port(), "[fd00::1]:443");
  EXPECT_EQ(pod.ns, "own");
  EXPECT_EQ(pod.credentials.token_file, folder_.file("token"));
  EXPECT_EQ(pod.authorities_file, folder_.file("ca.crt"));
  EXPECT_EQ(load({}, {.ns = "n"})->ns, "n");

  ASSERT_TRUE(os::make_directories(folder_.file(".kube")));
  write(".kube/config", kText);
  EXPECT_EQ(load()->server.host(), "dev.example");
  write("mine",
        "current-context: a\ncontexts: [{name: a, context: {cluster: a}}]\n"
        "clusters: [{name: a, cluster: {server: 'https://mine'}}]");
  const os::ScopedEnv list("KUBECONFIG", folder_.file("mine"));
  EXPECT_EQ(load()->server.host(), "mine");
  EXPECT_EQ(load(folder_.file(".kube/config"))->server.host(), "dev.example");
}

TEST_F(LoadClientConfigTest, WithoutAnyConfigurationItSaysWhereItLooked) {
  const auto error = load().error();
  EXPECT_EQ(error.code(), Code::kNotFound);
  EXPECT_NE(error.message().find(folder_.file(".kube/config")), std::string::npos) << error.message();
  EXPECT_EQ(load(folder_.file("missing")).error().code(), Code::kNotFound);
  write("empty", "");
  EXPECT_EQ(load(folder_.file("empty")).error().code(), Code::kNotFound) << "it has no context";
  EXPECT_EQ(load({}, {.server = "https://h"})->server.host(), "h");
}

}  // namespace
}  // namespace klutch::kube
