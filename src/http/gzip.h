// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

// Content codings gzip and deflate (RFC 9110 §8.4.1) as streams: memory is bounded by one fixed buffer
// however large the data, and data that expands beyond reason is refused. Each object is used by one fiber.
// Running out of memory throws std::bad_alloc as everywhere.

namespace klutch::http {

struct InflateLimits {
  /// Bytes of output altogether.
  std::uint64_t output_bytes = std::numeric_limits<std::uint64_t>::max();
  /// Output per byte of input. The format itself ends at about 1030; honest text stays far below 100.
  std::uint64_t ratio = 200;
  /// Up to here the ratio does not matter.
  std::uint64_t ratio_free_bytes = 1024 * 1024;
};

class Inflater {
 public:
  enum class Format {
    kGzip,     ///< RFC 1952, one or several members
    kDeflate,  ///< zlib (RFC 1950), or bare deflate data, which some servers send under this name
  };

  Inflater(Format format, const InflateLimits& limits);
  ~Inflater();
  Inflater(Inflater&&) noexcept;
  Inflater& operator=(Inflater&&) noexcept;

  /// Takes bytes from the front of `input` and gives the next piece of output, valid until the next call. An
  /// empty piece means that `input` is used up. Errors: kBadRequest for damaged data or bytes after its end,
  /// kTooLarge past a limit; nothing more can then be done with it.
  Result<std::string_view> inflate(std::string_view& input);
  /// The input has ended. kBadRequest unless the data is complete.
  [[nodiscard]] Result<> finish() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Makes gzip data.
class Deflater {
 public:
  Deflater();
  ~Deflater();
  Deflater(Deflater&&) noexcept;
  Deflater& operator=(Deflater&&) noexcept;

  /// Appends what comes out for `input` to `out`; may be nothing yet.
  void deflate(std::string_view input, std::string& out);
  /// Appends all that is held back, so that the receiver can decode everything given so far.
  void flush(std::string& out);
  /// Appends the end. Nothing may follow.
  void finish(std::string& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// gzip data in one piece.
std::string gzip(std::string_view bytes);

/// Whether `content_encoding` is one coding that inflating_reader() undoes: gzip, x-gzip or deflate.
[[nodiscard]] bool is_inflatable(std::string_view content_encoding) noexcept;
/// Decodes what `source` reads, which is of a coding for which is_inflatable() holds. Besides the errors of
/// `source`: those of Inflater.
std::unique_ptr<BodyReader> inflating_reader(std::unique_ptr<BodyReader> source,
                                             std::string_view content_encoding, const InflateLimits& limits);
/// Encodes as gzip what is written, for `sink`. Every write is flushed, so that watchers see it at once.
/// finish() must be called at the end.
class GzipWriter final : public BodyWriter {
 public:
  /// `sink` must outlive this.
  explicit GzipWriter(BodyWriter& sink) : sink_(sink) {}
  Result<> write(Ctx& ctx, std::string_view piece) override;
  Result<> finish(Ctx& ctx);

 private:
  BodyWriter& sink_;
  Deflater deflater_;
  std::string buffer_;
};

}  // namespace klutch::http
