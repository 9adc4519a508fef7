// SPDX-License-Identifier: Apache-2.0
#include "kube/client/tls_source.h"

#include "crypto/certificate.h"
#include "obs/log.h"

namespace klutch::kube {
namespace {

constexpr std::size_t kMaxBundleBytes = std::size_t{4} << 20;

}  // namespace

TlsSource::TlsSource(const ClientConfig& config, Duration reread_interval)
    : label_(config.label),
      file_(config.authorities_file, kMaxBundleBytes, reread_interval),
      options_{.trusted = config.authorities,
               .server_name = config.tls_server_name,
               .insecure_skip_verify = config.insecure_skip_tls_verify} {}

Result<TlsSource> TlsSource::create(Ctx& ctx, const ClientConfig& config, Duration reread_interval) {
  TlsSource source(config, reread_interval);
  if (!source.file_.named()) return source;
  TRY(source.file_.load(ctx).map_error(context("cannot read the authorities of " + config.label)));
  TRY(source.check_authorities(source.file_.content()));
  source.options_.trusted = source.file_.content();
  return source;
}

Result<> TlsSource::check_authorities(std::string_view pem) const {
  const auto read = crypto::parse_certificates(pem);
  if (read) return {};
  return fail(Code::kInvalid,
              label_ + ": " + file_.path() + " holds no certificates in PEM: " + read.error().message());
}

bool TlsSource::refresh(Ctx& ctx, RereadFile::When when) {
  if (!file_.refresh(ctx, when)) return false;
  static const obs::Logger kLog("kube.client");
  const auto good = check_authorities(file_.content());
  if (!good) {
    kLog.warn("cannot use the new authorities", {{"error", good.error()}});
    return false;
  }
  kLog.info("took new authorities", {{"file", file_.path()}});
  options_.trusted = file_.content();
  current_.reset();
  return true;
}

Result<http::TlsClient> TlsSource::get(Ctx& ctx, const std::shared_ptr<const http::KeyPair>& identity) {
  refresh(ctx, RereadFile::When::kDue);
  if (current_ && options_.identity == identity) return *current_;
  options_.identity = identity;
  current_.reset();
  auto made = http::TlsClient::create(options_);
  if (!made) return fail(made.error().with_context("cannot set up TLS for " + label_));
  current_ = *made;
  return *std::move(made);
}

}  // namespace klutch::kube
