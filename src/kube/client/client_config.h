// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "http/url.h"
#include "kube/client/kubeconfig.h"
#include "kube/client/kubeconfig_files.h"

// Which API server to talk to and as whom: the one thing HttpClient wants. Comes from a kubeconfig, from the
// service account of a pod, or from the program itself. Plain values.
//
//   const auto config = TRY(kube::load_client_config({.kubeconfig = flag, .overrides = {.context = "dev"}}));
//   const auto client = TRY(kube::HttpClient::make(ctx, config));

namespace klutch::kube {

/// How we show who we are. The first of these that is set counts: token or token_file, username, exec; a
/// client certificate may be shown besides.
struct Credentials {
  klutch::Secret token = {};
  std::string token_file = {};  ///< read again now and then; goes before `token` while it can be read
  std::string username = {};
  klutch::Secret password = {};
  std::string client_certificate = {};       ///< PEM, leaf first
  std::string client_certificate_file = {};  ///< the same from a file, read again when it changes
  klutch::Secret client_key = {};
  std::string client_key_file = {};
  std::optional<ExecPlugin> exec = {};
  /// For messages: user "alice" of /home/me/.kube/config.
  std::string label = "the user";
};

/// Acting as somebody else, where the server allows it.
struct Impersonation {
  std::string user = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::vector<std::pair<std::string, std::vector<std::string>>> extra = {};
};

struct ClientConfig {
  /// With the path below which the API is, if it is not at the root.
  http::Url server;
  /// Of the context; empty if it has none.
  std::string ns = {};

  std::string authorities = {};       ///< PEM; empty, as is the next: the authorities of the system
  std::string authorities_file = {};  ///< the same from a file, read again when it changes
  std::string tls_server_name = {};
  bool insecure_skip_tls_verify = false;

  /// Empty: HTTPS_PROXY and the other variables decide.
  std::string proxy_url = {};
  bool disable_compression = false;
  Credentials credentials = {};
  Impersonation impersonate = {};
  /// What the cluster tells plugins; null if nothing.
  json::Value exec_config = {};
  /// For messages: cluster "dev" of /home/me/.kube/config.
  std::string label = "the cluster";

  [[nodiscard]] std::string namespace_or_default() const { return ns.empty() ? "default" : ns; }
};

/// What goes before the kubeconfig, as kubectl's flags of these names. Empty: as the kubeconfig says.
struct ConfigOverrides {
  std::string context = {};
  std::string cluster = {};
  std::string user = {};
  std::string ns = {};
  std::string server = {};
  std::string tls_server_name = {};
  std::string certificate_authority = {};  ///< a file
  bool insecure_skip_tls_verify = false;
  std::string proxy_url = {};
  /// In place of all credentials of the user, client certificate included.
  klutch::Secret token = {};
  Impersonation impersonate = {};
};

/// Whether a kubeconfig may make us run programs and read files.
enum class KubeconfigOrigin {
  kOwn,      ///< the person who runs the program wrote it
  kForeign,  ///< it came over the network: plugins and references to files are kForbidden
};

/// The choice that `kubeconfig` and `overrides` make, without credentials where the server is not https, as
/// in kubectl. Touches no file. kNotFound naming what a context refers to and does not exist; kInvalid naming
/// entry and field.
Result<ClientConfig> resolve(const Kubeconfig& kubeconfig, const ConfigOverrides& overrides = {},
                             KubeconfigOrigin origin = KubeconfigOrigin::kOwn);

/// Where a pod finds its service account.
inline constexpr std::string_view kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Whether this program runs in a pod: KUBERNETES_SERVICE_HOST and _PORT are set and `folder` has a token.
bool is_in_cluster(const std::string& folder = std::string(kServiceAccountFolder));
/// The API server of the cluster this pod belongs to, as its service account. Blocks on the disk.
Result<ClientConfig> in_cluster_config(const std::string& folder = std::string(kServiceAccountFolder));

struct LoadOptions {
  /// A file that must exist; empty: KUBECONFIG, else ~/.kube/config, else the pod's service account.
  std::string kubeconfig = {};
  ConfigOverrides overrides = {};
  std::string service_account_folder = std::string(kServiceAccountFolder);
};

/// What kubectl would use. Blocks on the disk. kNotFound, saying where it looked, if there is no
/// configuration at all.
Result<ClientConfig> load_client_config(const LoadOptions& options = {});

}  // namespace klutch::kube
