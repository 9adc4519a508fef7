// SPDX-License-Identifier: Apache-2.0
#include "http/client_metrics.h"

#include <gtest/gtest.h>

#include "obs/metrics.h"

namespace klutch::http {
namespace {

TEST(ClientMetrics, CountByHostMethodAndClassOfStatus) {
  obs::Registry registry;
  const auto metrics = make_client_metrics(registry, "kube");
  const Error error(Code::kTimeout, "too slow");
  metrics->request_finished({.method = "GET", .host = "a:1", .status = 200, .reused = false});
  metrics->request_finished({.method = "GET", .host = "a:1", .status = 204, .reused = true});
  metrics->request_finished({.method = "GET", .host = "a:1", .status = 404, .reused = true});
  metrics->request_finished({.method = "BREW", .host = "b:2", .status = 0, .error = &error});
  metrics->request_finished({.method = "GET", .host = "b:2", .status = 999});
  const auto text = obs::render(registry);
  for (const std::string_view line : {
           R"(klutch_http_client_requests_total{client="kube",code="2xx",host="a:1",method="GET"} 2)",
           R"(klutch_http_client_requests_total{client="kube",code="4xx",host="a:1",method="GET"} 1)",
           R"(klutch_http_client_requests_total{client="kube",code="error",host="b:2",method="other"} 1)",
           R"(klutch_http_client_requests_total{client="kube",code="other",host="b:2",method="GET"} 1)",
           R"(klutch_http_client_request_duration_seconds_count{client="kube",host="a:1"} 3)",
           R"(klutch_http_client_reused_connections_total{client="kube"} 2)",
       }) {
    EXPECT_NE(text.find(line), std::string::npos) << line << " in\n" << text;
  }
}

TEST(ClientMetrics, StayBoundedHoweverManyHostsThereAre) {
  obs::Registry registry;
  const auto metrics = make_client_metrics(registry);
  for (int i = 0; i < 5000; ++i) {
    const auto host = "host" + std::to_string(i) + ":443";
    metrics->request_finished({.method = "GET", .host = host, .status = 200});
  }
  const auto text = obs::render(registry);
  EXPECT_NE(text.find(R"(host="other")"), std::string::npos);
  EXPECT_EQ(text.find(R"(host="host4999:443")"), std::string::npos);
}

}  // namespace
}  // namespace klutch::http
