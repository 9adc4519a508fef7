// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "async/ctx.h"
#include "base/result.h"
#include "http/tls.h"
#include "kube/client/client_config.h"
#include "kube/client/reread_file.h"

// Private to kube/client: TLS settings for one API server. Made anew when the file of its authorities or our
// own certificate changes, and kept otherwise, because connections belong to their settings. One loop.

namespace klutch::kube {

class TlsSource {
 public:
  /// Reads the file of authorities, if there is one. kInvalid and kNotFound name the cluster.
  static Result<TlsSource> create(Ctx& ctx, const ClientConfig& config, Duration reread_interval);

  /// For connections that show `identity`, which may be null.
  Result<http::TlsClient> get(Ctx& ctx, const std::shared_ptr<const http::KeyPair>& identity);
  /// To be called when the server's certificate was not accepted. True if there are new authorities.
  bool renew(Ctx& ctx) { return refresh(ctx, RereadFile::When::kNow); }

 private:
  explicit TlsSource(const ClientConfig& config, Duration reread_interval);
  bool refresh(Ctx& ctx, RereadFile::When when);
  [[nodiscard]] Result<> check_authorities(std::string_view pem) const;

  std::string label_;
  RereadFile file_;
  http::TlsClient::Options options_;
  std::optional<http::TlsClient> current_;
};

}  // namespace klutch::kube
