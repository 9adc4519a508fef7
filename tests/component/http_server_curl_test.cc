// SPDX-License-Identifier: Apache-2.0
// An independent client: what curl makes of our server.
#include <filesystem>
#include <fstream>

#include "base/os/command.h"
#include "http/compression.h"
#include "http/router.h"
#include "http/server.h"
#include "testing/fiber_test.h"
#include "testing/running_server.h"
#include "testing/test_pki.h"

namespace klutch::http {
namespace {

using klutch::testing::RunningServer;
using ::testing::HasSubstr;
using ::testing::Not;

std::string long_text() {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

Handler routes() {
  Router router;
  router
      .get("/text", compressed([](Ctx&, ServerRequest&) -> Result<Response> {
             return Response{200, {{"Content-Type", "text/plain"}}, Body(long_text()), {}};
           }))
      .get("/stream",
           [](Ctx&, ServerRequest&) -> Result<Response> {
             return Response{
                 200, {{"Content-Type", "text/plain"}}, {}, [](Ctx& ctx, BodyWriter& out) -> Result<> {
                   for (int i = 0; i < 100; ++i) TRY(out.write(ctx, "piece " + std::to_string(i) + "\n"));
                   return {};
                 }};
           })
      .post("/size",
            [](Ctx& ctx, ServerRequest& request) -> Result<Response> {
              return Response{200, {}, Body(std::to_string(TRY(request.read_body(ctx)).size()) + "\n"), {}};
            })
      .post("/refuse",
            [](Ctx&, ServerRequest&) -> Result<Response> { return fail(Code::kForbidden, "not you"); })
      .get("/certificates", [](Ctx&, ServerRequest& request) -> Result<Response> {
        return Response{200, {}, Body(request.tls->peer_chain.empty() ? "none" : "shown"), {}};
      });
  return std::move(router).to_handler();
}

/// A TLS server, files for curl, and curl itself.
class Curl {
 public:
  explicit Curl(Ctx& ctx) : ctx_(ctx), server_(ctx, options(), routes()) {
    std::string pattern = std::filesystem::temp_directory_path() / "klutch-curl-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    write("ca.pem", pki_.trusted());
    const auto client = pki_.client("curl");
    write("client.pem", client.certificate_chain);
    write("client.key", client.private_key.reveal());
    write("upload", std::string(200'000, 'u'));
  }
  ~Curl() { std::filesystem::remove_all(directory_); }

  /// Runs curl with `arguments` on `paths`; its standard output, then what -v says.
  os::RunResult run(std::vector<std::string> arguments, const std::vector<std::string>& paths) {
    os::Command command;
    command.argv = {"curl",       "--silent", "--show-error", "--verbose",   "--http1.1",
                    "--max-time", "20",       "--cacert",     file("ca.pem")};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    for (const auto& path : paths)
      command.argv.push_back("https://localhost:" + std::to_string(server_.address().port) + path);
    command.env = std::vector<std::string>{"PATH=/usr/bin:/bin", "HOME=" + directory_};
    command.err = os::Redirect::pipe();
    auto result = ctx_.blocking([&] { return os::run_command(command); });
    EXPECT_TRUE(result.has_value()) << result.error().message();
    EXPECT_TRUE(result->status.success()) << result->status.describe() << "\n" << result->err;
    return *std::move(result);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_ + "/" + name; }

 private:
  ServerOptions options() {
    ServerOptions made;
    made.tls = TlsServer::create({.identity = pki_.server(), .client_authorities = pki_.trusted()}).value();
    return made;
  }
  void write(const std::string& name, std::string_view content) const {
    std::ofstream(file(name)) << content;
  }

  Ctx& ctx_;
  test::TestPki pki_;
  std::string directory_;
  RunningServer server_;
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

IO_FIBER_TEST(CurlClient, ReusesTheConnection) {
  Curl curl(ctx);
  const auto result = curl.run({}, {"/text", "/stream", "/text"});
  EXPECT_EQ(count(result.err, "Re-using existing connection"), 2U) << result.err;
  EXPECT_EQ(count(result.out, "line 1999\n"), 2U);
  EXPECT_EQ(count(result.out, "piece "), 100U);
}

IO_FIBER_TEST(CurlClient, ReadsChunksToTheirEnd) {
  Curl curl(ctx);
  const auto result = curl.run({"--raw"}, {"/stream"});
  EXPECT_THAT(result.err, HasSubstr("< Transfer-Encoding: chunked"));
  EXPECT_TRUE(result.out.ends_with("0\r\n\r\n"));
}

IO_FIBER_TEST(CurlClient, AsksForTheHeadAlone) {
  Curl curl(ctx);
  const auto result = curl.run({"--head"}, {"/text", "/text"});
  EXPECT_EQ(count(result.out, "Content-Length: " + std::to_string(long_text().size())), 2U);
  EXPECT_THAT(result.out, Not(HasSubstr("line 1")));
}

IO_FIBER_TEST(CurlClient, UndoesGzip) {
  Curl curl(ctx);
  const auto result = curl.run({"--compressed"}, {"/text"});
  EXPECT_EQ(result.out, long_text());
  EXPECT_THAT(result.err, HasSubstr("< Content-Encoding: gzip"));
}

IO_FIBER_TEST(CurlClient, WaitsForTheGoAhead) {
  Curl curl(ctx);
  const auto accepted = curl.run({"--header", "Expect: 100-continue", "--expect100-timeout", "15",
                                  "--data-binary", "@" + curl.file("upload")},
                                 {"/size"});
  EXPECT_EQ(accepted.out, "200000\n");
  EXPECT_THAT(accepted.err, HasSubstr("< HTTP/1.1 100 Continue"));
  const auto refused = curl.run({"--header", "Expect: 100-continue", "--expect100-timeout", "15",
                                 "--data-binary", "@" + curl.file("upload")},
                                {"/refuse"});
  EXPECT_THAT(refused.err, HasSubstr("< HTTP/1.1 403 Forbidden"));
  EXPECT_THAT(refused.err, Not(HasSubstr("100 Continue")));
  const auto chunked = curl.run({"--header", "Transfer-Encoding: chunked", "--header",
                                 "Expect:", "--data-binary", "@" + curl.file("upload")},
                                {"/size"});
  EXPECT_EQ(chunked.out, "200000\n");
}

IO_FIBER_TEST(CurlClient, ShowsItsCertificate) {
  Curl curl(ctx);
  EXPECT_EQ(curl.run({}, {"/certificates"}).out, "none");
  EXPECT_EQ(
      curl.run({"--cert", curl.file("client.pem"), "--key", curl.file("client.key")}, {"/certificates"}).out,
      "shown");
}

}  // namespace
}  // namespace klutch::http
