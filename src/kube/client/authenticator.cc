// SPDX-License-Identifier: Apache-2.0
#include "kube/client/authenticator.h"

#include <optional>
#include <utility>

#include "base/strings.h"
#include "crypto/base64.h"
#include "http/headers.h"
#include "kube/client/client_certificate.h"
#include "kube/client/exec_credentials.h"
#include "kube/client/reread_file.h"
#include "obs/log.h"

namespace klutch::kube {
namespace {

using SecretPtr = std::shared_ptr<const klutch::Secret>;
using When = RereadFile::When;

constexpr std::size_t kMaxTokenBytes = 64 * 1024;
constexpr std::size_t kMaxPemBytes = std::size_t{1} << 20;

Result<SecretPtr> bearer(const std::string& label, std::string_view token) {
  token = trim(token);
  if (!http::is_field_value(token)) {
    return fail(Code::kInvalid, label + ": the token has characters that no token can have");
  }
  std::string value = "Bearer ";
  value += token;
  return std::make_shared<const klutch::Secret>(klutch::Secret::take(value));
}

SecretPtr basic(const std::string& user, const klutch::Secret& password) {
  std::string pair = user + ":";
  pair += password.reveal();
  std::string value = "Basic " + crypto::base64_encode(pair);
  wipe_string(pair);
  return std::make_shared<const klutch::Secret>(klutch::Secret::take(value));
}

/// Token, token file, or user name and password.
class Authorization {
 public:
  Result<> load(Ctx& ctx, const Credentials& credentials, Duration interval) {
    label_ = credentials.label;
    if (!credentials.token.empty()) value_ = TRY(bearer(label_, credentials.token.reveal()));
    if (!credentials.token_file.empty()) {
      file_ = RereadFile(credentials.token_file, kMaxTokenBytes, interval);
      auto loaded = file_.load(ctx);
      if (loaded) {
        value_ = TRY(bearer(label_, file_.content()));
      } else if (!value_) {
        return fail(loaded.error().with_context("cannot read the token of " + label_));
      }
    }
    if (!value_ && !credentials.username.empty()) {
      if (credentials.username.find(':') != std::string::npos) {
        return fail(Code::kInvalid, label_ + ": a username cannot have a ':'");
      }
      value_ = basic(credentials.username, credentials.password);
    }
    return {};
  }

  SecretPtr get(Ctx& ctx, When when) {
    if (file_.refresh(ctx, when)) {
      auto next = bearer(label_, file_.content());
      if (next) value_ = *std::move(next);
    }
    return value_;
  }

 private:
  std::string label_;
  RereadFile file_;
  SecretPtr value_;
};

/// A client certificate from the configuration or from two files.
class CertificateSource {
 public:
  Result<> load(Ctx& ctx, const Credentials& credentials, const AuthenticatorOptions& options) {
    label_ = credentials.label;
    certificate_ = RereadFile(credentials.client_certificate_file, kMaxPemBytes, options.reread_interval);
    key_ = RereadFile(credentials.client_key_file, kMaxPemBytes, options.reread_interval);
    inline_certificate_ = credentials.client_certificate;
    inline_key_ = credentials.client_key;
    const auto unreadable = context("cannot read the client certificate of " + label_);
    if (certificate_.named()) TRY(certificate_.load(ctx).map_error(unreadable));
    if (key_.named()) TRY(key_.load(ctx).map_error(context("cannot read the client key of " + label_)));
    if (!certificate_.named() && inline_certificate_.empty()) return {};
    current_ = TRY(make_client_certificate(label_, pair()));
    return {};
  }

  /// The pair, null if none is configured.
  std::shared_ptr<const http::KeyPair> get(Ctx& ctx, When when) {
    const bool certificate_changed = certificate_.refresh(ctx, when);
    const bool key_changed = key_.refresh(ctx, when);
    if (certificate_changed || key_changed) adopt();
    return current_ ? current_->identity : nullptr;
  }

  [[nodiscard]] Result<> check(Time now) const {
    if (!current_) return {};
    return check_validity(*current_, label_, now);
  }

 private:
  [[nodiscard]] http::KeyPair pair() const {
    return {
        .certificate_chain = certificate_.named() ? std::string(certificate_.content()) : inline_certificate_,
        .private_key = key_.named() ? klutch::Secret(key_.content()) : inline_key_};
  }

  /// While one of two files has been replaced and the other not, they do not fit: the old pair stays.
  void adopt() {
    static const obs::Logger kLog("kube.client");
    auto next = make_client_certificate(label_, pair());
    if (next) {
      current_ = *std::move(next);
      kLog.info("took a new client certificate", {{"file", certificate_.path()}});
    } else {
      kLog.warn("cannot use the new client certificate yet", {{"error", next.error()}});
    }
  }

  std::string label_;
  RereadFile certificate_;
  RereadFile key_;
  std::string inline_certificate_;
  klutch::Secret inline_key_;
  std::optional<ClientCertificate> current_;
};

class ConfiguredAuthenticator final : public Authenticator {
 public:
  explicit ConfiguredAuthenticator(const AuthenticatorOptions& options) : options_(options) {}

  Result<> load(Ctx& ctx, const ClientConfig& config) {
    const auto& credentials = config.credentials;
    TRY(authorization_.load(ctx, credentials, options_.reread_interval));
    TRY(certificate_.load(ctx, credentials, options_));
    if (credentials.exec && !authorization_.get(ctx, When::kDue)) {
      exec_ = std::make_unique<ExecCredentials>(config, options_);
    }
    // Before the first connection, because the plugin is not asked yet.
    if (!authorization_.get(ctx, When::kDue) && !exec_) TRY(certificate_.check(options_.clock->now()));
    return {};
  }

  Result<CredentialPtr> get(Ctx& ctx) override { return collect(ctx, When::kDue); }

  Result<CredentialPtr> renew(Ctx& ctx, const CredentialPtr& refused) override {
    if (current_ == refused) {
      if (exec_) TRY(exec_->renew(ctx));
      TRY(collect(ctx, When::kNow));
    }
    return current_ == refused ? nullptr : current_;
  }

 private:
  Result<CredentialPtr> collect(Ctx& ctx, When when) {
    Credential next{authorization_.get(ctx, when), certificate_.get(ctx, when)};
    if (exec_) {
      const auto given = TRY(exec_->get(ctx));
      if (given->authorization) next.authorization = given->authorization;
      if (given->identity) next.identity = given->identity;
    } else if (!next.authorization && !certificate_.check(options_.clock->now())) {
      next.identity = certificate_.get(ctx, When::kNow);
      TRY(certificate_.check(options_.clock->now()));
    }
    if (!current_ || current_->authorization != next.authorization || current_->identity != next.identity) {
      current_ = std::make_shared<const Credential>(std::move(next));
    }
    return current_;
  }

  AuthenticatorOptions options_;
  Authorization authorization_;
  CertificateSource certificate_;
  std::unique_ptr<ExecCredentials> exec_;
  CredentialPtr current_;
};

}  // namespace

Result<std::unique_ptr<Authenticator>> Authenticator::create(Ctx& ctx, const ClientConfig& config,
                                                             const AuthenticatorOptions& options) {
  auto authenticator = std::make_unique<ConfiguredAuthenticator>(options);
  TRY(authenticator->load(ctx, config));
  return authenticator;
}

}  // namespace klutch::kube
