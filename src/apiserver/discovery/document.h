// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"
#include "http/request.h"
#include "json/value.h"

// Documents that are made once and sent often: bytes with the ETag that names them (RFC 9110 §8.8.3,
// §13.1.2). A document is immutable and shared among answers without a copy. Pure functions, safe from any
// thread.
//
//   const Document document = make_document(json::print(value), "application/json");
//   return answer_with(request, document, {.cache_control = "public", .vary = "Accept"});

namespace klutch::apiserver {

struct Document {
  std::shared_ptr<const std::string> bytes = {};  ///< null: there is none
  std::string content_type = {};
  /// Without quotes: the SHA-512 of the bytes in upper-case hexadecimal digits.
  std::string etag = {};

  explicit operator bool() const noexcept { return bytes != nullptr; }
};

Document make_document(std::string bytes, std::string_view content_type);

struct AnswerOptions {
  std::string_view cache_control = "no-cache, private";
  std::string_view vary = {};
};

/// Whether the client says by If-None-Match that it has what `etag` names.
bool client_has(const http::ServerRequest& request, std::string_view etag);

/// 200 with the bytes, or 304 without.
http::Response answer_with(const http::ServerRequest& request, const Document& document,
                           const AnswerOptions& options = {});

/// Compact JSON, or readable JSON or YAML if the client asks for that. Carries a Status 406 if it accepts
/// neither.
Result<http::Response> answer_with_object(const http::ServerRequest& request, const json::Value& object);

}  // namespace klutch::apiserver
