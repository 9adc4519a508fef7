// SPDX-License-Identifier: Apache-2.0
#include "http/gzip.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <zlib.h>

#include <deque>

#include "testing/fiber_test.h"

namespace klutch::http {
namespace {

/// Decodes `data` given in pieces of `step` bytes.
Result<std::string> inflate_all(Inflater inflater, std::string_view data, std::size_t step) {
  std::string all;
  while (!data.empty()) {
    auto input = data.substr(0, step);
    data.remove_prefix(input.size());
    for (;;) {
      const auto piece = TRY(inflater.inflate(input));
      if (piece.empty()) break;
      all += piece;
    }
    EXPECT_TRUE(input.empty());
  }
  TRY(inflater.finish());
  return all;
}

Result<std::string> gunzip(std::string_view data, std::size_t step = 1 << 20,
                           const InflateLimits& limits = {}) {
  return inflate_all(Inflater(Inflater::Format::kGzip, limits), data, step);
}

std::string deflated(std::string_view bytes, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, bytes.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

RC_GTEST_PROP(Gzip, InflatingWhatWasDeflatedGivesItBackInPiecesOfAnySize, (const std::string& bytes)) {
  const auto step = *rc::gen::inRange<std::size_t>(1, 64);
  RC_ASSERT(gunzip(gzip(bytes), step).value() == bytes);
}

TEST(Gzip, LargeDataPassesThroughTheFixedBuffer) {
  std::string bytes;
  for (unsigned i = 0; bytes.size() < 3'000'000; ++i) bytes += std::to_string(i * 7919) + ",";
  EXPECT_EQ(gunzip(gzip(bytes), 1000).value(), bytes);
  EXPECT_EQ(gunzip(gzip(bytes)).value(), bytes);
}

TEST(Gzip, EveryFlushMakesAllInputReadable) {
  Deflater deflater;
  Inflater inflater(Inflater::Format::kGzip, {});
  for (const std::string_view line : {"first\n", "second\n", "third\n"}) {
    std::string wire;
    deflater.deflate(line, wire);
    deflater.flush(wire);
    std::string_view input = wire;
    EXPECT_EQ(inflater.inflate(input).value(), line);
  }
  EXPECT_EQ(inflater.finish().error().code(), Code::kBadRequest) << "not finished yet";
}

TEST(Gzip, SeveralMembersAreOneText) {
  EXPECT_EQ(gunzip(gzip("one") + gzip("") + gzip("two"), 1).value(), "onetwo");
  EXPECT_EQ(gunzip(gzip("one") + gzip("") + gzip("two")).value(), "onetwo");
}

TEST(Gzip, DeflateMeansZlibDataAndOftenBareData) {
  const std::string text = "some text, some text, some text";
  for (const int window_bits : {15, -15, 9, -9}) {
    for (const std::size_t step : {1U, 1000U}) {
      EXPECT_EQ(
          inflate_all(Inflater(Inflater::Format::kDeflate, {}), deflated(text, window_bits), step).value(),
          text)
          << window_bits;
    }
  }
  EXPECT_EQ(
      inflate_all(Inflater(Inflater::Format::kDeflate, {}), deflated(text, 15) + "x", 1000).error().code(),
      Code::kBadRequest);
}

TEST(Gzip, DamageIsRefused) {
  const std::string good = gzip("hello, hello, hello");
  struct Case {
    std::string data;
    std::string_view reason;
  };
  auto wrong_sum = good;
  wrong_sum[wrong_sum.size() - 6] ^= 1;
  const std::vector<Case> cases = {
      {good.substr(0, good.size() - 1), "cut in the trailer"},
      {good.substr(0, 5), "cut in the header"},
      {"", "nothing"},
      {"hello", "not gzip"},
      {good + "x", "garbage after the end"},
      {wrong_sum, "wrong checksum"},
  };
  for (const auto& [data, reason] : cases) {
    const auto result = gunzip(data);
    ASSERT_FALSE(result) << reason;
    EXPECT_EQ(result.error().code(), Code::kBadRequest) << reason;
  }
}

TEST(Gzip, ABombIsTooLarge) {
  const std::string bomb = gzip(std::string(64 << 20, '\0'));
  ASSERT_LT(bomb.size(), 1U << 20);
  EXPECT_EQ(gunzip(bomb).error().code(), Code::kTooLarge) << "by its ratio";
  EXPECT_EQ(gunzip(bomb, 100, {.output_bytes = 1000, .ratio = 10000}).error().code(), Code::kTooLarge)
      << "by its size";
  EXPECT_EQ(gunzip(bomb, 100, {.ratio = 10000})->size(), 64U << 20) << "unless allowed";
  EXPECT_TRUE(gunzip(gzip(std::string(1000, 'x')), 100, {.output_bytes = 1000}));
  EXPECT_FALSE(gunzip(gzip(std::string(1001, 'x')), 100, {.output_bytes = 1000}));
}

class Pieces final : public BodyReader {
 public:
  explicit Pieces(std::deque<std::string> pieces) : pieces_(std::move(pieces)) {}
  Result<std::string_view> read(Ctx&) override {
    if (pieces_.empty()) return std::string_view();
    now_ = pieces_.front();
    pieces_.pop_front();
    if (now_ == "fail") return fail(Code::kUnavailable, "broken off");
    return now_;
  }

 private:
  std::deque<std::string> pieces_;
  std::string now_;
};

Result<std::string> read_inflated(Ctx& ctx, std::deque<std::string> pieces) {
  const auto reader = inflating_reader(std::make_unique<Pieces>(std::move(pieces)), "GZIP", {});
  auto all = read_all(ctx, *reader, 1 << 20);
  const auto again = reader->read(ctx);
  if (all) {
    EXPECT_TRUE(again && again->empty()) << "the end stays the end";
  } else {
    EXPECT_FALSE(again) << "an error stays an error";
  }
  return all;
}

FIBER_TEST(InflatingReader, DecodesABodyPieceByPiece) {
  const std::string wire = gzip("abc");
  EXPECT_EQ(read_inflated(ctx, {wire}).value(), "abc");
  EXPECT_EQ(read_inflated(ctx, {wire.substr(0, 7), wire.substr(7)}).value(), "abc");
  EXPECT_EQ(read_inflated(ctx, {}).value(), "") << "an empty body stays one";
  EXPECT_EQ(read_inflated(ctx, {wire.substr(0, 7)}).error().code(), Code::kBadRequest);
  EXPECT_EQ(read_inflated(ctx, {wire.substr(0, 7), "fail"}).error().code(), Code::kUnavailable);
}

FIBER_TEST(GzipWriter, MakesWhatTheReaderDecodes) {
  class Memory final : public BodyWriter {
   public:
    Result<> write(Ctx&, std::string_view piece) override {
      pieces.emplace_back(piece);
      return {};
    }
    std::deque<std::string> pieces;
  } memory;
  GzipWriter writer(memory);
  ASSERT_TRUE(writer.write(ctx, "one "));
  ASSERT_TRUE(writer.write(ctx, ""));
  ASSERT_TRUE(writer.write(ctx, "two"));
  ASSERT_TRUE(writer.finish(ctx));
  EXPECT_EQ(memory.pieces.size(), 3U);
  EXPECT_EQ(read_inflated(ctx, memory.pieces).value(), "one two");
}

TEST(Gzip, KnowsTheCodingsItUndoes) {
  for (const auto* coding : {"gzip", "X-GZIP", " deflate "}) EXPECT_TRUE(is_inflatable(coding)) << coding;
  for (const auto* coding : {"", "identity", "br", "gzip, gzip"})
    EXPECT_FALSE(is_inflatable(coding)) << coding;
}

}  // namespace
}  // namespace klutch::http
