// SPDX-License-Identifier: Apache-2.0
#include "http/compression.h"

#include "http/gzip.h"
#include "testing/fiber_test.h"

namespace klutch::http {
namespace {

std::string inflate(std::string_view bytes) {
  Inflater inflater(Inflater::Format::kGzip, {});
  std::string all;
  while (true) {
    const auto piece = inflater.inflate(bytes);
    if (!piece || piece->empty()) break;
    all += *piece;
  }
  return all;
}

Response answer(Ctx& ctx, Response response, std::string_view accept_encoding) {
  const auto handler =
      compressed([&](Ctx&, ServerRequest&) -> Result<Response> { return std::move(response); });
  BufferedRequestBody body;
  MessageHead head;
  head.method = "GET";
  head.target = "/";
  head.headers = {{"Host", "h"}, {"Accept-Encoding", accept_encoding}};
  auto request = *ServerRequest::from_head(std::move(head), body);
  return *handler(ctx, request);
}

Response json(std::size_t size, Headers more = {}) {
  Response response{200, std::move(more), Body(std::string(size, 'j')), {}};
  if (!response.headers.contains("Content-Type")) response.headers.add("Content-Type", "application/json");
  return response;
}

TEST(AcceptsGzip, FollowsTheWeights) {
  struct Case {
    const char* reason;
    const char* accept;
    bool wanted;
  };
  const Case cases[] = {
      {"named", "gzip", true},
      {"old name", "x-gzip", true},
      {"any case", "GZip", true},
      {"in a list", "br, gzip;q=0.5", true},
      {"star", "*", true},
      {"refused", "gzip;q=0", false},
      {"refused in three digits", "gzip;q=0.000", false},
      {"star refused", "*;q=0", false},
      {"named beats star", "gzip;q=1, *;q=0", true},
      {"star beats nothing else", "gzip;q=0, *", false},
      {"identity preferred", "gzip;q=0.5, identity;q=0.8", false},
      {"identity less preferred", "gzip;q=0.8, identity;q=0.5", true},
      {"other codings", "br, deflate", false},
      {"empty", "", false},
      {"malformed weight", "gzip;q=2", false},
      {"malformed weight in text", "gzip;q=high", false},
      {"a longer name", "gzipped", false},
  };
  for (const auto& [reason, accept, wanted] : cases) {
    EXPECT_EQ(accepts_gzip({{"Accept-Encoding", accept}}), wanted) << reason;
  }
  EXPECT_FALSE(accepts_gzip({}));
}

FIBER_TEST(Compressed, GivesTheSameBytesWhenUndone) {
  for (const std::size_t size : {5'000U, 1'000'000U}) {
    const auto response = answer(ctx, json(size), "gzip");
    EXPECT_EQ(response.headers.get("Content-Encoding"), "gzip");
    EXPECT_EQ(response.headers.get("Vary"), "Accept-Encoding");
    EXPECT_LT(response.body.size(), size / 10);
    EXPECT_EQ(inflate(response.body.view()), std::string(size, 'j'));
  }
}

FIBER_TEST(Compressed, LeavesAloneWhatItShould) {
  struct Case {
    const char* reason;
    Response response;
    const char* accept;
  };
  Case cases[] = {
      {"small", json(100), "gzip"},
      {"not asked for", json(5000), "identity"},
      {"encoded already", json(5000, {{"Content-Encoding", "br"}}), "gzip"},
      {"an image", json(5000, {{"Content-Type", "image/png"}}), "gzip"},
      {"an event stream", json(5000, {{"Content-Type", "text/event-stream"}}), "gzip"},
      {"must not be changed", json(5000, {{"Cache-Control", "no-transform"}}), "gzip"},
      {"a range", json(5000, {{"Content-Range", "bytes 0-4999/9999"}}), "gzip"},
  };
  for (auto& test : cases) {
    const auto size = test.response.body.size();
    const auto response = answer(ctx, std::move(test.response), test.accept);
    EXPECT_EQ(response.body.size(), size) << test.reason;
    EXPECT_NE(response.headers.get("Content-Encoding"), "gzip") << test.reason;
  }
}

FIBER_TEST(Compressed, KnowsCompressibleTypesWithParametersAndSuffixes) {
  for (const char* type : {"text/html; charset=utf-8", "application/yaml", "application/apply-patch+yaml",
                           "application/merge-patch+json", "image/svg+xml"}) {
    EXPECT_EQ(answer(ctx, json(5000, {{"Content-Type", type}}), "gzip").headers.get("Content-Encoding"),
              "gzip")
        << type;
  }
}

FIBER_TEST(Compressed, WeakensTheEntityTag) {
  EXPECT_EQ(answer(ctx, json(5000, {{"ETag", "\"1\""}}), "gzip").headers.get("ETag"), "W/\"1\"");
  EXPECT_EQ(answer(ctx, json(5000, {{"ETag", "\"1\""}}), "").headers.get("ETag"), "\"1\"");
}

}  // namespace
}  // namespace klutch::http
