// SPDX-License-Identifier: Apache-2.0
#include "crypto/certificate_verify.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/check.h"
#include "base/strings.h"
#include "base/time.h"
#include "crypto/certificate_access.h"

namespace klutch::crypto {
namespace {

constexpr int kMaxIntermediates = 8;
constexpr int kSecurityLevel = 2;  // 112 bits, as Debian's OpenSSL demands of TLS
constexpr std::size_t kMaxHost = 253;

struct BorrowedStackDeleter {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};
using BorrowedStack = std::unique_ptr<STACK_OF(X509), BorrowedStackDeleter>;

BorrowedStack borrow(std::span<const Certificate> certificates) {
  BorrowedStack stack(sk_X509_new_null());
  CHECK(stack != nullptr);
  for (const auto& certificate : certificates)
    CHECK(sk_X509_push(stack.get(), openssl::native(certificate)) > 0);
  return stack;
}

bool is_address(const std::string& host) {
  in6_addr buffer;
  return inet_pton(AF_INET, host.c_str(), &buffer) == 1 || inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

/// Only what can be a host name reaches OpenSSL, which gives a leading dot a meaning of its own.
bool is_host_name(std::string_view host) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; };
  return !host.empty() && host.size() <= kMaxHost && host.front() != '.' &&
         std::ranges::all_of(host, allowed);
}

std::string explain(const CertificateInfo& info, int error) {
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) return "it expired at " + format_rfc3339(info.not_after);
  if (error == X509_V_ERR_CERT_NOT_YET_VALID)
    return "it is not valid before " + format_rfc3339(info.not_before);
  return X509_verify_cert_error_string(error);
}

Error failure(X509_STORE_CTX* ctx, const Certificate& leaf) {
  const int error = X509_STORE_CTX_get_error(ctx);
  const int depth = X509_STORE_CTX_get_error_depth(ctx);
  X509* culprit = X509_STORE_CTX_get_current_cert(ctx);
  ERR_clear_error();
  if (culprit == nullptr || X509_up_ref(culprit) != 1) culprit = nullptr;
  const auto named =
      culprit == nullptr ? leaf : CertificateAccess::make(openssl::X509Ptr(culprit)).value_or(leaf);
  const CertificateInfo& info = named.info();
  return {Code::kUnauthenticated, fmt::format("certificate {} of {} is not trusted: {}", depth + 1,
                                              quote(info.subject.text), explain(info, error))};
}

}  // namespace

Result<> verify_chain(std::span<const Certificate> chain, std::span<const Certificate> trusted,
                      const VerifyOptions& options) {
  if (chain.empty()) return fail(Code::kUnauthenticated, "there is no certificate to verify");
  const openssl::Store store(X509_STORE_new());
  const openssl::StoreCtx ctx(X509_STORE_CTX_new());
  CHECK(store != nullptr && ctx != nullptr);
  const BorrowedStack anchors = borrow(trusted);
  const BorrowedStack intermediates = borrow(chain.subspan(1));
  CHECK(X509_STORE_CTX_init(ctx.get(), store.get(), openssl::native(chain.front()), intermediates.get()) ==
        1);
  X509_STORE_CTX_set0_trusted_stack(ctx.get(), anchors.get());

  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(ctx.get());
  // As Go and kubectl do: whatever is in the bundle is an anchor, be it self-signed or not.
  CHECK(X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1);
  const bool server = options.purpose == Purpose::kServer;
  CHECK(X509_VERIFY_PARAM_set_purpose(param, server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT) ==
        1);
  X509_VERIFY_PARAM_set_depth(param, kMaxIntermediates);
  X509_VERIFY_PARAM_set_auth_level(param, kSecurityLevel);
  X509_VERIFY_PARAM_set_time(
      param, std::chrono::floor<std::chrono::seconds>(options.now).time_since_epoch().count());

  if (X509_verify_cert(ctx.get()) != 1) return fail(failure(ctx.get(), chain.front()));
  ERR_clear_error();
  if (options.host && !matches_host(chain.front(), *options.host)) {
    return fail(Code::kUnauthenticated,
                fmt::format("the certificate of {} is not for {}", quote(chain.front().info().subject.text),
                            quote(*options.host)));
  }
  return {};
}

bool matches_host(const Certificate& certificate, std::string_view host) {
  X509* x509 = openssl::native(certificate);
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string name(host);
  int verdict = 0;
  if (is_address(name)) {
    verdict = X509_check_ip_asc(x509, name.c_str(), 0);
  } else if (is_host_name(name)) {
    verdict =
        X509_check_host(x509, name.data(), name.size(),
                        X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr);
  }
  ERR_clear_error();
  return verdict == 1;
}

}  // namespace klutch::crypto
