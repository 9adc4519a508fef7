// SPDX-License-Identifier: Apache-2.0
// Any bytes as the stream of a watch: however they are cut, the same events come out, and no line or buffer
// grows beyond its limit. The first byte chooses the slices; the rest is the stream.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "json/print.h"
#include "kube/api/status.h"
#include "kube/api/watch_event.h"

namespace {

using klutch::kube::Status;
using klutch::kube::WatchDecoder;

constexpr std::size_t kLimit = 512;

struct Outcome {
  std::string events;  // one line each, an error last
  bool failed = false;
  bool too_large = false;
  bool partial = false;
};

void take_error(const klutch::Error& error, Outcome& outcome) {
  outcome.failed = true;
  outcome.too_large = klutch::is(error, klutch::Code::kTooLarge) && error.detail<Status>() == nullptr;
  outcome.events.append("error ").append(klutch::traits(error.code()).name).append(error.message());
  if (const auto* status = error.detail<Status>()) {
    const auto text = klutch::json::print(status->to_json());
    const auto again = Status::from_json(status->to_json());
    CHECK(again && klutch::json::print(again->to_json()) == text);
  }
}

void drain(WatchDecoder& decoder, Outcome& outcome) {
  while (!outcome.failed) {
    const auto event = decoder.next();
    if (!event) return take_error(event.error(), outcome);
    if (!*event) return;
    outcome.events.append(to_string((*event)->type))
        .append(klutch::json::print((*event)->object))
        .append("\n");
    (void)(*event)->ends_initial_events();
  }
}

Outcome decode(std::string_view stream, std::size_t slice) {
  Outcome outcome;
  WatchDecoder decoder(kLimit);
  while (!stream.empty() && !outcome.failed) {
    if (const auto fed = decoder.feed(stream.substr(0, slice)); !fed) {
      take_error(fed.error(), outcome);
      break;
    }
    stream.remove_prefix(std::min(slice, stream.size()));
    drain(decoder, outcome);
    CHECK(outcome.failed || decoder.memory() <= std::max<std::size_t>(64 * 1024, 2 * (kLimit + slice)));
  }
  outcome.partial = !outcome.failed && decoder.has_partial_line();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto whole = decode(stream, stream.size() + 1);
  const auto cut = decode(stream, 1 + data[0] % 64);
  // A line that is too long is noticed as soon as it is fed, which may be before the events in front of it or
  // an error in front of it are taken.
  if (whole.too_large) {
    CHECK(cut.failed);
  } else {
    CHECK(whole.events == cut.events);
    CHECK(whole.failed == cut.failed && whole.partial == cut.partial);
  }
  CHECK(whole.partial == (!whole.failed && !stream.empty() && stream.back() != '\n'));
  return 0;
}
