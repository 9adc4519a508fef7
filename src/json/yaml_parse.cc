// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "json/pointer.h"
#include "json/yaml.h"
#include "json/yaml_events.h"
#include "json/yaml_scalar.h"

namespace klutch::json {
namespace {

using detail::fail_at;
using detail::YamlEvent;
using detail::YamlEventReader;
using detail::YamlEventType;
using detail::YamlMark;

constexpr std::string_view kMergeTag = "tag:yaml.org,2002:merge";
constexpr std::size_t kNoAnchor = static_cast<std::size_t>(-1);

/// What an anchor stands for, or will once its node is complete.
struct YamlAnchor {
  Value value;
  std::size_t weight = 0;
  std::size_t depth = 0;
  bool complete = false;
};

/// A finished node on its way into its parent. `depth`: levels of containers it has, itself included.
struct YamlNode {
  Value value;
  std::size_t depth = 0;
  YamlMark mark;
  bool is_alias = false;
};

/// An open sequence or mapping.
struct OpenNode {
  Value value;
  YamlMark mark;
  std::size_t anchor = kNoAnchor;
  std::size_t weight_before = 0;
  std::size_t depth_below = 0;
  // Mappings only:
  std::string key;  ///< Waits for its value.
  YamlMark key_mark;
  bool has_key = false;
  bool is_merge = false;  ///< The key is a merge key.
  /// Keys that were written rather than merged; kept from the first merge key on.
  std::unique_ptr<std::unordered_set<std::string>> written;

  [[nodiscard]] bool wants_key() const noexcept { return value.is_object() && !has_key; }
};

/// Builds the documents of a stream from its events.
class YamlBuilder {
 public:
  YamlBuilder(std::string_view text, const YamlOptions& options) : events_(text), options_(options) {}

  Result<std::vector<YamlDocument>> run() {
    for (;;) {
      const YamlEvent event = TRY(events_.next());
      if (event.type == YamlEventType::kStreamEnd) return std::move(documents_);
      TRY(handle(event));
    }
  }

 private:
  Result<> handle(const YamlEvent& event);
  Result<> end_document();
  Result<> open(const YamlEvent& event, Value container);
  Result<> close();
  Result<> scalar(const YamlEvent& event);
  Result<> alias(const YamlEvent& event);
  Result<> add(YamlNode node);
  Result<> add_key(const YamlNode& node);
  Result<> add_member(OpenNode& frame, YamlNode node);
  Result<> merge(OpenNode& frame, YamlNode node);
  Result<> note_duplicate();
  Result<> spend_on_aliases(std::size_t weight, YamlMark mark);
  std::size_t declare(std::string_view anchor);
  Result<> define(std::size_t anchor, const YamlNode& node, std::size_t weight);

