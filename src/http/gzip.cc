// SPDX-License-Identifier: Apache-2.0
#include "http/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/strings.h"

namespace klutch::http {
namespace {

constexpr std::size_t kOutputBuffer = 16 * 1024;
constexpr std::size_t kLargestStep = 1U << 30;  // zlib counts in unsigned int
// windowBits of zlib: 15 is the largest window; +16 asks for gzip; negative for data without any wrapping.
constexpr int kZlibWindow = 15;
constexpr int kGzipWindow = 15 + 16;
constexpr int kBareWindow = -15;

Bytef* zlib_input(std::string_view bytes) {
  return reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib never writes through it
}

void check_zlib(int result) {
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  CHECK(result == Z_OK);
}

/// RFC 1950 §2.2: method 8, and the first two bytes are a multiple of 31. Bare deflate data begins so only
/// by accident.
bool looks_like_zlib(unsigned char first) {
  return (first & 0x0FU) == Z_DEFLATED && (first >> 4U) <= 7;
}

}  // namespace

struct Inflater::Impl {
  Impl(Format data_format, const InflateLimits& inflate_limits)
      : format(data_format), limits(inflate_limits) {
    check_zlib(inflateInit2(&stream, format == Format::kGzip ? kGzipWindow : kZlibWindow));
  }
  ~Impl() { inflateEnd(&stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  tl::unexpected<Error> give_up(Code code, const std::string& why) {
    broken = Error(code, "compressed data: " + why);
    return fail(*broken);
  }

  /// Decides on the first byte, and again at the start of every further member.
  Result<> begin(unsigned char first) {
    if (ended && format == Format::kDeflate) return give_up(Code::kBadRequest, "bytes after its end");
    if (ended) {
      check_zlib(inflateReset(&stream));
      ended = false;
    } else if (!begun && format == Format::kDeflate && !looks_like_zlib(first)) {
      check_zlib(inflateReset2(&stream, kBareWindow));
    }
    begun = true;
    return {};
  }

  /// One call of zlib; how many bytes of `input` it took.
  Result<std::size_t> step(std::string_view input) {
    stream.next_in = zlib_input(input);
    stream.avail_in = static_cast<uInt>(std::min(input.size(), kLargestStep));
    const auto given = stream.avail_in;
    stream.next_out = reinterpret_cast<Bytef*>(output.data());
    stream.avail_out = static_cast<uInt>(output.size());
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return give_up(Code::kBadRequest, stream.msg != nullptr ? stream.msg : "damaged");
    }
    ended = result == Z_STREAM_END;
    full = stream.avail_out == 0;
    total_in += given - stream.avail_in;
    total_out += output.size() - stream.avail_out;
    return given - stream.avail_in;
  }

  Result<> check_limits() {
    if (total_out > limits.output_bytes) {
      return give_up(Code::kTooLarge,
                     "larger than " + std::to_string(limits.output_bytes) + " bytes decoded");
    }
    if (total_out > limits.ratio_free_bytes && total_out / limits.ratio > total_in) {
      return give_up(Code::kTooLarge, "expands more than " + std::to_string(limits.ratio) + " times");
    }
    return {};
  }

  Format format;
  InflateLimits limits;
  z_stream stream{};
  std::array<char, kOutputBuffer> output;
  std::optional<Error> broken;
  std::uint64_t total_in = 0;
  std::uint64_t total_out = 0;
  bool begun = false;
  bool ended = false;  // between members, or done
  bool full = false;   // zlib may hold more output than the buffer took
};

Inflater::Inflater(Format format, const InflateLimits& limits)
    : impl_(std::make_unique<Impl>(format, limits)) {}
Inflater::~Inflater() = default;
Inflater::Inflater(Inflater&&) noexcept = default;
Inflater& Inflater::operator=(Inflater&&) noexcept = default;

Result<std::string_view> Inflater::inflate(std::string_view& input) {
  auto& self = *impl_;
  if (self.broken) return fail(*self.broken);
  while (!input.empty() || (self.full && !self.ended)) {
    if (!self.begun || self.ended) TRY(self.begin(static_cast<unsigned char>(input.front())));
    const auto used = TRY(self.step(input));
    input.remove_prefix(used);
    TRY(self.check_limits());
    const auto produced = self.output.size() - self.stream.avail_out;
    if (produced > 0) return std::string_view(self.output.data(), produced);
    if (used == 0 && !self.ended) break;
  }
  return std::string_view();
}

Result<> Inflater::finish() const {
  if (impl_->broken) return fail(*impl_->broken);
  if (!impl_->ended) return fail(Code::kBadRequest, "compressed data: it ends too early");
  return {};
}

struct Deflater::Impl {
  // Level 1 gives most of the gain for JSON at a fraction of the time of the default.
  Impl() { check_zlib(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY)); }
  ~Impl() { deflateEnd(&stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void run(std::string_view input, int flush, std::string& out) {
    do {
      const auto part = input.substr(0, kLargestStep);
      input.remove_prefix(part.size());
      stream.next_in = zlib_input(part);
      stream.avail_in = static_cast<uInt>(part.size());
      do {
        std::array<char, kOutputBuffer> buffer;
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = static_cast<uInt>(buffer.size());
        const int result = ::deflate(&stream, input.empty() ? flush : Z_NO_FLUSH);
        CHECK(result != Z_STREAM_ERROR);
        out.append(buffer.data(), buffer.size() - stream.avail_out);
      } while (stream.avail_out == 0);
    } while (!input.empty());
  }

  z_stream stream{};
};

Deflater::Deflater() : impl_(std::make_unique<Impl>()) {}
Deflater::~Deflater() = default;
Deflater::Deflater(Deflater&&) noexcept = default;
Deflater& Deflater::operator=(Deflater&&) noexcept = default;

void Deflater::deflate(std::string_view input, std::string& out) {
  if (!input.empty()) impl_->run(input, Z_NO_FLUSH, out);
}

void Deflater::flush(std::string& out) {
  impl_->run({}, Z_SYNC_FLUSH, out);
}

void Deflater::finish(std::string& out) {
  impl_->run({}, Z_FINISH, out);
}

std::string gzip(std::string_view bytes) {
  std::string out;
  Deflater deflater;
  deflater.deflate(bytes, out);
  deflater.finish(out);
  return out;
}

bool is_inflatable(std::string_view content_encoding) noexcept {
  const auto coding = trim(content_encoding);
  return equal_ignore_case(coding, "gzip") || equal_ignore_case(coding, "x-gzip") ||
         equal_ignore_case(coding, "deflate");
}

namespace {

class InflatingReader final : public BodyReader {
 public:
  InflatingReader(std::unique_ptr<BodyReader> source, Inflater::Format format, const InflateLimits& limits)
      : source_(std::move(source)), inflater_(format, limits) {}

  Result<std::string_view> read(Ctx& ctx) override {
    if (broken_) return fail(*broken_);
    auto piece = next(ctx);
    if (!piece) broken_ = piece.error();
    return piece;
  }

 private:
  Result<std::string_view> next(Ctx& ctx) {
    for (;;) {
      const auto piece = TRY(inflater_.inflate(input_));
      if (!piece.empty() || at_end_) return piece;
      input_ = TRY(source_->read(ctx));
      if (!input_.empty()) {
        any_ = true;
        continue;
      }
      at_end_ = true;
      if (any_) TRY(inflater_.finish());  // a body without a byte is empty in every coding
    }
  }

  std::unique_ptr<BodyReader> source_;
  Inflater inflater_;
  std::string_view input_;  // what is left of the last piece of source_
  std::optional<Error> broken_;
  bool any_ = false;
  bool at_end_ = false;
};

}  // namespace

std::unique_ptr<BodyReader> inflating_reader(std::unique_ptr<BodyReader> source,
                                             std::string_view content_encoding, const InflateLimits& limits) {
  const bool deflate = equal_ignore_case(trim(content_encoding), "deflate");
  return std::make_unique<InflatingReader>(
      std::move(source), deflate ? Inflater::Format::kDeflate : Inflater::Format::kGzip, limits);
}

Result<> GzipWriter::write(Ctx& ctx, std::string_view piece) {
  if (piece.empty()) return {};
  buffer_.clear();
  deflater_.deflate(piece, buffer_);
  deflater_.flush(buffer_);
  return sink_.write(ctx, buffer_);
}

Result<> GzipWriter::finish(Ctx& ctx) {
  buffer_.clear();
  deflater_.finish(buffer_);
  return sink_.write(ctx, buffer_);
}

}  // namespace klutch::http
