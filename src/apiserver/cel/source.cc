// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/source.h"

#include <algorithm>
#include <utility>

#include "apiserver/cel/go_text.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::size_t kMaxSnippetBytes = 16384;
constexpr std::string_view kWideDot = "．";
constexpr std::string_view kWideCaret = "＾";

}  // namespace

Source::Source(std::string_view text) : text_(text) {
  lines_.push_back({0, 0});
  std::int32_t position = 0;
  for (std::size_t byte = 0; byte < text_.size();) {
    const CodePoint c = first_code_point(std::string_view(text_).substr(byte));
    byte += c.length;
    ++position;
    if (c.value == '\n') lines_.push_back({position, byte});
  }
  size_ = static_cast<std::size_t>(position);
}

Source::Location Source::locate(std::int32_t position) const noexcept {
  if (position == kNoPosition) return {};
  if (position == kMissingPosition || size_ == 0) return {.line = 1, .column = -1};
  const auto after = std::ranges::upper_bound(lines_, position, {}, &Line::position);
  const auto line = after - lines_.begin();
  return {.line = static_cast<std::int32_t>(line), .column = position - (after - 1)->position};
}

std::string_view Source::line_text(std::int32_t line) const noexcept {
  const auto index = static_cast<std::size_t>(line - 1);
  const std::size_t begin = lines_[index].byte;
  const std::size_t end = index + 1 < lines_.size() ? lines_[index + 1].byte - 1 : text_.size();
  return std::string_view(text_).substr(begin, end - begin);
}

std::string Source::display(std::int32_t position, std::string_view message) const {
  const Location at = locate(position);
  std::string text = "ERROR: <input>:" + std::to_string(at.line) + ':' + std::to_string(at.column + 1) + ": ";
  text += message;
  if (at.line < 1 || size_ == 0) return text;
  std::string snippet(line_text(at.line));
  if (snippet.size() > kMaxSnippetBytes) return text;
  std::ranges::replace(snippet, '\t', ' ');
  std::string marker;
  std::string_view rest = snippet;
  for (std::int32_t i = 0; i < at.column && !rest.empty(); ++i) {
    const std::size_t length = first_code_point(rest).length;
    marker += length > 1 ? kWideDot : ".";
    rest.remove_prefix(length);
  }
  marker += !rest.empty() && first_code_point(rest).length > 1 ? kWideCaret : "^";
  return text + "\n | " + snippet + "\n | " + marker;
}

void Issues::report(std::int32_t position, std::string message) {
  if (++count_ <= kMaxReported) issues_.push_back({position, std::move(message)});
}

std::string Issues::display(const Source& source) const {
  std::vector<const Issue*> sorted;
  for (const Issue& issue : issues_) sorted.push_back(&issue);
  std::ranges::sort(sorted, [](const Issue* a, const Issue* b) {
    return a->position != b->position ? a->position < b->position : a < b;  // both are in issues_
  });
  std::string text;
  for (const Issue* issue : sorted) {
    if (!text.empty()) text += '\n';
    text += source.display(issue->position, issue->message);
  }
  if (count_ > kMaxReported) {
    text += '\n' + std::to_string(count_ - kMaxReported) + " more errors were truncated";
  }
  return text;
}

}  // namespace klutch::apiserver::cel