  YamlEventReader events_;
  const YamlOptions& options_;
  std::vector<YamlDocument> documents_;
  // Of the document being read:
  YamlDocument document_;
  std::vector<OpenNode> frames_;
  std::unordered_map<std::string, std::size_t> anchor_names_;
  std::vector<YamlAnchor> anchors_;
  std::size_t weight_ = 0;        ///< Nodes so far, counted as YamlOptions::max_alias_nodes says.
  std::size_t alias_weight_ = 0;  ///< Of the whole stream.
};

std::size_t weight_of(const Value& scalar) {
  constexpr std::size_t kBytesPerNode = 64;
  return 1 + (scalar.is_string() ? scalar.as_string().size() / kBytesPerNode : 0);
}

bool is_merge_key(const YamlEvent& event) noexcept {
  return event.text == "<<" && (event.plain || event.tag == kMergeTag);
}

Result<> YamlBuilder::handle(const YamlEvent& event) {
  switch (event.type) {
    case YamlEventType::kDocumentStart: return {};
    case YamlEventType::kDocumentEnd: return end_document();
    case YamlEventType::kSequenceStart: return open(event, Value::empty_array());
    case YamlEventType::kMappingStart: return open(event, Value::empty_object());
    case YamlEventType::kSequenceEnd:
    case YamlEventType::kMappingEnd: return close();
    case YamlEventType::kScalar: return scalar(event);
    case YamlEventType::kAlias: return alias(event);
    case YamlEventType::kStreamEnd: break;
  }
  return {};
}

Result<> YamlBuilder::end_document() {
  if (!document_.value.is_null()) {
    if (documents_.size() == options_.max_documents) {
      return fail(Code::kTooLarge, "more than " + std::to_string(options_.max_documents) + " documents");
    }
    documents_.push_back(std::move(document_));
  }
  document_ = {};
  anchor_names_.clear();
  anchors_.clear();
  weight_ = 0;
  return {};
}

Result<> YamlBuilder::open(const YamlEvent& event, Value container) {
  if (!frames_.empty() && frames_.back().wants_key()) {
    return fail_at(event.mark, "a mapping key cannot be a sequence or a mapping");
  }
  if (frames_.size() == options_.max_depth) {
    return fail_at(event.mark, "more than " + std::to_string(options_.max_depth) + " levels",
                   Code::kTooLarge);
  }
  OpenNode& frame = frames_.emplace_back();
  frame.value = std::move(container);
  frame.mark = event.mark;
  frame.anchor = declare(event.anchor);
  frame.weight_before = weight_++;
  return {};
}

Result<> YamlBuilder::close() {
  OpenNode& frame = frames_.back();
  YamlNode node{std::move(frame.value), frame.depth_below + 1, frame.mark};
  const std::size_t anchor = frame.anchor;
  const std::size_t weight = weight_ - frame.weight_before;
  frames_.pop_back();
  TRY(define(anchor, node, weight));
  return add(std::move(node));
}

Result<> YamlBuilder::scalar(const YamlEvent& event) {
  if (!frames_.empty() && frames_.back().wants_key() && is_merge_key(event)) {
    frames_.back().has_key = true;
    frames_.back().is_merge = true;
    frames_.back().key = event.text;
    return {};
  }
  YamlNode node{Value(), 0, event.mark};
  if (event.plain) {
    detail::Scalar resolved = detail::resolve_plain(event.text);
    const bool is_key = !frames_.empty() && frames_.back().wants_key();
    if (resolved.type == detail::ScalarType::kNotFinite && !is_key) {
      return fail_at(event.mark,
                     "JSON cannot hold " + std::string(event.text) + "; quote it to make it text");
    }
    node.value = std::move(resolved.value);
  } else if (event.tag.empty()) {
    node.value = Value(event.text);
  } else {
    Result<Value> resolved = detail::resolve_tagged(event.tag, event.text);
    if (!resolved) return fail_at(event.mark, resolved.error().message());
    node.value = *std::move(resolved);
  }
  const std::size_t weight = weight_of(node.value);
  weight_ += weight;
  TRY(define(declare(event.anchor), node, weight));
  return add(std::move(node));
}

Result<> YamlBuilder::alias(const YamlEvent& event) {
  const auto found = anchor_names_.find(std::string(event.anchor));
  if (found == anchor_names_.end()) {
    return fail_at(event.mark, "unknown anchor \"" + std::string(event.anchor) + "\"");
  }
  const YamlAnchor& anchor = anchors_[found->second];
  if (!anchor.complete) {
    return fail_at(event.mark, "the anchor \"" + std::string(event.anchor) + "\" contains itself");
  }
  if (frames_.size() + anchor.depth > options_.max_depth) {
    return fail_at(event.mark, "more than " + std::to_string(options_.max_depth) + " levels",
                   Code::kTooLarge);
  }
  TRY(spend_on_aliases(anchor.weight, event.mark));
  weight_ += anchor.weight;
  return add(YamlNode{anchor.value, anchor.depth, event.mark, true});
}

Result<> YamlBuilder::add(YamlNode node) {
  if (frames_.empty()) {
    document_.line = node.mark.line;
    document_.value = std::move(node.value);
    return {};
  }
  OpenNode& frame = frames_.back();
  if (frame.wants_key()) return add_key(node);
  frame.depth_below = std::max(frame.depth_below, node.depth);
  if (frame.is_merge) return merge(frame, std::move(node));
  if (frame.has_key) return add_member(frame, std::move(node));
  frame.value.push_back(std::move(node.value));
  return {};
}

Result<> YamlBuilder::add_key(const YamlNode& node) {
  Result<std::string> key = detail::key_text(node.value);
  if (!key) return fail_at(node.mark, key.error().message());
  OpenNode& frame = frames_.back();
  frame.key = *std::move(key);
  frame.key_mark = node.mark;
  frame.has_key = true;
  return {};
}

Result<> YamlBuilder::add_member(OpenNode& frame, YamlNode node) {
  const std::size_t before = frame.value.size();
  frame.value.set(frame.key, std::move(node.value));
  const bool was_written = frame.written == nullptr || !frame.written->insert(frame.key).second;
  if (frame.value.size() == before && was_written) TRY(note_duplicate());
  frame.has_key = false;
  return {};
}

/// Merge keys as Kubernetes' tools apply them: in the order of the text, so that what is merged replaces what
/// was written before it; within a sequence the earlier mapping wins.
Result<> YamlBuilder::merge(OpenNode& frame, YamlNode node) {
  if (frame.written == nullptr) {
    frame.written = std::make_unique<std::unordered_set<std::string>>();
    for (const auto& [key, value] : frame.value.members()) frame.written->emplace(key);
  }
  const auto take_over = [&](Value& source) {
    for (Member& member : source.members()) frame.value.set(member.key(), std::move(member.value()));
  };
  const bool is_list = node.value.is_array() && !node.is_alias;
  bool mergeable = node.value.is_object() || is_list;
  if (is_list) {
    for (const Value& element : node.value.elements()) mergeable = mergeable && element.is_object();
  }
  if (!mergeable)
    return fail_at(node.mark, "the value of a merge key must be a mapping or a list of mappings");
  if (is_list) {
    const std::span<Value> sources = node.value.elements();
    for (std::size_t i = sources.size(); i > 0; --i) take_over(sources[i - 1]);
  } else {
    take_over(node.value);
  }
  frame.has_key = false;
  frame.is_merge = false;
  return {};
}

Result<> YamlBuilder::note_duplicate() {
  std::string path;
  for (const OpenNode& frame : frames_) {
    path += '/';
    path += frame.value.is_object() ? escape_token(frame.key) : std::to_string(frame.value.size());
  }
  const YamlMark mark = frames_.back().key_mark;
  if (options_.duplicate_keys == DuplicateKeys::kReject) return fail_at(mark, "duplicate key " + path);
  if (document_.duplicate_keys.size() < YamlDocument::kMaxDuplicates) {
    document_.duplicate_keys.push_back({std::move(path), mark.line});
  }
  return {};
}

Result<> YamlBuilder::spend_on_aliases(std::size_t weight, YamlMark mark) {
  alias_weight_ += weight;
  if (alias_weight_ <= options_.max_alias_nodes) return {};
  return fail_at(
      mark, "anchors and aliases repeat more than " + std::to_string(options_.max_alias_nodes) + " nodes",
      Code::kTooLarge);
}

/// An anchor is known from where its node begins, so that a node that contains itself can be told from one
/// that refers to nothing, and a later anchor of the same name takes over at once.
std::size_t YamlBuilder::declare(std::string_view anchor) {
  if (anchor.empty()) return kNoAnchor;
  anchor_names_[std::string(anchor)] = anchors_.size();
  anchors_.emplace_back();
  return anchors_.size() - 1;
}

Result<> YamlBuilder::define(std::size_t anchor, const YamlNode& node, std::size_t weight) {
  if (anchor == kNoAnchor) return {};
  TRY(spend_on_aliases(weight, node.mark));  // the copy kept here takes room like one made by an alias
  anchors_[anchor] = {node.value, weight, node.depth, true};
  return {};
}

Result<std::vector<YamlDocument>> read_stream(std::string_view text, const YamlOptions& options) {
  if (text.size() > options.max_bytes) {
    return fail(Code::kTooLarge, "the text has more than " + std::to_string(options.max_bytes) + " bytes");
  }
  return YamlBuilder(text, options).run();
}

/// JSON is almost a part of YAML. What YAML 1.1 refuses of it (surrogate pairs written as escapes, DEL) is
/// taken by trying it as JSON first. Repeated keys are left to the reader of YAML, which knows their lines.
std::optional<Value> read_as_json(std::string_view text, const YamlOptions& options) {
  const std::size_t start = text.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || (text[start] != '{' && text[start] != '[' && text[start] != '"'))
    return std::nullopt;
  ParseOptions json_options;
  json_options.max_bytes = options.max_bytes;
  json_options.max_depth = options.max_depth;
  json_options.duplicate_keys = DuplicateKeys::kReject;
  Result<Value> value = parse(text, json_options);
  if (!value) return std::nullopt;
  return *std::move(value);
}

}  // namespace

Result<Value> parse_yaml(std::string_view text, const YamlOptions& options) {
  if (std::optional<Value> json = read_as_json(text, options)) return *std::move(json);
  std::vector<YamlDocument> documents = TRY(read_stream(text, options));
  if (documents.empty()) return Value();
  if (documents.size() > 1) {
    return fail_at({documents[1].line, 1}, "a second document begins; only one is expected here");
  }
  return std::move(documents.front().value);
}

Result<std::vector<YamlDocument>> parse_yaml_documents(std::string_view text, const YamlOptions& options) {
  if (std::optional<Value> json = read_as_json(text, options)) {
    std::vector<YamlDocument> documents(1);
    documents.front().value = *std::move(json);
    const auto start = std::min(text.find_first_of("{[\""), text.size());
    documents.front().line += static_cast<std::size_t>(
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(start), '\n'));
    return documents;
  }
  return read_stream(text, options);
}

}  // namespace klutch::json
