// SPDX-License-Identifier: Apache-2.0
#include "kube/client/client_observer.h"

#include <gtest/gtest.h>

#include "obs/metrics.h"

namespace klutch::kube {
namespace {

TEST(KubeClientMetrics, CountByVerbAndResourceNotByPath) {
  obs::Registry registry;
  const auto metrics = make_kube_client_metrics(registry, "consumer");
  const ResourceType widget{"ex.io", "v1", "widgets", "Widget"};
  const Error error(Code::kUnavailable, "no");
  for (const auto* name : {"a", "b", "c"}) {
    const auto request = get_request(widget, {"n", name});
    metrics->request_finished({.request = request, .status = 200, .duration = std::chrono::milliseconds(20)});
  }
  const auto watch = watch_request(widget);
  metrics->request_finished({.request = watch, .attempt = 2, .error = &error});
  const auto raw = raw_request("/version");
  metrics->request_finished({.request = raw, .status = 200});
  const auto text = obs::render(registry);
  const std::string prefix = "klutch_kube_client_requests_total{cluster=\"consumer\",";
  for (const auto& line : {prefix + R"(code="200",resource="widgets.ex.io",verb="get"} 3)",
                           prefix + R"(code="error",resource="widgets.ex.io",verb="watch"} 1)",
                           prefix + R"(code="200",resource="",verb="raw"} 1)",
                           std::string(R"(repeated_requests_total{cluster="consumer"} 1)"),
                           std::string(R"(duration_seconds_count{cluster="consumer",verb="get"} 3)")}) {
    EXPECT_NE(text.find(line), std::string::npos) << line;
  }
  EXPECT_EQ(text.find("duration_seconds_count{cluster=\"consumer\",verb=\"watch\"}"), std::string::npos)
      << "watches have no duration";
}

}  // namespace
}  // namespace klutch::kube
