// SPDX-License-Identifier: Apache-2.0
#include "apiserver/endpoints/api_request.h"

#include <algorithm>

#include "http/headers.h"

namespace klutch::apiserver {
namespace {

/// As a quoted string of RFC 9110 §5.6.4; control characters, which cannot be sent, become spaces.
std::string quoted_warning(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    const auto byte = static_cast<unsigned char>(c);
    quoted += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return quoted + '"';
}

}  // namespace

void Warnings::add(std::string_view text) {
  text = text.substr(0, kMaxBytes);
  if (texts_.size() >= kMaxWarnings || std::ranges::find(texts_, text) != texts_.end()) return;
  texts_.emplace_back(text);
}

void Warnings::add_to(http::Headers& headers) const {
  for (const std::string& text : texts_) headers.add("Warning", "299 - " + quoted_warning(text));
}

}  // namespace klutch::apiserver
