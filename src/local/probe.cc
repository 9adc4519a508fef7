// SPDX-License-Identifier: Apache-2.0
#include "local/probe.h"

#include <algorithm>

#include "base/os/file.h"
#include "http/client.h"

namespace klutch::local {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(10);
constexpr Duration kLongestPause = std::chrono::milliseconds(250);
constexpr Duration kAnswerTime = std::chrono::seconds(5);

}  // namespace

Result<> probe(Ctx& ctx, const Component& component) {
  const auto trusted = os::read_file(component.authority);
  if (!trusted) return fail(Code::kUnavailable, component.title + " has no certificate yet");
  http::ClientOptions options;
  options.tls = TRY(http::TlsClient::create({.trusted = *trusted}));
  http::Client client(ctx.loop(), std::move(options));
  auto limited = ctx.with_timeout(kAnswerTime);
  auto url = TRY(http::Url::parse(component.health_url));
  const auto response = TRY(client.send(limited, {.url = std::move(url)}));
  if (response.status == 200) return {};
  return fail(Code::kUnavailable, component.title + " is not ready yet");
}

Result<> wait_ready(Ctx& ctx, const Component& component) {
  Duration pause = kFirstPause;
  while (true) {
    if (probe(ctx, component)) return {};
    TRY(ctx.sleep(pause).map_error(context(component.title + " is not ready")));
    pause = std::min(pause * 2, kLongestPause);
  }
}

}  // namespace klutch::local
