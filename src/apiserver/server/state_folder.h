// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/tls.h"

// The folder in which one API server keeps all that it has: certificates, keys, the database, a kubeconfig
// for its administrator. What is missing is made, what is there is kept; keys are readable by their owner
// only. Blocks on the disk.
//
//   pki/ca.crt pki/ca.key           the authority, made once, for ten years
//   pki/server.crt pki/server.key   renewed when two thirds of it have passed, or names are added
//   pki/service-accounts.key        signs the tokens of ServiceAccounts
//   admin.kubeconfig                a client certificate of the group system:masters
// The database and the key that seals Secrets in it: see storage/maintenance.h.

namespace klutch::apiserver {

struct StateFolderOptions {
  std::string path = {};
  /// DNS names and addresses that clients may use besides localhost.
  std::vector<std::string> hosts = {};
};

struct StateFolder {
  std::string path = {};
  std::string ca_pem = {};
  http::KeyPair server = {};

  [[nodiscard]] std::string service_account_key() const { return path + "/pki/service-accounts.key"; }
  [[nodiscard]] std::string admin_kubeconfig() const { return path + "/admin.kubeconfig"; }
};

/// kForbidden for a key that others may read; kInvalid naming the file that is damaged.
Result<StateFolder> open_state_folder(const StateFolderOptions& options, Time now);

/// Writes admin.kubeconfig for `url`, unless it says so already and its certificate has time left.
Result<> write_admin_kubeconfig(const StateFolder& folder, const std::string& url, Time now);

}  // namespace klutch::apiserver
