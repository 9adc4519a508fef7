// SPDX-License-Identifier: Apache-2.0
#include "http/message_parser.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/message.h"

namespace klutch::http {
namespace {

using Kind = MessageParser::Kind;

struct Outcome {
  std::vector<MessageHead> heads;
  std::string body;
  std::size_t used = 0;
  bool complete = false;
  bool keep_alive = false;
  std::optional<Code> error;
};

/// Feeds `text` in slices of `slice` bytes, as a connection would: what is not used is offered again with
/// more.
Outcome parse(std::string_view text, Kind kind = Kind::kRequest, std::size_t slice = 1 << 20,
              MessageLimits limits = {}, bool end = false) {
  Outcome outcome;
  MessageParser parser(kind, limits);
  std::size_t begin = 0;
  for (std::size_t have = 0; have < text.size() && !parser.complete();) {
    have = std::min(text.size(), have + slice);
    for (;;) {
      const auto used = parser.feed(text.substr(begin, have - begin));
      if (!used) {
        outcome.error = used.error().code();
        return outcome;
      }
      begin += *used;
      outcome.body += parser.piece();
      if (*used == 0 || parser.complete()) break;
    }
  }
  if (end) {
    if (const auto ended = parser.feed_end(); !ended) outcome.error = ended.error().code();
  }
  outcome.used = begin;
  outcome.complete = parser.complete();
  if (parser.head_complete()) {
    outcome.keep_alive = parser.keep_alive();
    outcome.heads.push_back(parser.head());
  }
  return outcome;
}

TEST(MessageParser, ReadsARequestHowEverItIsCut) {
  const std::string text =
      "POST /api/v1/pods?x=%2F HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nX-A:  b \r\n\r\nhello world";
  for (std::size_t slice = 1; slice <= text.size(); ++slice) {
    const auto outcome = parse(text, Kind::kRequest, slice);
    ASSERT_EQ(outcome.error, std::nullopt) << slice;
    ASSERT_TRUE(outcome.complete) << slice;
    EXPECT_EQ(outcome.body, "hello world");
    EXPECT_EQ(outcome.used, text.size());
    const auto& head = outcome.heads.at(0);
    EXPECT_EQ(head.method, "POST");
    EXPECT_EQ(head.target, "/api/v1/pods?x=%2F");
    EXPECT_EQ(head.headers.get("x-a"), "b");
    EXPECT_TRUE(outcome.keep_alive);
  }
}

TEST(MessageParser, ReadsChunksHowEverTheyAreCutAndForgetsTrailers) {
  const std::string text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;name=\"v\"\r\nhello\r\n1\r\n \r\nA\r\nworld12345\r\n0\r\nX-Trailer: t\r\nContent-Length: 3\r\n\r\n";
  const auto plain = text.substr(0, text.find("Content-Length: 3")) + "\r\n";
  for (std::size_t slice = 1; slice <= plain.size(); ++slice) {
    const auto outcome = parse(plain, Kind::kResponse, slice);
    ASSERT_EQ(outcome.error, std::nullopt) << slice;
    ASSERT_TRUE(outcome.complete) << slice;
    EXPECT_EQ(outcome.body, "hello world12345");
    EXPECT_FALSE(outcome.heads.at(0).headers.contains("X-Trailer"));
  }
  EXPECT_EQ(parse(text, Kind::kResponse).error, Code::kBadRequest) << "framing fields are not for trailers";
}

TEST(MessageParser, ALastChunkMayComeAloneAndByteByByte) {
  const std::string text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (std::size_t slice = 1; slice < 8; ++slice)
    EXPECT_TRUE(parse(text, Kind::kRequest, slice).complete) << slice;
}

TEST(MessageParser, LeavesTheNextMessageAlone) {
  const std::string first = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto outcome = parse(first + "GET /2 HTTP/1.1\r\n");
  EXPECT_TRUE(outcome.complete);
  EXPECT_EQ(outcome.used, first.size());
}

TEST(MessageParser, AResponseWithoutLengthEndsWithTheConnection) {
  const auto open = parse("HTTP/1.1 200 OK\r\n\r\nall of it", Kind::kResponse);
  EXPECT_FALSE(open.complete);
  EXPECT_FALSE(open.keep_alive);
  const auto closed = parse("HTTP/1.1 200 OK\r\n\r\nall of it", Kind::kResponse, 7, {}, /*end=*/true);
  EXPECT_TRUE(closed.complete);
  EXPECT_EQ(closed.body, "all of it");
  const auto cut =
      parse("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nall of it", Kind::kResponse, 7, {}, true);
  EXPECT_EQ(cut.error, Code::kBadRequest);
}

TEST(MessageParser, SomeResponsesHaveNoBodyWhateverTheySay) {
  EXPECT_TRUE(parse("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", Kind::kResponseToHead).complete);
  EXPECT_TRUE(parse("HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n", Kind::kResponse).complete);
  EXPECT_TRUE(parse("HTTP/1.1 204 No Content\r\n\r\n", Kind::kResponse).complete);
  EXPECT_TRUE(parse("HTTP/1.1 100 Continue\r\n\r\n", Kind::kResponse).complete);
}

TEST(MessageParser, KeepAliveFollowsVersionAndConnection) {
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

struct Refusal {
  const char* reason;
  std::string text;
  Code code = Code::kBadRequest;
};

TEST(MessageParser, RefusesWhatTwoPartiesCouldReadDifferently) {
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::vector<Refusal> refusals = {
      {"both framings", head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"both framings, the other way round",
       head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n"},
      {"two lengths", head + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"},
      {"two equal lengths", head + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd"},
      {"two lengths in one field", head + "Content-Length: 4, 5\r\n\r\nabcd"},
      {"a negative length", head + "Content-Length: -4\r\n\r\nabcd"},
      {"a length with a sign", head + "Content-Length: +4\r\n\r\nabcd"},
      {"a hexadecimal length", head + "Content-Length: 0x4\r\n\r\nabcd"},
      {"a length beyond 64 bits", head + "Content-Length: 18446744073709551616\r\n\r\nabcd"},
      {"an unknown coding", head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", Code::kUnsupported},
      {"a coding before chunked", head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       Code::kUnsupported},
      {"chunked twice", head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"chunked hidden by a tab", head + "Transfer-Encoding:\x0b"
                                         "chunked\r\n\r\n0\r\n\r\n"},
      {"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"line folding", head + "X-A: b\r\n Content-Length: 4\r\n\r\nabcd"},
      {"line folding by tab", head + "X-A: b\r\n\tc\r\n\r\n"},
      {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", Code::kUnsupported},
      {"bare LF between fields", "GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n"},
      {"bare CR", head + "X-A: b\rX-B: c\r\n\r\n"},
      {"NUL in a value", head + std::string("X-A: b\0c\r\n\r\n", 12)},
      {"a space before the colon", head + "Content-Length : 4\r\n\r\nabcd"},
      {"an empty field name", head + ": b\r\n\r\n"},
      {"a field without a colon", head + "garbage\r\n\r\n"},
      {"a chunk size with a sign", head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"},
      {"a chunk size beyond 64 bits", head + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n"},
      {"no line end after a chunk", head + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"},
      {"a chunk size that is no number", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n"},
      {"two spaces in the request line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
      {"no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 garbage garbage"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Code::kUnsupported},
  };
  for (const auto& refusal : refusals) {
    for (const std::size_t slice : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) {
      const auto outcome = parse(refusal.text, Kind::kRequest, slice);
      EXPECT_FALSE(outcome.complete) << refusal.reason << " in slices of " << slice;
      // Cut finely, some of it waits for more until a limit or a deadline; whole, it is refused at once.
      ASSERT_TRUE(outcome.error.has_value() || slice < 1000) << refusal.reason << " in slices of " << slice;
      EXPECT_EQ(outcome.error.value_or(refusal.code), refusal.code)
          << refusal.reason << " in slices of " << slice;
    }
  }
}

TEST(MessageParser, StopsAtItsLimits) {
  const MessageLimits limits{.head_bytes = 512, .fields = 4, .body_bytes = 8, .chunk_overhead_bytes = 64};
  const std::string endless(100'000, 'a');
  const std::string chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::vector<Refusal> refusals = {
      {"an endless method", endless},
      {"an endless target", "GET /" + endless},
      {"an endless field name", "GET / HTTP/1.1\r\n" + endless},
      {"an endless value", "GET / HTTP/1.1\r\nA: " + endless},
      {"endless fields", "GET / HTTP/1.1\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n"},
      {"fields of many bytes in all",
       "GET / HTTP/1.1\r\nA: " + std::string(300, 'b') + "\r\nB: " + std::string(300, 'b') + "\r\n\r\n"},
      {"a long body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"},
      {"a long chunk", chunked + "9\r\n123456789\r\n"},
      {"many chunks", chunked + "5\r\n12345\r\n5\r\n12345\r\n"},
      {"an endless chunk extension", chunked + "1;" + endless},
      {"an endless chunk size", chunked + endless},
      {"endless trailers", chunked + "0\r\n" + "A: " + endless},
  };
  for (const auto& refusal : refusals) {
    for (const std::size_t slice : {std::size_t{7}, std::size_t{100}}) {
      const auto outcome = parse(refusal.text, Kind::kRequest, slice, limits);
      ASSERT_TRUE(outcome.error.has_value()) << refusal.reason;
      EXPECT_TRUE(*outcome.error == Code::kTooLarge || *outcome.error == Code::kBadRequest) << refusal.reason;
    }
  }
}

TEST(MessageParser, ALongStreamOfSmallChunksIsFine) {
  const MessageLimits limits{.chunk_overhead_bytes = 64};
  std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 1000; ++i) text += "1\r\nx\r\n";
  const auto outcome = parse(text, Kind::kResponse, 11, limits);
  EXPECT_EQ(outcome.error, std::nullopt);
  EXPECT_EQ(outcome.body.size(), 1000U);
}

TEST(MessageParser, LimitsOfTheHeadSayNothingOfABodyThatComesWithIt) {
  const MessageLimits limits{.head_bytes = 512, .chunk_overhead_bytes = 64};
  const std::string body(10'000, 'b');
  const auto outcome = parse("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n" + body,
                             Kind::kRequest, 20'000, limits);
  EXPECT_EQ(outcome.error, std::nullopt);
  EXPECT_EQ(outcome.body, body);
}

TEST(MessageParser, AfterAnErrorEveryFurtherCallFails) {
  MessageParser parser(Kind::kRequest, {});
  EXPECT_FALSE(parser.feed("garbage\r\n\r\n").has_value());
  EXPECT_FALSE(parser.feed("GET / HTTP/1.1\r\n\r\n").has_value());
  EXPECT_FALSE(parser.feed_end().has_value());
}

TEST(AppendHead, RefusesWhatWouldSplitTheMessage) {
  std::string out;
  EXPECT_TRUE(is(append_request_head(out, "GET", "/a b", {}).error(), Code::kInvalid));
  EXPECT_TRUE(is(append_request_head(out, "GET", "/\r\nX: y", {}).error(), Code::kInvalid));
  EXPECT_TRUE(is(append_request_head(out, "GE T", "/", {}).error(), Code::kInvalid));
  EXPECT_TRUE(is(append_request_head(out, "GET", "/", {{"X-A", "b\r\nX-B: c"}}).error(), Code::kInvalid));
  EXPECT_TRUE(
      is(append_response_head(out, 302, {{"Location", "/x\nSet-Cookie: a=b"}}).error(), Code::kInvalid));
  EXPECT_TRUE(is(append_response_head(out, 200, {{"Bad Name", "x"}}).error(), Code::kInvalid));
  EXPECT_TRUE(out.empty());
}

TEST(AppendHead, WritesWhatTheParserReads) {
  std::string out;
  ASSERT_TRUE(
      append_response_head(out, 409, {{"Content-Type", "application/json"}, {"Content-Length", "2"}}));
  EXPECT_EQ(out, "HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
  const auto outcome = parse(out + "{}", Kind::kResponse);
  EXPECT_EQ(outcome.heads.at(0).status, 409);
  EXPECT_EQ(outcome.body, "{}");
}

}  // namespace
}  // namespace klutch::http
