// SPDX-License-Identifier: Apache-2.0
#include "http/router.h"

#include "testing/fiber_test.h"

namespace klutch::http {
namespace {

struct Answer {
  int status = 0;
  std::string who;
  std::string allow;
  std::string route;
};

Handler named(std::string who) {
  return [who](Ctx&, ServerRequest& request) -> Result<Response> {
    std::string text = who;
    for (const auto& [name, value] : request.parameters)
      text.append(" ").append(name).append("=").append(value);
    for (const auto& segment : request.tail) text.append(" [").append(segment).append("]");
    return Response{200, {}, Body(text), {}};
  };
}

Answer ask(Ctx& ctx, const Handler& handler, std::string method, std::string target) {
  BufferedRequestBody body;
  MessageHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  head.headers.add("Host", "h");
  auto request = *ServerRequest::from_head(std::move(head), body);
  auto response = handler(ctx, request);
  if (!response) return {traits(response.error().code()).http_status, "", "", std::string(request.route)};
  return {response->status, std::string(response->body.view()),
          std::string(response->headers.get("Allow").value_or("")), std::string(request.route)};
}

Handler pods() {
  Router router;
  router.get("/", named("root"))
      .get("/pods", named("list"))
      .post("/pods", named("create"))
      .get("/pods/{name}", named("get"))
      .del("/pods/{name}", named("delete"))
      .get("/pods/special", named("special"))
      .get("/pods/{name}/log", named("log"))
      .get("/pods/{pod}/exec", named("exec"))
      .get("/files/{path...}", named("file"))
      .get("/files/index", named("index"))
      .add("PURGE", "/cache", named("purge"));
  return std::move(router).to_handler();
}

FIBER_TEST(Router, FindsTheMostSpecificRoute) {
  struct Case {
    const char* reason;
    const char* method;
    const char* target;
    const char* who;
    const char* route;
  };
  const Case cases[] = {
      {"root", "GET", "/", "root", "/"},
      {"literal", "GET", "/pods", "list", "/pods"},
      {"method", "POST", "/pods?x=1", "create", "/pods"},
      {"parameter", "GET", "/pods/a", "get name=a", "/pods/{name}"},
      {"encoded slash stays inside", "GET", "/pods/a%2Fb", "get name=a/b", "/pods/{name}"},
      {"literal before parameter", "GET", "/pods/special", "special", "/pods/special"},
      {"the literal lacks the method", "DELETE", "/pods/special", "delete name=special", "/pods/{name}"},
      {"back from a literal", "GET", "/pods/special/log", "log name=special", "/pods/{name}/log"},
      {"names belong to their route", "GET", "/pods/a/exec", "exec pod=a", "/pods/{pod}/exec"},
      {"tail", "GET", "/files/a/b%2Fc/", "file [a] [b/c] []", "/files/{path...}"},
      {"empty tail", "GET", "/files/", "file []", "/files/{path...}"},
      {"literal before tail", "GET", "/files/index", "index", "/files/index"},
      {"HEAD takes GET's", "HEAD", "/pods", "list", "/pods"},
      {"any method", "PURGE", "/cache", "purge", "/cache"},
  };
  const auto handler = pods();
  for (const auto& test : cases) {
    const auto answer = ask(ctx, handler, test.method, test.target);
    EXPECT_EQ(answer.status, 200) << test.reason;
    EXPECT_EQ(answer.who, test.who) << test.reason;
    EXPECT_EQ(answer.route, test.route) << test.reason;
  }
}

FIBER_TEST(Router, TellsUnknownPathsFromUnknownMethods) {
  const auto handler = pods();
  for (const char* target : {"/nothing", "/pods/", "/pods/a/", "/pods//log", "/files", "//"}) {
    EXPECT_EQ(ask(ctx, handler, "GET", target).status, 404) << target;
  }
  EXPECT_EQ(ask(ctx, handler, "PUT", "/pods").allow, "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(ask(ctx, handler, "PUT", "/pods").status, 405);
  EXPECT_EQ(ask(ctx, handler, "HEAD", "/cache").status, 405);
  EXPECT_EQ(ask(ctx, handler, "PUT", "/pods/special").allow, "DELETE, GET, HEAD, OPTIONS")
      << "all that have the path";
}

FIBER_TEST(Router, AnswersOptions) {
  const auto handler = pods();
  EXPECT_EQ(ask(ctx, handler, "OPTIONS", "/pods/a").status, 204);
  EXPECT_EQ(ask(ctx, handler, "OPTIONS", "/pods/a").allow, "DELETE, GET, HEAD, OPTIONS");
  EXPECT_EQ(ask(ctx, handler, "OPTIONS", "*").allow, "DELETE, GET, HEAD, OPTIONS, POST, PURGE");
  EXPECT_EQ(ask(ctx, handler, "OPTIONS", "/nothing").status, 404);
}

FIBER_TEST(Router, HandlersCanBeWrapped) {
  const Middleware refuse_b = [](Handler next) -> Handler {
    return [next](Ctx& inner, ServerRequest& request) -> Result<Response> {
      if (request.parameter("name") == "b") return fail(Code::kForbidden, "not b");
      return next(inner, request);
    };
  };
  Router router;
  router.get("/{name}", refuse_b(named("x")));
  const auto handler = std::move(router).to_handler();
  EXPECT_EQ(ask(ctx, handler, "GET", "/a").status, 200);
  EXPECT_EQ(ask(ctx, handler, "GET", "/b").status, 403);
}

TEST(RouterDeathTest, ContradictionsStopTheProgramAtStart) {
  const auto add = [](std::vector<std::string> patterns) {
    Router router;
    for (const auto& pattern : patterns) router.get(pattern, named("x"));
  };
  EXPECT_DEATH(add({"/a", "/a"}), "broken invariant") << "the same route twice";
  EXPECT_DEATH(add({"/{a}", "/{b}"}), "broken invariant") << "the same paths under two names";
  EXPECT_DEATH(add({"/{a...}/b"}), "broken invariant") << "a tail in the middle";
  EXPECT_DEATH(add({"/{a}/{a}"}), "broken invariant") << "a name twice";
  EXPECT_DEATH(add({"/a{b}"}), "broken invariant") << "half a segment";
  EXPECT_DEATH(add({"a"}), "broken invariant") << "no slash";
  add({"/{a}", "/b", "/{c...}", "/{a}/x"});
}

}  // namespace
}  // namespace klutch::http
