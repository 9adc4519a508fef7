// SPDX-License-Identifier: Apache-2.0
#include "kube/client/client_config.h"

#include "base/os/environment.h"
#include "base/os/file.h"
#include "base/os/paths.h"
#include "base/strings.h"
#include "crypto/certificate.h"
#include "http/proxy.h"

namespace klutch::kube {
namespace {

constexpr std::size_t kMaxNamespaceBytes = 1024;

Result<Kubeconfig::Context> choose_context(const Kubeconfig& kubeconfig, const ConfigOverrides& overrides) {
  const auto& name = overrides.context.empty() ? kubeconfig.current_context() : overrides.context;
  if (!name.empty()) return kubeconfig.get_context(name);
  if (!overrides.server.empty() || !overrides.cluster.empty()) return Kubeconfig::Context{};
  // Fails, and lists what there is.
  return kubeconfig.get_context("").map_error(context("no context is chosen and none is current"));
}

Result<Kubeconfig::Cluster> choose_cluster(const Kubeconfig& kubeconfig, const Kubeconfig::Context& chosen,
                                           const ConfigOverrides& overrides) {
  const auto& name = overrides.cluster.empty() ? chosen.cluster : overrides.cluster;
  if (!name.empty()) {
    auto cluster = kubeconfig.get_cluster(name);
    if (cluster || chosen.label.empty() || !overrides.cluster.empty()) return cluster;
    if (!is(cluster.error(), Code::kNotFound)) return cluster;
    return fail(cluster.error().with_context(chosen.label + " names a cluster that does not exist"));
  }
  if (!overrides.server.empty()) return Kubeconfig::Cluster{.label = "the cluster"};
  return fail(Code::kInvalid, chosen.label + ": cluster is missing");
}

/// A context without a user is anonymous.
Result<Kubeconfig::User> choose_user(const Kubeconfig& kubeconfig, const Kubeconfig::Context& chosen,
                                     const ConfigOverrides& overrides) {
  const auto& name = overrides.user.empty() ? chosen.user : overrides.user;
  if (name.empty()) return Kubeconfig::User{.label = "the user"};
  auto user = kubeconfig.get_user(name);
  if (user || chosen.label.empty() || !overrides.user.empty()) return user;
  if (!is(user.error(), Code::kNotFound)) return user;
  return fail(user.error().with_context(chosen.label + " names a user that does not exist"));
}

void apply_cluster_overrides(Kubeconfig::Cluster& cluster, const ConfigOverrides& overrides) {
  if (!overrides.server.empty()) {
    cluster.server = overrides.server;
    cluster.tls_server_name.clear();  // it was for the other server
  }
  if (!overrides.tls_server_name.empty()) cluster.tls_server_name = overrides.tls_server_name;
  if (!overrides.certificate_authority.empty()) {
    cluster.certificate_authority = overrides.certificate_authority;
    cluster.certificate_authority_data.clear();
    cluster.insecure_skip_tls_verify = false;
  }
  if (overrides.insecure_skip_tls_verify) {
    cluster.insecure_skip_tls_verify = true;
    cluster.certificate_authority.clear();
    cluster.certificate_authority_data.clear();
  }
  if (!overrides.proxy_url.empty()) cluster.proxy_url = overrides.proxy_url;
}

Result<> refuse_both(const std::string& label, std::string_view field, bool file, bool data) {
  if (!file || !data) return {};
  return fail(Code::kInvalid, label + ": " + std::string(field) + " and " + std::string(field) +
                                  "-data are both set; keep one of them");
}

Result<> check_pem(const std::string& label, std::string_view field, const std::string& pem) {
  if (pem.empty()) return {};
  auto read = crypto::parse_certificates(pem);
  if (read) return {};
  return fail(Code::kInvalid,
              label + ": " + std::string(field) + " is no certificate in PEM: " + read.error().message());
}

Result<> check_cluster(const Kubeconfig::Cluster& cluster) {
  TRY(refuse_both(cluster.label, "certificate-authority", !cluster.certificate_authority.empty(),
                  !cluster.certificate_authority_data.empty()));
  const bool authorities =
      !cluster.certificate_authority.empty() || !cluster.certificate_authority_data.empty();
  if (cluster.insecure_skip_tls_verify && authorities) {
    return fail(Code::kInvalid, cluster.label + ": insecure-skip-tls-verify makes certificate-authority " +
                                    "pointless; keep one of them");
  }
  TRY(check_pem(cluster.label, "certificate-authority-data", cluster.certificate_authority_data));
  if (cluster.proxy_url.empty()) return {};
  auto rules = http::ProxyRules::fixed(cluster.proxy_url);
  if (!rules) return fail(rules.error().with_context(cluster.label + ": proxy-url"));
  return {};
}

Result<> check_client_certificate(const Kubeconfig::User& user) {
  TRY(refuse_both(user.label, "client-certificate", !user.client_certificate.empty(),
                  !user.client_certificate_data.empty()));
  TRY(refuse_both(user.label, "client-key", !user.client_key.empty(), !user.client_key_data.empty()));
  const bool certificate = !user.client_certificate.empty() || !user.client_certificate_data.empty();
  const bool key = !user.client_key.empty() || !user.client_key_data.empty();
  if (certificate != key) {
    return fail(Code::kInvalid,
                user.label + (certificate ? ": there is a client-certificate but no client-key"
                                          : ": there is a client-key but no client-certificate"));
  }
  return check_pem(user.label, "client-certificate-data", user.client_certificate_data);
}

Result<> check_user(const Kubeconfig::User& user) {
  TRY(check_client_certificate(user));
  if (!user.auth_provider.empty()) {
    return fail(Code::kUnsupported, user.label + ": auth-provider " + quote(user.auth_provider) +
                                        " is not supported; use an exec plugin");
  }
  const bool token = !user.token.empty() || !user.token_file.empty();
  if (token && !user.username.empty()) {
    return fail(Code::kInvalid, user.label + ": there are a token and a username; keep one of them");
  }
  const bool more_than_a_name =
      !user.impersonate_uid.empty() || !user.impersonate_groups.empty() || !user.impersonate_extra.empty();
  if (user.impersonate_user.empty() && more_than_a_name) {
    return fail(Code::kInvalid, user.label + ": as-uid, as-groups and as-user-extra need `as`");
  }
  return {};
}

Result<> refuse_local(const Kubeconfig::Cluster& cluster, const Kubeconfig::User& user) {
  const auto refuse = [](const std::string& label, std::string_view field) {
    return fail(Code::kForbidden, label + ": a kubeconfig that came from elsewhere must not have " +
                                      std::string(field) + "; data in the kubeconfig itself is fine");
  };
  if (!cluster.certificate_authority.empty()) return refuse(cluster.label, "certificate-authority");
  if (!user.client_certificate.empty()) return refuse(user.label, "client-certificate");
  if (!user.client_key.empty()) return refuse(user.label, "client-key");
  if (!user.token_file.empty()) return refuse(user.label, "tokenFile");
  if (user.exec) return refuse(user.label, "exec");
  return {};
}

/// As client-go: without a scheme it is https if anything speaks of TLS.
Result<http::Url> parse_server(const Kubeconfig::Cluster& cluster, const Kubeconfig::User& user) {
  if (cluster.server.empty()) return fail(Code::kInvalid, cluster.label + ": server is missing");
  auto text = cluster.server;
  if (text.find("://") == std::string::npos) {
    const bool tls = !cluster.certificate_authority.empty() || !cluster.certificate_authority_data.empty() ||
                     !user.client_certificate.empty() || !user.client_certificate_data.empty() ||
                     cluster.insecure_skip_tls_verify;
    text = (tls ? "https://" : "http://") + text;
  }
  auto url = http::Url::parse(text);
  if (!url) {
    // The text itself stays out: it may hold a password.
    return fail(Code::kInvalid, cluster.label + ": server is no URL: " + url.error().message());
  }
  if (url->query()) {
    return fail(Code::kInvalid, cluster.label + ": server " + quote(url->for_log()) + " has a query");
  }
  return *std::move(url);
}

Credentials credentials_of(Kubeconfig::User&& user) {
  return {.token = std::move(user.token),
          .token_file = std::move(user.token_file),
          .username = std::move(user.username),
          .password = std::move(user.password),
          .client_certificate = std::move(user.client_certificate_data),
          .client_certificate_file = std::move(user.client_certificate),
          .client_key = std::move(user.client_key_data),
          .client_key_file = std::move(user.client_key),
          .exec = std::move(user.exec),
          .label = std::move(user.label)};
}

Result<Impersonation> choose_impersonation(const Kubeconfig::User& user, const Impersonation& overrides) {
  Impersonation chosen{.user = user.impersonate_user,
                       .uid = user.impersonate_uid,
                       .groups = user.impersonate_groups,
                       .extra = user.impersonate_extra};
  if (!overrides.user.empty()) return overrides;
  if (!overrides.uid.empty() || !overrides.groups.empty() || !overrides.extra.empty()) {
    if (chosen.user.empty()) {
      return fail(Code::kInvalid, "impersonating a UID, groups or extra values needs a user to impersonate");
    }
    if (!overrides.uid.empty()) chosen.uid = overrides.uid;
    if (!overrides.groups.empty()) chosen.groups = overrides.groups;
    if (!overrides.extra.empty()) chosen.extra = overrides.extra;
  }
  return chosen;
}

}  // namespace

Result<ClientConfig> resolve(const Kubeconfig& kubeconfig, const ConfigOverrides& overrides,
                             KubeconfigOrigin origin) {
  const auto chosen = TRY(choose_context(kubeconfig, overrides));
  auto cluster = TRY(choose_cluster(kubeconfig, chosen, overrides));
  auto user = TRY(choose_user(kubeconfig, chosen, overrides));
  if (origin == KubeconfigOrigin::kForeign) TRY(refuse_local(cluster, user));
  apply_cluster_overrides(cluster, overrides);
  TRY(check_cluster(cluster));
  TRY(check_user(user));
  auto server = TRY(parse_server(cluster, user));
  auto impersonate = TRY(choose_impersonation(user, overrides.impersonate));
  auto credentials = credentials_of(std::move(user));
  if (!overrides.token.empty()) credentials = {.token = overrides.token, .label = credentials.label};
  // As kubectl: what everybody on the way could read is not shown.
  if (!server.is_https()) credentials = {.label = credentials.label};
  return ClientConfig{.server = std::move(server),
                      .ns = overrides.ns.empty() ? chosen.ns : overrides.ns,
                      .authorities = std::move(cluster.certificate_authority_data),
                      .authorities_file = std::move(cluster.certificate_authority),
                      .tls_server_name = std::move(cluster.tls_server_name),
                      .insecure_skip_tls_verify = cluster.insecure_skip_tls_verify,
                      .proxy_url = std::move(cluster.proxy_url),
                      .disable_compression = cluster.disable_compression,
                      .credentials = std::move(credentials),
                      .impersonate = std::move(impersonate),
                      .exec_config = std::move(cluster.exec_config),
                      .label = std::move(cluster.label)};
}

bool is_in_cluster(const std::string& folder) {
  const auto set = [](const char* name) { return !os::get_env(name).value_or("").empty(); };
  if (!set("KUBERNETES_SERVICE_HOST") || !set("KUBERNETES_SERVICE_PORT")) return false;
  const auto token = os::find_file(os::join_path(folder, "token"));
  return token && token->has_value();
}

Result<ClientConfig> in_cluster_config(const std::string& folder) {
  const auto host = os::get_env("KUBERNETES_SERVICE_HOST").value_or("");
  const auto port = os::get_env("KUBERNETES_SERVICE_PORT").value_or("");
  if (host.empty() || port.empty()) {
    return fail(Code::kNotFound,
                "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
  }
  const bool is_ipv6 = host.find(':') != std::string::npos;
  const auto url = "https://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + port;
  const auto wrong_url = context("cannot use KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT");
  ClientConfig config{.server = TRY(http::Url::parse(url).map_error(wrong_url)),
                      .authorities_file = os::join_path(folder, "ca.crt"),
                      .credentials = {.token_file = os::join_path(folder, "token"),
                                      .label = "the service account of this pod"},
                      .label = "the cluster of this pod"};
  const auto ns = os::read_file(os::join_path(folder, "namespace"), kMaxNamespaceBytes);
  if (ns) config.ns = trim(*ns);
  return config;
}

namespace {

Result<ClientConfig> in_cluster_with(const LoadOptions& options) {
  auto config = TRY(in_cluster_config(options.service_account_folder));
  const auto& overrides = options.overrides;
  if (!overrides.ns.empty()) config.ns = overrides.ns;
  if (!overrides.token.empty()) {
    config.credentials = {.token = overrides.token, .label = config.credentials.label};
  }
  config.impersonate = TRY(choose_impersonation({}, overrides.impersonate));
  return config;
}

}  // namespace

Result<ClientConfig> load_client_config(const LoadOptions& options) {
  const auto& overrides = options.overrides;
  const auto files = KubeconfigFiles::find(options.kubeconfig);
  const auto kubeconfig = TRY(load_kubeconfig(files));
  const bool named_elsewhere =
      !overrides.context.empty() || !overrides.cluster.empty() || !overrides.user.empty();
  if (!kubeconfig.empty() || !overrides.server.empty() || files.required) {
    return resolve(kubeconfig, overrides);
  }
  if (!named_elsewhere && is_in_cluster(options.service_account_folder)) return in_cluster_with(options);
  const auto looked = files.paths.empty() ? std::string("no home folder") : files.to_string();
  return fail(Code::kNotFound, "there is no Kubernetes configuration: no kubeconfig (" + looked +
                                   ") and no service account of a pod; set KUBECONFIG or name a file");
}

}  // namespace klutch::kube
