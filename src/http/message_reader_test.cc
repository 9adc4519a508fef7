// SPDX-License-Identifier: Apache-2.0
#include "http/message_reader.h"

#include <deque>
#include <string>

#include "testing/fiber_test.h"

namespace klutch::http {
namespace {

using Kind = MessageParser::Kind;

/// Gives what a script says: pieces of bytes, then the end or an error.
class ScriptedTransport final : public Transport {
 public:
  explicit ScriptedTransport(std::deque<std::string> pieces, std::optional<Error> last = std::nullopt)
      : pieces_(std::move(pieces)), last_(std::move(last)) {}

  Result<std::size_t> read_some(Ctx&, std::span<char> buffer) override {
    if (pieces_.empty()) {
      if (last_) return fail(*last_);
      return std::size_t{0};
    }
    largest_buffer = std::max(largest_buffer, buffer.size());
    auto& piece = pieces_.front();
    const std::size_t n = piece.copy(buffer.data(), buffer.size());
    piece.erase(0, n);
    if (piece.empty()) pieces_.pop_front();
    return n;
  }
  Result<> wait_readable(Ctx&) override {
    ++waits;
    return {};
  }
  Result<> write(Ctx&, std::string_view, std::string_view) override { return {}; }
  void shut_down(Ctx&) override {}
  void close() noexcept override {}
  bool is_quiet() override { return pieces_.empty(); }
  const std::string& peer() const noexcept override { return peer_; }
  const TlsSession* tls() const noexcept override { return nullptr; }

  std::size_t largest_buffer = 0;
  int waits = 0;

 private:
  std::deque<std::string> pieces_;
  std::optional<Error> last_;
  std::string peer_ = "script";
};

Result<std::string> body_of(Ctx& ctx, MessageReader& reader) {
  return read_all(ctx, reader, 1 << 20);
}

FIBER_TEST(MessageReader, ReadsPipelinedMessagesOneAfterTheOther) {
  ScriptedTransport transport(
      {"POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcPOST /2 HTTP/1.1\r\nHo",
       "st: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r", "\n0\r\n\r", "\nGET /3 HTTP/1.1\r\n\r\n"});
  MessageReader reader(transport, {});
  EXPECT_EQ((**reader.read_head(ctx, Kind::kRequest)).target, "/1");
  EXPECT_EQ(*body_of(ctx, reader), "abc");
  EXPECT_EQ((**reader.read_head(ctx, Kind::kRequest)).target, "/2");
  EXPECT_EQ(*body_of(ctx, reader), "de");
  EXPECT_EQ((**reader.read_head(ctx, Kind::kRequest)).target, "/3");
  EXPECT_TRUE(reader.complete());
  EXPECT_EQ(transport.waits, 1) << "it waits only when it holds nothing";
  EXPECT_EQ(*reader.read_head(ctx, Kind::kRequest), std::nullopt);
}

FIBER_TEST(MessageReader, ACloseOrResetBetweenMessagesIsJustTheEnd) {
  ScriptedTransport closed({});
  EXPECT_EQ(*MessageReader(closed, {}).read_head(ctx, Kind::kRequest), std::nullopt);
  ScriptedTransport reset({}, Error(Code::kUnavailable, "reset"));
  EXPECT_EQ(*MessageReader(reset, {}).read_head(ctx, Kind::kRequest), std::nullopt);
  ScriptedTransport late({}, Error(Code::kTimeout, "late"));
  EXPECT_TRUE(is(MessageReader(late, {}).read_head(ctx, Kind::kRequest).error(), Code::kTimeout));
}

FIBER_TEST(MessageReader, ACloseInsideAMessageIsAnErrorThatStays) {
  ScriptedTransport head({"GET / HT"});
  MessageReader in_head(head, {});
  EXPECT_TRUE(is(in_head.read_head(ctx, Kind::kRequest).error(), Code::kUnavailable));

  ScriptedTransport body({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"});
  MessageReader in_body(body, {});
  ASSERT_TRUE(in_body.read_head(ctx, Kind::kResponse).has_value());
  EXPECT_EQ(*in_body.read(ctx), "abc");
  EXPECT_TRUE(is(in_body.read(ctx).error(), Code::kUnavailable));
  EXPECT_TRUE(is(in_body.read(ctx).error(), Code::kUnavailable));
}

FIBER_TEST(MessageReader, ABodyWithoutLengthEndsWithTheConnection) {
  ScriptedTransport transport({"HTTP/1.1 200 OK\r\n\r\nall ", "of it"});
  MessageReader reader(transport, {});
  ASSERT_TRUE(reader.read_head(ctx, Kind::kResponse).has_value());
  EXPECT_EQ(*body_of(ctx, reader), "all of it");
  EXPECT_TRUE(reader.complete());
}

FIBER_TEST(MessageReader, KeepsItsBufferSmallWhateverArrives) {
  std::deque<std::string> pieces = {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"};
  for (int i = 0; i < 10; ++i) pieces.emplace_back(100'000, 'x');
  ScriptedTransport large(std::move(pieces));
  MessageReader reader(large, {});
  ASSERT_TRUE(reader.read_head(ctx, Kind::kResponse).has_value());
  EXPECT_EQ(body_of(ctx, reader)->size(), 1'000'000U);
  EXPECT_LE(large.largest_buffer, 16U * 1024);

  ScriptedTransport endless({std::string(1'000'000, 'a')});
  MessageReader bounded(endless, {.head_bytes = 8 * 1024});
  EXPECT_FALSE(bounded.read_head(ctx, Kind::kRequest).has_value());
  EXPECT_LE(endless.largest_buffer, 16U * 1024);
}

FIBER_TEST(MessageReader, GivesBackWhatCameAfterTheMessage) {
  ScriptedTransport transport({"HTTP/1.1 204 No Content\r\n\r\n\x01\x02rest"});
  MessageReader reader(transport, {});
  ASSERT_TRUE(reader.read_head(ctx, Kind::kResponse).has_value());
  EXPECT_EQ(reader.take_rest(), "\x01\x02rest");
  EXPECT_EQ(reader.take_rest(), "");
}

}  // namespace
}  // namespace klutch::http
