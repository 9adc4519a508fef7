// SPDX-License-Identifier: Apache-2.0
// Any bytes as two kubeconfigs: refused with an error, or read, merged and resolved in every context without
// touching a file; what is written reads back as the same. And as what a credential plugin prints.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/strings.h"
#include "kube/client/client_config.h"
#include "kube/client/exec_credentials.h"
#include "kube/client/kubeconfig.h"

namespace {

using klutch::Code;
using klutch::Result;
using namespace klutch::kube;

template <class T>
void check_error(const Result<T>& result) {
  if (result) return;
  CHECK(!result.error().message().empty());
  CHECK(!klutch::is(result.error(), Code::kInternal));
}

Kubeconfig parse_or_empty(std::string_view text, std::string_view file) {
  auto config = Kubeconfig::parse(text, file);
  check_error(config);
  return config ? *std::move(config) : Kubeconfig();
}

void resolve_all(const Kubeconfig& config) {
  auto names = config.context_names();
  names.emplace_back();
  for (const auto& name : names) {
    const auto own = resolve(config, {.context = name});
    check_error(own);
    const auto foreign = resolve(config, {.context = name}, KubeconfigOrigin::kForeign);
    check_error(foreign);
    if (foreign) {
      CHECK(own.has_value());
      CHECK(!foreign->credentials.exec && foreign->credentials.token_file.empty());
      CHECK(foreign->credentials.client_certificate_file.empty() && foreign->authorities_file.empty());
    }
    if (own && own->credentials.exec) CHECK(!exec_info(*own, own->authorities, false).empty());
    check_error(resolve(config, {.context = name, .server = "https://h", .token = klutch::Secret("t")}));
  }
}

void write_and_read(const Kubeconfig& config) {
  const auto text = config.to_yaml();
  const auto again = Kubeconfig::parse(text);
  if (!again) {
    // YAML may be many times larger than what it was read from.
    CHECK(klutch::is(again.error(), Code::kTooLarge));
    return;
  }
  CHECK(again->to_yaml() == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto halves = klutch::split_once(text, "\n=====\n");
  auto config = parse_or_empty(halves ? halves->first : text, "/a/config");
  if (halves) config.merge(parse_or_empty(halves->second, "b"));
  resolve_all(config);
  write_and_read(config);
  for (const auto& name : config.context_names()) {
    auto context = config.get_context(name).value();
    context.ns = "changed";
    config.set_context(name, context);
    if (const auto cluster = config.get_cluster(context.cluster))
      config.set_cluster(context.cluster, *cluster);
    if (const auto user = config.get_user(context.user)) config.set_user(context.user, *user);
  }
  write_and_read(config);
  check_error(parse_exec_credential(text, "client.authentication.k8s.io/v1", "it"));
  return 0;
}
