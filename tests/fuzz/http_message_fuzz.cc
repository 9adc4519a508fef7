// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 framing: whatever bytes come and however they are cut, the parser does not crash, keeps its limits
// and sees the same message. The first byte chooses the kind of message, the second the slices; the rest is
// the stream.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "http/message_parser.h"

namespace {

using klutch::http::MessageHead;
using klutch::http::MessageLimits;
using klutch::http::MessageParser;

constexpr MessageLimits kLimits{
    .head_bytes = 2048, .fields = 16, .body_bytes = 4096, .chunk_overhead_bytes = 256};

struct Outcome {
  bool failed = false;
  bool complete = false;
  std::size_t used = 0;
  std::string body;
  std::string head;
};

void require(bool condition) {
  if (!condition) std::abort();
}

std::string describe(const MessageHead& head) {
  std::string text = head.method + " " + head.target + " " + std::to_string(head.status);
  for (const auto& field : head.headers) text += "\n" + field.name + ":" + field.value;
  return text;
}

Outcome parse(MessageParser::Kind kind, std::string_view text, std::size_t slice) {
  Outcome outcome;
  MessageParser parser(kind, kLimits);
  std::size_t have = 0;
  while (have < text.size() && !parser.complete()) {
    have = std::min(text.size(), have + slice);
    for (;;) {
      const auto used = parser.feed(text.substr(outcome.used, have - outcome.used));
      if (!used) {
        outcome.failed = true;
        return outcome;
      }
      require(*used <= have - outcome.used);
      outcome.used += *used;
      outcome.body += parser.piece();
      require(outcome.body.size() <= kLimits.body_bytes);
      if (*used == 0 || parser.complete()) break;
    }
    require(parser.complete() || have - outcome.used <= kLimits.head_bytes);
  }
  outcome.complete = parser.complete();
  if (parser.head_complete()) {
    require(parser.head().headers.size() <= kLimits.fields);
    require(parser.head().headers.check().has_value());
    outcome.head = describe(parser.head());
    (void)parser.keep_alive();
    (void)parser.has_body();
  }
  (void)parser.feed_end();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto kind = static_cast<MessageParser::Kind>(data[0] % 3);
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto whole = parse(kind, text, text.size() + 1);
  const auto cut = parse(kind, text, 1 + data[1] % 64);
  // Cut finely, an error may be seen later or not at all for want of bytes; a complete message is the same
  // one.
  if (whole.complete || cut.complete) {
    require(whole.complete && cut.complete);
    require(whole.used == cut.used && whole.body == cut.body && whole.head == cut.head);
  }
  return 0;
}
