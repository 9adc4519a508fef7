// SPDX-License-Identifier: Apache-2.0
// Serves one fixed answer of 1 KiB over TLS, for run.sh: bench_server PORT CERTIFICATE KEY
#include <charconv>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "async/loop.h"
#include "async/signals.h"
#include "http/router.h"
#include "http/server.h"

namespace {

using klutch::Ctx;
using klutch::Result;
namespace http = klutch::http;

std::string read_file(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Result<> serve(Ctx& ctx, std::uint16_t port, const char* certificate, const char* key) {
  std::string key_text = read_file(key);
  http::ServerOptions options;
  options.addresses = {{"127.0.0.1", port, {}}};
  options.limits.connections = 4096;
  options.tls =
      TRY(http::TlsServer::create({.identity = {read_file(certificate), klutch::Secret::take(key_text)}}));
  const auto answer = std::make_shared<const std::string>(1024, 'x');
  http::Router router;
  router.get("/", [answer](Ctx&, http::ServerRequest&) -> Result<http::Response> {
    return http::Response{200, {{"Content-Type", "text/plain"}}, http::Body(answer), {}};
  });
  auto server = TRY(http::Server::listen(ctx.loop(), std::move(options), std::move(router).to_handler()));
  return klutch::async::run_until_signalled(ctx, [&](Ctx& task) { return server.serve(task); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  std::uint16_t port = 0;
  std::from_chars(argv[1], argv[1] + std::char_traits<char>::length(argv[1]), port);
  klutch::async::Loop loop;
  const auto result = loop.run([&](Ctx& ctx) { return serve(ctx, port, argv[2], argv[3]); });
  if (!result) std::fprintf(stderr, "%s\n", result.error().message().c_str());
  return result ? 0 : 1;
}
