// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/webhook_checks.h"

#include "apiserver/schema/go_url.h"
#include "apiserver/schema/name_rules.h"
#include "crypto/base64.h"
#include "crypto/certificate.h"

namespace klutch::apiserver {
namespace {

FieldErrors validate_service_path(const FieldPath& path, std::string_view url_path) {
  if (url_path.empty() || url_path == "/") return {};
  if (url_path == "//") return {FieldError::invalid(path, url_path, "segment[0] may not be empty")};
  FieldErrors errors;
  if (!url_path.starts_with('/'))
    errors.push_back(FieldError::invalid(path, url_path, "must start with a '/'"));
  std::string_view rest = url_path.substr(1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  for (std::size_t i = 0;; ++i) {
    const auto slash = rest.find('/');
    const std::string segment = "segment[" + std::to_string(i) + "]";
    const std::string_view step = rest.substr(0, slash);
    if (step.empty()) {
      errors.push_back(FieldError::invalid(path, url_path, segment + " may not be empty"));
    } else {
      for (const std::string& problem : check_dns1123_subdomain(step)) {
        errors.push_back(FieldError::invalid(path, url_path, segment + ": " + problem));
      }
    }
    if (slash == std::string_view::npos) return errors;
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace

FieldErrors validate_webhook_url(const FieldPath& path, std::string_view url) {
  const std::string form = "; desired format: https://host[/path]";
  const auto parsed = go_parse_url(url);
  if (!parsed) {
    return {FieldError::required(path, "url must be a valid URL: " + parsed.error().message() + form)};
  }
  FieldErrors errors;
  if (parsed->scheme != "https") {
    errors.push_back(
        FieldError::invalid(path, parsed->scheme, "'https' is the only allowed URL scheme" + form));
  }
  if (parsed->host.empty()) {
    errors.push_back(FieldError::invalid(path, parsed->host, "host must be specified" + form));
  }
  if (!parsed->user.empty()) {
    errors.push_back(FieldError::invalid(path, parsed->user, "user information is not permitted in the URL"));
  }
  if (!parsed->fragment.empty()) {
    errors.push_back(FieldError::invalid(path, parsed->fragment, "fragments are not permitted in the URL"));
  }
  if (!parsed->raw_query.empty()) {
    errors.push_back(
        FieldError::invalid(path, parsed->raw_query, "query parameters are not permitted in the URL"));
  }
  return errors;
}

FieldErrors validate_webhook_service(const FieldPath& path, const WebhookService& service) {
  FieldErrors errors;
  if (service.name.empty()) errors.push_back(FieldError::required(path.child("name")));
  if (service.ns.empty()) errors.push_back(FieldError::required(path.child("namespace")));
  if (service.port < 1 || service.port > 65535) {
    errors.push_back(FieldError::invalid(path.child("port"), service.port,
                                         "port is not valid: must be between 1 and 65535, inclusive"));
  }
  if (service.path) append(errors, validate_service_path(path.child("path"), *service.path));
  return errors;
}

FieldErrors validate_ca_bundle(const FieldPath& path, std::string_view bundle) {
  if (bundle.empty()) return {};
  const auto refuse = [&](const std::string& why) -> FieldErrors {
    return {FieldError::invalid(path, bundle, "unable to load root certificates: " + why)};
  };
  const auto pem = crypto::base64_decode(bundle);
  if (!pem || pem->find("-----BEGIN ") == std::string::npos) {
    return refuse("unable to parse bytes as PEM block");
  }
  const auto certificates = crypto::parse_certificates(*pem);
  if (!certificates) return refuse("failed to parse certificate: " + certificates.error().message());
  return {};
}

}  // namespace klutch::apiserver
