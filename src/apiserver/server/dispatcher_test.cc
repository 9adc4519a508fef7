// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/dispatcher.h"

#include <gtest/gtest.h>

#include <optional>

#include "apiserver/access/rbac_cache.h"
#include "apiserver/auth/bootstrap_policy.h"
#include "async/task_group.h"
#include "base/os/file.h"
#include "base/strings.h"
#include "json/parse.h"
#include "json/print.h"
#include "kube/api/status.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

/// A server without resources of its own, which is enough for what comes before them.
class Fixture {
 public:
  explicit Fixture(Ctx& ctx) : ctx_(ctx) {
    EXPECT_TRUE(os::write_file_atomic(folder_.file("tokens"),
                                      "t-root,root,,system:masters\nt-alice,alice,u-1,dev\n"));
    for (const auto& object : bootstrap_policy()) {
      const auto decide = [&](const StoredObject*, Revision) -> Result<Decision> {
        return Decision::put(json::print(object.object), {});
      };
      EXPECT_TRUE(storage_->write(ctx, object.type, object.key, decide));
    }
    authenticator_.emplace(*tokens_, Authenticator::Options{.static_tokens = load_tokens()});
  }
  ~Fixture() { storage_->stop(ctx_); }

  /// The status, and the message of a failure.
  std::pair<int, std::string> ask(std::string target, http::Headers headers = {}) {
    if (!dispatcher_) {
      dispatcher_.emplace(
          Dispatcher::Parts{.authenticator = *authenticator_,
                            .access = access_,
                            .registry = registry_,
                            .verbs = verbs_,
                            .discovery = discovery_,
                            .openapi = openapi_,
                            .tokens = *tokens_,
                            .limits = limits,
                            .infrastructure = [](Ctx&, http::ServerRequest&) -> Result<http::Response> {
                              return http::Response{.body = std::string("fine")};
                            },
                            .audit = audit});
    }
    http::BufferedRequestBody body;
    headers.add("Host", "h");
    auto request =
        http::ServerRequest::from_head({.method = "GET", .target = target, .headers = headers}, body);
    request->id = "id-1";
    request->peer = "192.0.2.1";
    const auto response = (*dispatcher_)(ctx_, *request);
    if (response) return {response->status, ""};
    const auto status = kube::Status::from_error(response.error());
    return {status.http_status, status.message};
  }
  std::string audit_path() const { return folder_.file("audit.log"); }

  RequestLimits limits = {};
  AuditLog* audit = nullptr;

 private:
  std::shared_ptr<StaticTokens> load_tokens() const { return *StaticTokens::load(folder_.file("tokens")); }

  Ctx& ctx_;
  os::TempDir folder_ = *os::TempDir::create();
  std::unique_ptr<Storage> storage_ = *Storage::open(ctx_, make_ephemeral_backend());
  std::unique_ptr<ServiceAccountTokens> tokens_ =
      *ServiceAccountTokens::create(*storage_, crypto::PrivateKey::generate(), {});
  RbacCache rbac_{*storage_};
  Access access_{rbac_};
  std::optional<Authenticator> authenticator_;
  Registry registry_{*storage_, {}, [](const StoredPtr&) { return std::vector<ServedPtr>(); }};
  Verbs verbs_{*storage_, {}};
  Discovery discovery_{registry_};
  OpenApi openapi_{registry_, system_clock()};
  std::optional<Dispatcher> dispatcher_;
};

http::Headers as(const std::string& token) {
  return {{"Authorization", "Bearer " + token}};
}

FIBER_TEST(Dispatcher, AnswersWhoMayAndRefusesOthers) {
  Fixture fixture(ctx);
  EXPECT_EQ(fixture.ask("/healthz").first, 200);
  EXPECT_EQ(fixture.ask("/metrics").first, 403);
  EXPECT_EQ(fixture.ask("/metrics", as("t-root")).first, 200);
  EXPECT_EQ(fixture.ask("/healthz", as("wrong")), (std::pair<int, std::string>{401, "Unauthorized"}));
  EXPECT_EQ(fixture.ask("/api/v1/nodes", as("t-alice")).second,
            "nodes is forbidden: User \"alice\" cannot list resource \"nodes\" in API group \"\" at the "
            "cluster scope");
  EXPECT_EQ(fixture.ask("/api/v1/nodes", as("t-root")).first, 404) << "allowed, but there is no such thing";
}

FIBER_TEST(Dispatcher, ServesTheOneWhoIsImpersonated) {
  Fixture fixture(ctx);
  auto headers = as("t-root");
  headers.add("Impersonate-User", "bob");
  EXPECT_EQ(fixture.ask("/metrics", headers).first, 403);
  EXPECT_EQ(fixture.ask("/healthz", headers).first, 200);
}

FIBER_TEST(Dispatcher, SlowsDownThoseWhoAskTooMuch) {
  Fixture fixture(ctx);
  fixture.limits = RequestLimits({.rate = {.per_second = 1, .burst = 3}});
  int refused = 0;
  for (int i = 0; i < 10; ++i) refused += fixture.ask("/healthz", as("t-alice")).first == 429 ? 1 : 0;
  EXPECT_EQ(refused, 7);
  EXPECT_EQ(fixture.ask("/healthz").first, 200) << "somebody else";
}

IO_FIBER_TEST(Dispatcher, WritesDownWhoDidWhat) {
  Fixture fixture(ctx);
  const auto policy = AuditPolicy::from_json(
      json::parse(R"({"kind":"Policy","apiVersion":"audit.k8s.io/v1","rules":[{"level":"Metadata"}]})")
          .value());
  AuditLog audit({.path = fixture.audit_path(), .policy = *policy});
  fixture.audit = &audit;
  async::TaskGroup tasks(ctx);
  tasks.spawn("audit", [&](Ctx& task) { return audit.run(task); });
  auto impersonating = as("t-root");
  impersonating.add("Impersonate-User", "bob");
  impersonating.add("User-Agent", "test/1");
  fixture.ask("/version?x=1", impersonating);
  fixture.ask("/api/v1/namespaces/a/secrets/s", as("t-alice"));
  fixture.ask("/version", as("t-hush"));
  tasks.stop(ctx);

  const auto text = os::read_file(fixture.audit_path()).value();
  EXPECT_EQ(text.find("t-"), std::string::npos) << "no tokens";
  std::vector<json::Value> events;
  for (const auto line : split(trim(text), '\n')) events.push_back(json::parse(line).value());
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].find_string("requestURI"), "/version?x=1");
  EXPECT_EQ(events[0].find_string("auditID"), "id-1");
  EXPECT_EQ(events[0].find_string("userAgent"), "test/1");
  EXPECT_EQ(events[0].find("user")->find_string("username"), "root");
  EXPECT_EQ(events[0].find("impersonatedUser")->find_string("username"), "bob");
  EXPECT_EQ(events[0].find("responseStatus")->find_int("code"), 200);
  EXPECT_EQ(events[0].find("annotations")->find_string("authorization.k8s.io/decision"), "allow");
  EXPECT_EQ(events[1].find("objectRef")->find_string("name"), "s");
  EXPECT_EQ(events[1].find("responseStatus")->find_string("reason"), "Forbidden");
  EXPECT_EQ(events[1].find("annotations")->find_string("authorization.k8s.io/decision"), "forbid");
  EXPECT_EQ(events[2].find("responseStatus")->find_int("code"), 401);
  EXPECT_EQ(events[2].find("user")->size(), 0U);
  EXPECT_FALSE(events[2].contains("annotations"));
}

}  // namespace
}  // namespace klutch::apiserver
