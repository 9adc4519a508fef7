// SPDX-License-Identifier: Apache-2.0
// The fixture itself: what the suites that run on it may rely on. Skipped without a real cluster.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "base/os/file.h"
#include "base/os/process_id.h"
#include "http/client.h"
#include "json/build.h"
#include "json/parse.h"
#include "json/print.h"
#include "testing/fiber_test.h"
#include "testing/kube_server.h"
#include "testing/real_cluster.h"

#define REQUIRE_REAL_CLUSTER()                        \
  auto* const cluster = testing::find_real_cluster(); \
  if (cluster == nullptr) GTEST_SKIP() << "needs a real cluster: ./dev test --real kube"

namespace klutch {
namespace {

struct Answer {
  int status = 0;
  json::Value body = {};
};

/// A user of the API with nothing but HTTP.
class User {
 public:
  User(Ctx& ctx, const testing::RealCluster& cluster, const http::KeyPair& identity)
      : base_(http::Url::parse(cluster.url()).value()),
        client_(ctx.loop(),
                {.tls = http::TlsClient::create({.trusted = cluster.authority(),
                                                 .identity = std::make_shared<const http::KeyPair>(identity)})
                            .value()}) {}

  Result<Answer> get(Ctx& ctx, const std::string& path) { return send(ctx, "GET", path, {}); }

  Result<Answer> post(Ctx& ctx, const std::string& path, const json::Value& body) {
    return send(ctx, "POST", path, json::print(body));
  }

 private:
  Result<Answer> send(Ctx& ctx, const std::string& method, const std::string& path, std::string body) {
    auto url = TRY(base_.with_path(path));
    const auto response = TRY(client_.send(ctx, {.method = method,
                                                 .url = std::move(url),
                                                 .headers = {{"Content-Type", "application/json"}},
                                                 .body = std::move(body)}));
    return Answer{.status = response.status, .body = TRY(json::parse(response.body.view()))};
  }

  http::Url base_;
  http::Client client_;
};

json::Value new_namespace(const char* name) {
  return json::object(
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", json::object({{"name", name}})}});
}

IO_FIBER_TEST(RealCluster, IsTheVersionThatItsGoModuleNames) {
  REQUIRE_REAL_CLUSTER();
  User admin(ctx, *cluster, cluster->admin());
  const auto answer = admin.get(ctx, "/version").value();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.find_string("gitVersion"), "v1.34.4");
  EXPECT_EQ(answer.body.find_string("minor"), "34");
}

IO_FIBER_TEST(RealCluster, LetsTheAdministratorDoEverything) {
  REQUIRE_REAL_CLUSTER();
  User admin(ctx, *cluster, cluster->admin());
  const auto answer = admin.get(ctx, "/api/v1/namespaces").value();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.find_string("kind"), "NamespaceList");
}

IO_FIBER_TEST(RealCluster, KnowsAUserByItsCertificateAndForbidsWhatRbacDoesNotAllow) {
  REQUIRE_REAL_CLUSTER();
  User nobody(ctx, *cluster, cluster->identity("nobody", {"strangers"}));
  const auto answer = nobody.get(ctx, "/api/v1/namespaces").value();
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.body.find_string("reason"), "Forbidden");
  EXPECT_NE(answer.body.find_string("message").value_or("").find("\"nobody\""), std::string_view::npos);
}

IO_FIBER_TEST(RealCluster, RefusesACertificateOfAnotherAuthority) {
  REQUIRE_REAL_CLUSTER();
  const auto other =
      crypto::CertificateAuthority::create({.common_name = "other"}, system_clock().now()).value();
  const auto issued =
      other
          .issue_with_new_key(
              {.names = {.common_name = "admin", .organizations = {"system:masters"}}, .for_client = true},
              system_clock().now())
          .value();
  User stranger(ctx, *cluster,
                {.certificate_chain = issued.certificate.to_pem(), .private_key = issued.key.to_pem()});
  const auto answer = stranger.get(ctx, "/api/v1/namespaces").value();
  EXPECT_EQ(answer.status, 401);
}

IO_FIBER_TEST(RealCluster, RunsControllersWhenAskedFor) {
  REQUIRE_REAL_CLUSTER();
  User admin(ctx, *cluster, cluster->admin());
  ASSERT_EQ(admin.post(ctx, "/api/v1/namespaces", new_namespace("with-controllers")).value().status, 201);
  const auto started = cluster->ensure_controller_manager(ctx);
  ASSERT_TRUE(started.has_value()) << started.error().message();
  const std::string account = "/api/v1/namespaces/with-controllers/serviceaccounts/default";
  int status = 0;
  while (status != 200) {
    ASSERT_TRUE(ctx.sleep(std::chrono::milliseconds(50)).has_value()) << "the last answer was " << status;
    status = admin.get(ctx, account).value().status;
  }
}

IO_FIBER_TEST(RealCluster, ShowsTheLogOfAProgramThatDoesNotComeUp) {
  REQUIRE_REAL_CLUSTER();
  const auto started = testing::RealCluster::start(ctx, {.api_server_flags = {"--no-such-flag"}});
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code(), Code::kUnavailable);
  EXPECT_NE(started.error().message().find("unknown flag: --no-such-flag"), std::string::npos)
      << started.error().message();
}

IO_FIBER_TEST(RealCluster, LeavesNoProcessAndNoFileBehind) {
  REQUIRE_REAL_CLUSTER();
  auto second = testing::RealCluster::start(ctx).value();
  const auto directory = second->directory();
  const auto etcd = os::identify_process(second->etcd_pid()).value();
  const auto server = os::identify_process(second->api_server_pid()).value();
  second.reset();
  EXPECT_FALSE(os::is_running(etcd).value());
  EXPECT_FALSE(os::is_running(server).value());
  EXPECT_FALSE(os::find_file(directory).value().has_value());
}

TEST(RealClusterWithoutPrograms, SaysWhatIsMissing) {
  async::Loop loop;
  const auto result = loop.run([](Ctx& ctx) -> Result<> {
    TRY(testing::RealCluster::start(ctx, {.programs = "/nonexistent"}));
    return {};
  });
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code(), Code::kNotFound);
  EXPECT_NE(result.error().message().find("/nonexistent/etcd"), std::string::npos)
      << result.error().message();
}

}  // namespace
}  // namespace klutch
