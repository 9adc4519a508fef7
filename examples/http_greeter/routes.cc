// SPDX-License-Identifier: Apache-2.0
#include "routes.h"

#include "jose/jwt.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/patch.h"
#include "json/print.h"
#include "json/yaml.h"

namespace greeter {
namespace {

using klutch::Code;
using klutch::context;
using klutch::Ctx;
using klutch::fail;
using klutch::Result;
using klutch::http::Response;
using klutch::http::ServerRequest;
namespace json = klutch::json;
namespace jose = klutch::jose;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kYaml = "application/yaml";

Response text(std::string_view type, std::string body) {
  return {.headers = {{"Content-Type", type}}, .body = std::move(body)};
}

Result<Response> greet(Ctx&, ServerRequest& request) {
  const auto name = request.query.get("name").value_or("world");
  return text("text/plain; charset=utf-8", "Hello, " + std::string(name) + "!\n");
}

/// JSON in, YAML out, and the other way round.
Result<Response> convert(Ctx& ctx, ServerRequest& request) {
  const auto type = request.headers.get("Content-Type").value_or(kJson);
  const auto body = TRY(request.read_body(ctx));
  if (type == kYaml) return text(kJson, json::print_pretty(TRY(json::parse_yaml(body))) + "\n");
  if (type == kJson) return text(kYaml, json::print_yaml(TRY(json::parse(body))));
  return fail(Code::kUnsupported, "Content-Type must be application/json or application/yaml");
}

/// {"document": ..., "patch": [...]} gives the patched document (RFC 6902).
Result<Response> patch(Ctx& ctx, ServerRequest& request) {
  const auto sent = TRY(request.read_body(ctx));
  auto body = TRY(json::parse(sent));
  auto* document = body.find("document");
  const auto* operations = body.find("patch");
  if (document == nullptr || operations == nullptr) {
    return fail(Code::kInvalid, R"(the body must have the members "document" and "patch")");
  }
  TRY(json::apply_patch(*document, *operations));
  return text(kJson, json::print(*document) + "\n");
}

Result<Response> who_am_i(const Greeter& greeter, ServerRequest& request) {
  const auto header = request.headers.get("Authorization").value_or("");
  if (!header.starts_with("Bearer ")) return fail(Code::kUnauthenticated, "send Authorization: Bearer TOKEN");
  const auto claims = TRY(jose::verify_jwt(
      header.substr(7), greeter.keys,
      {.algorithms = {jose::Algorithm::kEs256}, .issuer = greeter.issuer, .audiences = {greeter.issuer}},
      klutch::system_clock().now()));
  return text(kJson,
              json::print(json::object({{"subject", claims.subject}, {"issuer", claims.issuer}})) + "\n");
}

}  // namespace

Result<std::string> make_token(const Greeter& greeter, std::string_view subject) {
  const auto now = klutch::system_clock().now();
  const auto claims = json::object({{"iss", greeter.issuer},
                                    {"aud", greeter.issuer},
                                    {"sub", subject},
                                    {"iat", jose::to_numeric_date(now)},
                                    {"exp", jose::to_numeric_date(now + std::chrono::hours(1))}});
  return jose::sign_jwt(claims, {.key = greeter.key, .kid = greeter.keys.keys.at(0).kid});
}

void add_routes(klutch::http::Router& router, const Greeter& greeter) {
  router.get("/", greet);
  router.post("/convert", convert);
  router.post("/patch", patch);
  router.get("/whoami", [&greeter](Ctx&, ServerRequest& request) { return who_am_i(greeter, request); });
  router.get("/keys", [&greeter](Ctx&, ServerRequest&) -> Result<Response> {
    return text(kJson, json::print(jose::to_json(greeter.keys)) + "\n");
  });
}

}  // namespace greeter
