// SPDX-License-Identifier: Apache-2.0
#include "http/observability.h"

#include "http/server.h"
#include "obs/health.h"
#include "obs/log_context.h"
#include "obs/log_sink.h"
#include "obs/metrics.h"
#include "obs/trace.h"
#include "testing/fiber_test.h"
#include "testing/raw_client.h"
#include "testing/running_server.h"

namespace klutch::http {
namespace {

using klutch::testing::RawClient;
using klutch::testing::RunningServer;
using ::testing::HasSubstr;
using ::testing::Not;

std::string get(std::string_view target, std::string_view more = "") {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(more) + "\r\n";
}

class Observed {
 public:
  explicit Observed(Ctx& ctx) : server_(ctx, options(), routes()) {}

  RunningServer& server() { return server_; }
  obs::HealthChecks& checks() { return checks_; }
  std::string metrics() { return obs::render(registry_); }
  obs::Registry& registry() { return registry_; }

 private:
  ServerOptions options() {
    ServerOptions made;
    made.observer = make_telemetry(registry_, {.server = "test", .access_log = true});
    return made;
  }
  Handler routes() {
    Router router;
    add_metrics_route(router, registry_);
    add_health_routes(router, checks_);
    router.get("/things/{name}", [](Ctx& ctx, ServerRequest&) -> Result<Response> {
      return Response{200, {}, Body(obs::traceparent(*ctx.value<obs::TraceContext>())), {}};
    });
    router.get("/logging", [](Ctx& ctx, ServerRequest&) -> Result<Response> {
      static const obs::Logger log("test");
      obs::log_for(log, ctx).info("hello");
      return Response{};
    });
    router.get("/broken",
               [](Ctx&, ServerRequest&) -> Result<Response> { return fail(Code::kInternal, "disk full"); });
    return std::move(router).to_handler();
  }

  obs::Registry registry_;
  obs::HealthChecks checks_;
  RunningServer server_;
};

IO_FIBER_TEST(Observability, CountsByRouteNotByPath) {
  obs::ScopedLogSink sink;
  Observed observed(ctx);
  auto client = RawClient::connect(ctx, observed.server().address()).value();
  for (const char* path : {"/things/a", "/things/b", "/nowhere/1", "/nowhere/2"}) {
    ASSERT_TRUE(client.exchange(ctx, get(path)).has_value());
  }
  const auto response = client.exchange(ctx, get("/metrics"));
  EXPECT_EQ(response->head.headers.get("Content-Type"), obs::kMetricsContentType);
  EXPECT_THAT(response->body,
              HasSubstr("klutch_http_server_requests_total{code=\"200\",method=\"GET\",route=\"/things/"
                        "{name}\",server=\"test\"} 2"));
  EXPECT_THAT(response->body, HasSubstr("route=\"unmatched\",server=\"test\"} 2"));
  EXPECT_THAT(response->body, HasSubstr("klutch_http_server_connections{server=\"test\"} 1"));
  EXPECT_THAT(response->body, HasSubstr("klutch_http_server_requests_in_flight{server=\"test\"} 1"));
  EXPECT_THAT(response->body, Not(HasSubstr("nowhere")));
}

IO_FIBER_TEST(Observability, CountsWhatIsNoRequest) {
  Observed observed(ctx);
  auto client = RawClient::connect(ctx, observed.server().address()).value();
  ASSERT_TRUE(client.exchange(ctx, "nonsense\r\n\r\n").has_value());
  EXPECT_THAT(observed.metrics(),
              HasSubstr("klutch_http_server_refused_requests_total{code=\"400\",server=\"test\"} 1"));
}

IO_FIBER_TEST(Observability, LogsOneLinePerRequestWithoutSecrets) {
  obs::ScopedLogSink sink;
  Observed observed(ctx);
  auto client = RawClient::connect(ctx, observed.server().address()).value();
  ASSERT_TRUE(client
                  .exchange(ctx, get("/things/hush?token=hush",
                                     "Authorization: Bearer hush\r\nX-Request-Id: r-1\r\n"))
                  .has_value());
  const auto lines = sink.lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_THAT(lines[0], HasSubstr("\"route\":\"/things/{name}\""));
  EXPECT_THAT(lines[0], HasSubstr("\"status\":200"));
  EXPECT_THAT(lines[0], HasSubstr("\"request_id\":\"r-1\""));
  EXPECT_THAT(lines[0], HasSubstr("\"trace_id\":\""));
  EXPECT_THAT(lines[0], Not(HasSubstr("hush")));
}

IO_FIBER_TEST(Observability, LinesOfAHandlerCarryTheRequestId) {
  obs::ScopedLogSink sink("off,test=info");
  Observed observed(ctx);
  auto client = *RawClient::connect(ctx, observed.server().address());
  ASSERT_TRUE(client.exchange(ctx, get("/logging", "X-Request-Id: r-3\r\n")).has_value());
  ASSERT_EQ(sink.lines().size(), 1U);
  EXPECT_THAT(sink.lines()[0], HasSubstr("\"request_id\":\"r-3\""));
}

IO_FIBER_TEST(Observability, LogsInternalErrorsThatTheClientDoesNotSee) {
  obs::ScopedLogSink sink("error");
  Observed observed(ctx);
  auto client = RawClient::connect(ctx, observed.server().address()).value();
  const auto response = client.exchange(ctx, get("/broken", "X-Request-Id: r-2\r\n"));
  EXPECT_THAT(response->body, Not(HasSubstr("disk full")));
  EXPECT_THAT(response->body, HasSubstr("r-2"));
  ASSERT_EQ(sink.lines().size(), 1U);
  EXPECT_THAT(sink.lines()[0], HasSubstr("disk full"));
}

IO_FIBER_TEST(Observability, ContinuesTheClientsTrace) {
  obs::ScopedLogSink sink("off");
  Observed observed(ctx);
  auto client = RawClient::connect(ctx, observed.server().address()).value();
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  const auto response =
      client.exchange(ctx, get("/things/a", "traceparent: 00-" + id + "-b7ad6b7169203331-01\r\n"));
  EXPECT_THAT(response->body, HasSubstr(id));
  EXPECT_THAT(response->body, Not(HasSubstr("b7ad6b7169203331"))) << "a span of its own";
  const auto first = client.exchange(ctx, get("/things/a"))->body;
  EXPECT_NE(first, client.exchange(ctx, get("/things/a"))->body)
      << "without one, each request begins a trace";
}

IO_FIBER_TEST(Observability, AnswersProbesAsKubernetesDoes) {
  obs::ScopedLogSink sink("off");
  Observed observed(ctx);
  observed.checks().add_readiness("store", [] { return Result<>(fail(Code::kUnavailable, "no disk")); });
  auto client = RawClient::connect(ctx, observed.server().address()).value();
  const auto status = [&](const char* target) { return client.exchange(ctx, get(target))->head.status; };
  EXPECT_EQ(status("/livez"), 200);
  EXPECT_EQ(status("/healthz"), 200);
  EXPECT_EQ(status("/readyz"), 500);
  EXPECT_EQ(status("/readyz?exclude=store"), 200);
  EXPECT_EQ(status("/readyz/ping"), 200);
  EXPECT_EQ(status("/readyz/store"), 500);
  EXPECT_EQ(status("/readyz/nothing"), 404);
  const auto verbose = client.exchange(ctx, get("/readyz?verbose"));
  EXPECT_THAT(verbose->body, HasSubstr("store"));
  EXPECT_THAT(verbose->body, Not(HasSubstr("no disk")));
}

}  // namespace
}  // namespace klutch::http
