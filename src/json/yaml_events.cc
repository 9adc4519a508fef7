// SPDX-License-Identifier: Apache-2.0
#include "json/yaml_events.h"

#include <yaml.h>

#include <algorithm>
#include <new>
#include <string>

namespace klutch::json::detail {
namespace {

std::string_view text_of(const yaml_char_t* text) noexcept {
  return text == nullptr ? std::string_view{} : std::string_view(reinterpret_cast<const char*>(text));
}

YamlMark mark_of(const yaml_mark_t& mark) noexcept {
  return {mark.line + 1, mark.column + 1};
}

/// libyaml gives no line for bytes that are no characters, only their offset.
YamlMark mark_at(std::string_view text, std::size_t offset) noexcept {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t line_start = before.find_last_of('\n') + 1;  // npos + 1 is 0
  return {lines + 1, before.size() - line_start + 1};
}

/// libyaml compares each %TAG directive and each tag with all directives before.
constexpr std::size_t kMaxTagDirectives = 64;
/// libyaml passes over all open levels of flow style at each token; so many steps take about half a second.
constexpr std::uint64_t kMaxFlowSteps = 64'000'000;

/// Whether `text`, which may be UTF-16, has more directives than allowed. Counts what begins a line like one,
/// which in a text of several lines it may do innocently, but hardly so often.
bool has_too_many_tag_directives(std::string_view text) noexcept {
  constexpr std::string_view kDirective = "%TAG";
  std::size_t directives = 0;
  std::size_t matched = 0;
  bool line_start = true;
  for (const char c : text) {
    if (c == '\0') continue;
    const bool goes_on = c == kDirective[matched] && (matched > 0 || line_start);
    matched = goes_on ? matched + 1 : 0;
    line_start = static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~';
    if (matched < kDirective.size()) continue;
    matched = 0;
    if (++directives > kMaxTagDirectives) return true;
  }
  return false;
}

}  // namespace

tl::unexpected<Error> fail_at(YamlMark mark, std::string_view what, Code code) {
  return fail(code, "line " + std::to_string(mark.line) + ", column " + std::to_string(mark.column) + ": " +
                        std::string(what));
}

struct YamlEventReader::Parser {
  Parser() {
    if (yaml_parser_initialize(&parser) == 0) throw std::bad_alloc();
  }
  ~Parser() {
    yaml_event_delete(&event);
    yaml_parser_delete(&parser);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  yaml_parser_t parser{};
  yaml_event_t event{};
};

YamlEventReader::YamlEventReader(std::string_view text) : text_(text), parser_(std::make_unique<Parser>()) {
  // A null pointer, as an empty view may hold, would not be taken for an empty text.
  const std::string_view input = text_.empty() ? std::string_view("\n") : text_;
  yaml_parser_set_input_string(&parser_->parser, reinterpret_cast<const unsigned char*>(input.data()),
                               input.size());
}

YamlEventReader::~YamlEventReader() = default;

Result<YamlEvent> YamlEventReader::next() {
  if (!started_ && has_too_many_tag_directives(text_)) {
    return fail(Code::kTooLarge, "more than " + std::to_string(kMaxTagDirectives) + " %TAG directives");
  }
  started_ = true;
  yaml_event_t& event = parser_->event;
  do {
    yaml_event_delete(&event);
    if (yaml_parser_parse(&parser_->parser, &event) == 0) return failure();
  } while (event.type == YAML_STREAM_START_EVENT);
  return translate();
}

Result<> YamlEventReader::spend_time(YamlMark mark) {
  flow_steps_ += static_cast<std::uint64_t>(parser_->parser.flow_level);
  if (flow_steps_ <= kMaxFlowSteps) return {};
  return fail_at(mark, "too much text nested too deeply in flow style", Code::kTooLarge);
}

Result<YamlEvent> YamlEventReader::translate() {
  const yaml_event_t& event = parser_->event;
  YamlEvent out;
  out.mark = mark_of(event.start_mark);
  TRY(spend_time(out.mark));
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT: out.type = YamlEventType::kDocumentStart; break;
    case YAML_DOCUMENT_END_EVENT: out.type = YamlEventType::kDocumentEnd; break;
    case YAML_SEQUENCE_START_EVENT:
      out.type = YamlEventType::kSequenceStart;
      out.anchor = text_of(event.data.sequence_start.anchor);
      break;
    case YAML_SEQUENCE_END_EVENT: out.type = YamlEventType::kSequenceEnd; break;
    case YAML_MAPPING_START_EVENT:
      out.type = YamlEventType::kMappingStart;
      out.anchor = text_of(event.data.mapping_start.anchor);
      break;
    case YAML_MAPPING_END_EVENT: out.type = YamlEventType::kMappingEnd; break;
    case YAML_ALIAS_EVENT:
      out.type = YamlEventType::kAlias;
      out.anchor = text_of(event.data.alias.anchor);
      break;
    case YAML_SCALAR_EVENT: {
      const auto& scalar = event.data.scalar;
      out.type = YamlEventType::kScalar;
      out.anchor = text_of(scalar.anchor);
      out.tag = text_of(scalar.tag);
      out.text = {reinterpret_cast<const char*>(scalar.value), scalar.length};
      out.plain = out.tag.empty() && scalar.style == YAML_PLAIN_SCALAR_STYLE;
      break;
    }
    case YAML_STREAM_END_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_NO_EVENT: out.type = YamlEventType::kStreamEnd; break;
  }
  return out;
}

tl::unexpected<Error> YamlEventReader::failure() const {
  const yaml_parser_t& parser = parser_->parser;
  if (parser.error == YAML_MEMORY_ERROR) return fail(Code::kInternal, "out of memory while reading YAML");
  const std::string_view problem = parser.problem == nullptr ? "not YAML" : parser.problem;
  if (parser.error == YAML_READER_ERROR) return fail_at(mark_at(text_, parser.problem_offset), problem);
  std::string what(problem);
  if (parser.context != nullptr) {
    what += ' ';
    what += parser.context;
    what += " that begins in line " + std::to_string(parser.context_mark.line + 1);
  }
  return fail_at(mark_of(parser.problem_mark), what);
}

}  // namespace klutch::json::detail
