// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "http/headers.h"
#include "http/request.h"

// gzip for responses whose body is in memory. Streams are left alone: events must not wait in a compressor.
// Safe from any fiber.

namespace klutch::http {

struct CompressionOptions {
  std::size_t at_least = 4 * 1024;  ///< bytes below which it does not pay
};

/// Wraps `handler`: compresses 200 responses of a compressible Content-Type (text, JSON, YAML, XML,
/// JavaScript) for clients that accept gzip, and marks them with Vary. Leaves alone what has a
/// Content-Encoding already and what says "Cache-Control: no-transform". Large bodies are compressed on the
/// pool for blocking calls.
Handler compressed(Handler handler, CompressionOptions options = {});

/// Whether Accept-Encoding names gzip, or '*', with a weight that is not 0 and not below that of identity
/// (RFC 9110 §12.5.3).
bool accepts_gzip(const Headers& headers) noexcept;

}  // namespace klutch::http
