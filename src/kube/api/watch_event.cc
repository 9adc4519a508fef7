// SPDX-License-Identifier: Apache-2.0
#include "kube/api/watch_event.h"

#include <utility>

#include "base/strings.h"
#include "json/parse.h"
#include "kube/api/status.h"

namespace klutch::kube {
namespace {

constexpr std::string_view kInitialEventsEnd = "k8s.io/initial-events-end";
/// What the buffer may keep for the next pieces of the stream.
constexpr std::size_t kKeptBytes = std::size_t{64} * 1024;

std::optional<EventType> parse_event_type(std::string_view text) noexcept {
  for (const auto type :
       {EventType::kAdded, EventType::kModified, EventType::kDeleted, EventType::kBookmark}) {
    if (text == to_string(type)) return type;
  }
  return std::nullopt;
}

Error error_from_event(const json::Value& object) {
  const auto status = Status::from_json(object);
  return status ? status->to_error()
                : Error(Code::kInternal, "the watch ended with an error without a Status");
}

Result<WatchEvent> decode_line(std::string_view line, std::size_t max_line) {
  auto event = json::parse(line, {.max_bytes = max_line});
  if (!event) {
    return fail(Code::kInternal, "a line of the watch is no JSON: " + event.error().message());
  }
  auto* object = event->find("object");
  const auto name = event->find_string("type");
  if (!name || object == nullptr || !object->is_object()) {
    return fail(Code::kInternal, "a line of the watch is no event: type or object is missing");
  }
  if (*name == "ERROR") return fail(error_from_event(*object));
  const auto type = parse_event_type(*name);
  if (!type) return fail(Code::kInternal, "the watch has an event of unknown type " + quote(*name));
  return WatchEvent{*type, std::move(*object)};
}

}  // namespace

std::string_view to_string(EventType type) noexcept {
  switch (type) {
    case EventType::kAdded: return "ADDED";
    case EventType::kModified: return "MODIFIED";
    case EventType::kDeleted: return "DELETED";
    case EventType::kBookmark: break;
  }
  return "BOOKMARK";
}

bool WatchEvent::ends_initial_events() const noexcept {
  return type == EventType::kBookmark && annotation(object, kInitialEventsEnd) == "true";
}

Result<> WatchDecoder::feed(std::string_view bytes) {
  discard_taken();
  const auto newline = bytes.find('\n');
  unfinished_ += newline == std::string_view::npos ? bytes.size() : newline;
  if (unfinished_ > max_line_) return too_long();
  if (newline != std::string_view::npos) unfinished_ = bytes.size() - bytes.rfind('\n') - 1;
  if (unfinished_ > max_line_) return too_long();
  buffer_ += bytes;
  return {};
}

Result<std::optional<WatchEvent>> WatchDecoder::next() {
  for (;;) {
    const auto newline = buffer_.find('\n', scanned_);
    if (newline == std::string::npos) {
      scanned_ = buffer_.size();
      if (start_ == buffer_.size()) discard_taken();
      return std::nullopt;
    }
    const auto line = std::string_view(buffer_).substr(start_, newline - start_);
    start_ = scanned_ = newline + 1;
    if (line.size() > max_line_) return too_long();
    if (trim(line).empty()) continue;
    return TRY(decode_line(line, max_line_));
  }
}

void WatchDecoder::discard_taken() {
  if (start_ < buffer_.size() - start_ || start_ == 0) return;  // moves each byte once on average
  buffer_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  if (buffer_.capacity() > kKeptBytes && buffer_.size() <= kKeptBytes) buffer_.shrink_to_fit();
}

tl::unexpected<Error> WatchDecoder::too_long() const {
  return fail(Code::kTooLarge, "a line of the watch has more than " + std::to_string(max_line_) + " bytes");
}

}  // namespace klutch::kube
