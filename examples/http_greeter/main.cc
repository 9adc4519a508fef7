// SPDX-License-Identifier: Apache-2.0
// A small TLS server on the ground floor: certificates of its own, structured logs, metrics, health, graceful
// stop.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "async/loop.h"
#include "async/signals.h"
#include "base/os/file.h"
#include "crypto/certificate_authority.h"
#include "http/observability.h"
#include "http/server.h"
#include "obs/health.h"
#include "obs/log.h"
#include "obs/metrics.h"
#include "routes.h"

namespace {

using namespace klutch;

struct Options {
  std::string listen = "127.0.0.1:0";
  std::string state = ".";
  std::string log = "info";
};

/// A new authority and a certificate for the host in `address`; the authority's goes into ca.pem for clients.
Result<http::KeyPair> make_identity(const Options& options, const http::Address& address) {
  const Time now = system_clock().now();
  const auto ca = TRY(crypto::CertificateAuthority::create({.common_name = "http_greeter"}, now));
  TRY(os::write_file_atomic(options.state + "/ca.pem", ca.certificate().to_pem()));
  const auto issued = TRY(ca.issue_with_new_key(
      {.names = {.common_name = "http_greeter", .dns_names = {"localhost"}, .ip_addresses = {address.host}},
       .for_server = true},
      now));
  return http::KeyPair{issued.certificate.to_pem(), issued.key.to_pem()};
}

Result<greeter::Greeter> make_greeter() {
  auto key = crypto::PrivateKey::generate();
  auto jwk = TRY(jose::make_jwk(key.public_key()));
  return greeter::Greeter{"https://greeter.example", std::move(key), {.keys = {std::move(jwk)}}};
}

Result<> serve(Ctx& ctx, const Options& options) {
  const obs::Logger log("greeter");
  const auto address = TRY(http::Address::parse(options.listen));
  TRY(os::make_directories(options.state));
  const auto greeter = TRY(make_greeter());

  obs::Registry metrics;
  obs::add_process_metrics(metrics);
  obs::HealthChecks health;
  http::Router router;
  greeter::add_routes(router, greeter);
  http::add_metrics_route(router, metrics);
  http::add_health_routes(router, health);

  http::ServerOptions server_options{.addresses = {address}};
  const auto identity = TRY(make_identity(options, address));
  server_options.tls = TRY(http::TlsServer::create({.identity = identity}));
  server_options.observer = http::make_telemetry(metrics, {.server = "greeter"});
  auto server =
      TRY(http::Server::listen(ctx.loop(), std::move(server_options), std::move(router).to_handler()));

  const auto url = "https://" + server.addresses().at(0).to_string();
  const auto token = TRY(greeter::make_token(greeter, "alice"));
  TRY(os::write_file_atomic(options.state + "/token", token));
  TRY(os::write_file_atomic(options.state + "/url", url));  // last: whoever waits for it finds the rest
  log.info("serving", {{"url", url}});
  TRY(server.serve(ctx));
  log.info("stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "A small TLS server that shows what the ground floor can do. Writes ca.pem, token and url into DIR.");
  app.footer(
      "Example:\n  http_greeter --state /tmp/greeter &\n"
      "  curl --cacert /tmp/greeter/ca.pem \"$(cat /tmp/greeter/url)/?name=you\"");
  app.add_option("--listen", options.listen, "HOST:PORT; port 0 takes a free one")->capture_default_str();
  app.add_option("--state", options.state, "folder for what clients need")
      ->type_name("DIR")
      ->capture_default_str();
  app.add_option("--log", options.log, "levels, such as info or info,http=debug")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  async::Loop loop;
  const auto result = loop.run([&](Ctx& ctx) -> Result<> {
    TRY(obs::configure_logging({.levels = options.log}));
    return async::run_until_signalled(ctx, [&](Ctx& task) { return serve(task, options); });
  });
  if (result) return 0;
  std::fprintf(stderr, "http_greeter: %s\n", result.error().message().c_str());
  return traits(result.error().code()).exit_code;
}
