// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/state_folder.h"

#include <arpa/inet.h>

#include <algorithm>
#include <utility>

#include "base/os/file.h"
#include "crypto/base64.h"
#include "crypto/certificate_authority.h"
#include "json/build.h"
#include "json/yaml.h"

namespace klutch::apiserver {
namespace {

struct Paths {
  explicit Paths(const std::string& folder)
      : ca(folder + "/pki/ca"), server(folder + "/pki/server"), kubeconfig(folder + "/admin.kubeconfig") {}
  std::string ca;
  std::string server;
  std::string kubeconfig;
};

Result<bool> exists(const std::string& path) {
  return TRY(os::find_file(path)).has_value();
}

Result<crypto::PrivateKey> read_key(const std::string& path) {
  TRY(os::require_private(path));
  return crypto::PrivateKey::from_pem(Secret(TRY(os::read_file(path))))
      .map_error(context("cannot read the key in " + path));
}

Result<crypto::Certificate> read_certificate(const std::string& path) {
  return crypto::parse_certificate(TRY(os::read_file(path)))
      .map_error(context("cannot read the certificate in " + path));
}

/// The certificate last: whoever finds it finds the key, too.
Result<> write_pair(const std::string& stem, const crypto::Certificate& certificate,
                    const crypto::PrivateKey& key) {
  TRY(os::write_file_atomic(stem + ".key", key.to_pem().reveal()));
  return os::write_file_atomic(stem + ".crt", certificate.to_pem(), 0644);
}

Result<crypto::CertificateAuthority> open_authority(const Paths& paths, Time now) {
  if (TRY(exists(paths.ca + ".crt"))) {
    auto certificate = TRY(read_certificate(paths.ca + ".crt"));
    auto key = TRY(read_key(paths.ca + ".key"));
    return crypto::CertificateAuthority::load(std::move(certificate), std::move(key))
        .map_error(context(paths.ca + ".crt"));
  }
  auto made = TRY(crypto::CertificateAuthority::create({.common_name = "klutch-apiserver"}, now));
  TRY(write_pair(paths.ca, made.certificate(), made.key()));
  return made;
}

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

crypto::CertificateNames server_names(const std::vector<std::string>& hosts) {
  crypto::CertificateNames names;
  names.common_name = "klutch-apiserver";
  names.dns_names = {"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                     "kubernetes.default.svc.cluster.local"};
  names.ip_addresses = {"127.0.0.1", "::1"};
  for (const auto& host : hosts) {
    auto& list = is_address(host) ? names.ip_addresses : names.dns_names;
    if (std::ranges::find(list, host) == list.end()) list.push_back(host);
  }
  return names;
}

bool covers(const crypto::CertificateInfo& have, const crypto::CertificateNames& wanted) {
  const auto all_in = [](const auto& part, const auto& whole) {
    return std::ranges::all_of(
        part, [&](const std::string& each) { return std::ranges::find(whole, each) != whole.end(); });
  };
  return all_in(wanted.dns_names, have.dns_names) && all_in(wanted.ip_addresses, have.ip_addresses);
}

Result<http::KeyPair> open_server_identity(const Paths& paths, const crypto::CertificateAuthority& ca,
                                           const crypto::CertificateNames& names, Time now) {
  if (TRY(exists(paths.server + ".crt"))) {
    const auto certificate = TRY(read_certificate(paths.server + ".crt"));
    const auto key = TRY(read_key(paths.server + ".key"));
    if (!crypto::should_rotate(certificate, now) && covers(certificate.info(), names)) {
      return http::KeyPair{certificate.to_pem(), key.to_pem()};
    }
  }
  const auto issued = TRY(ca.issue_with_new_key({.names = names, .for_server = true}, now));
  TRY(write_pair(paths.server, issued.certificate, issued.key));
  return http::KeyPair{issued.certificate.to_pem(), issued.key.to_pem()};
}

/// Whether the file is a kubeconfig of ours for `url` with a certificate that need not be renewed.
bool is_current(const std::string& text, const std::string& url, Time now) {
  const auto config = json::parse_yaml(text);
  const auto* clusters = config ? config->find_array("clusters") : nullptr;
  const auto* users = config ? config->find_array("users") : nullptr;
  if (clusters == nullptr || users == nullptr || clusters->empty() || users->empty()) return false;
  const auto* cluster = clusters->at(0).find_object("cluster");
  const auto* user = users->at(0).find_object("user");
  if (cluster == nullptr || user == nullptr || cluster->find_string("server") != url) return false;
  const auto pem = crypto::base64_decode(user->find_string("client-certificate-data").value_or(""));
  const auto certificate =
      pem ? crypto::parse_certificate(*pem) : Result<crypto::Certificate>(fail(pem.error()));
  return certificate && !crypto::should_rotate(*certificate, now);
}

json::Value kubeconfig_of(const std::string& url, const std::string& ca_pem,
                          const crypto::IssuedIdentity& identity) {
  const auto encoded = [](std::string_view text) { return crypto::base64_encode(text); };
  return json::object(
      {{"apiVersion", "v1"},
       {"kind", "Config"},
       {"clusters", json::array({json::object(
                        {{"name", "klutch"},
                         {"cluster", json::object({{"server", url},
                                                   {"certificate-authority-data", encoded(ca_pem)}})}})})},
       {"users",
        json::array({json::object(
            {{"name", "admin"},
             {"user", json::object({{"client-certificate-data", encoded(identity.certificate.to_pem())},
                                    {"client-key-data", encoded(identity.key.to_pem().reveal())}})}})})},
       {"contexts",
        json::array({json::object(
            {{"name", "klutch"}, {"context", json::object({{"cluster", "klutch"}, {"user", "admin"}})}})})},
       {"current-context", "klutch"}});
}

}  // namespace

Result<StateFolder> open_state_folder(const StateFolderOptions& options, Time now) {
  TRY(os::make_directories(options.path + "/pki"));
  const Paths paths(options.path);
  const auto ca = TRY(open_authority(paths, now));
  StateFolder folder;
  folder.path = options.path;
  folder.ca_pem = ca.certificate().to_pem();
  folder.server = TRY(open_server_identity(paths, ca, server_names(options.hosts), now));
  return folder;
}

Result<> write_admin_kubeconfig(const StateFolder& folder, const std::string& url, Time now) {
  const Paths paths(folder.path);
  if (TRY(exists(paths.kubeconfig)) && is_current(TRY(os::read_file(paths.kubeconfig)), url, now)) return {};
  const auto ca = TRY(open_authority(paths, now));
  const auto identity = TRY(ca.issue_with_new_key(
      {.names = {.common_name = "admin", .organizations = {"system:masters"}}, .for_client = true}, now));
  return os::write_file_atomic(paths.kubeconfig,
                               json::print_yaml(kubeconfig_of(url, folder.ca_pem, identity)));
}

}  // namespace klutch::apiserver
