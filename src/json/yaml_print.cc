// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <vector>

#include "base/strings.h"
#include "json/frame_stack.h"
#include "json/number.h"
#include "json/yaml.h"
#include "json/yaml_key_order.h"
#include "json/yaml_scalar.h"
#include "json/yaml_text.h"

namespace klutch::json {
namespace {

using detail::FrameStack;
using detail::TextPlace;
using detail::TextStyle;

constexpr int kIndent = 2;
constexpr int kRoot = -1;  ///< Indentation of what is around the root.

/// The text with every byte that is not UTF-8 replaced by U+FFFD; `storage` holds it if that changes
/// anything.
std::string_view valid_utf8(std::string_view text, std::string& storage) {
  bool valid = true;
  for (std::string_view rest = text; valid && !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    valid = length != 0;
    rest.remove_prefix(length);
  }
  if (valid) return text;
  storage.clear();
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    storage += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return storage;
}

/// Where the lines of a text go that does not end on the line it begins on.
struct Wrap {
  int indent;
  bool allowed;  ///< To fold long lines; keys must stay on one.
};

/// Writes tokens and knows where on the line it is.
class Page {
 public:
  /// Begins a line at `indent`, unless the cursor already stands before it with only indicators to its left.
  void start_line(int indent);
  /// '-', '?', or the ':' after "? key": what follows may stand on the same line, as if indented.
  void block_indicator(char indicator) {
    separate();
    put(indicator);
  }
  void colon() {
    put(':');
    only_indicators_ = false;
  }
  /// A token on one line, in ASCII.
  void word(std::string_view text) {
    separate();
    out_ += text;
    column_ += text.size();
    only_indicators_ = false;
  }
  void plain(std::string_view text, Wrap wrap);
  void single_quoted(std::string_view text, Wrap wrap);
  void double_quoted(std::string_view text, Wrap wrap);
  void literal(std::string_view text, int indent);
  /// Whether nothing but indicators stands on this line so far.
  [[nodiscard]] bool only_indicators() const noexcept { return only_indicators_; }
  std::string finish() && {
    start_line(kRoot);
    return std::move(out_);
  }

 private:
  void separate() {
    if (!after_space_) put(' ');
    after_space_ = false;
  }
  void put(char c) {
    out_ += c;
    ++column_;
    after_space_ = false;
  }
  void new_line() {
    out_ += '\n';
    column_ = 0;
  }
  /// Moves the first character of `text` to the page.
  void copy_character(std::string_view& text);
  /// Moves the line break that `text` begins with, if it does, to the page.
  bool copy_break(std::string_view& text);
  /// Turns the space that `text` begins with into a line break if the line is full and the text still reads
  /// back the same.
  bool fold(std::string_view& text, Wrap wrap, bool after_space);

  static constexpr std::size_t kFullLine = 80;

  std::string out_;
  std::size_t column_ = 0;  ///< In characters.
  bool after_space_ = true;
  bool only_indicators_ = true;
};

void Page::start_line(int indent) {
  const std::size_t wanted = indent > 0 ? static_cast<std::size_t>(indent) : 0;
  if (!only_indicators_ || column_ > wanted || (column_ == wanted && !after_space_)) new_line();
  out_.append(wanted - column_, ' ');
  column_ = wanted;
  after_space_ = true;
  only_indicators_ = true;
}

void Page::copy_character(std::string_view& text) {
  const std::size_t length = utf8_length(text);
  out_ += text.substr(0, length);
  ++column_;
  after_space_ = false;
  only_indicators_ = false;
  text.remove_prefix(length);
}

bool Page::copy_break(std::string_view& text) {
  const std::size_t length = detail::break_length(text);
  if (length == 0) return false;
  out_ += text.substr(0, length);
  column_ = 0;
  only_indicators_ = true;
  text.remove_prefix(length);
  return true;
}

bool Page::fold(std::string_view& text, Wrap wrap, bool after_space) {
  const bool between_words = text.size() > 1 && text[0] == ' ' && !after_space;
  if (!wrap.allowed || column_ <= kFullLine || !between_words || text[1] == ' ') return false;
  start_line(wrap.indent);
  text.remove_prefix(1);
  return true;
}

void Page::plain(std::string_view text, Wrap wrap) {
  separate();
  bool after_space = false;
  while (!text.empty()) {
    const bool space = text.front() == ' ';
    if (!fold(text, wrap, after_space)) copy_character(text);
    after_space = space;
  }
  after_space_ = false;
  only_indicators_ = false;
}

void Page::single_quoted(std::string_view text, Wrap wrap) {
  separate();
  put('\'');
  bool after_break = false;
  bool after_space = false;
  for (bool first = true; !text.empty(); first = false) {
    const bool space = text.front() == ' ';
    if (space && !first && fold(text, wrap, after_space)) {
      after_space = true;
      continue;
    }
    if (copy_break(text)) {
      after_break = true;
      continue;
    }
    if (after_break && !space) start_line(wrap.indent);
    after_break = after_break && space;
    if (text.front() == '\'') put('\'');
    copy_character(text);
    after_space = space;
  }
  put('\'');
  only_indicators_ = false;
}

void Page::double_quoted(std::string_view text, Wrap wrap) {
  separate();
  put('"');
  const bool escape_all = detail::starts_with_byte_order_mark(text);
  bool after_space = false;
  for (bool first = true; !text.empty(); first = false) {
    const bool space = text.front() == ' ' && !escape_all;
    if (space && !first && !after_space && wrap.allowed && column_ > kFullLine && text.size() > 1) {
      start_line(wrap.indent);
      if (text[1] == ' ') put('\\');  // keeps the second space from being taken for indentation
      text.remove_prefix(1);
    } else if (escape_all || detail::needs_escape(text)) {
      const std::size_t length = utf8_length(text);
      const std::string escape = detail::escape_of(text.substr(0, length));
      out_ += escape;
      column_ += escape.size();
      text.remove_prefix(length);
    } else {
      copy_character(text);
    }
    after_space = space;
  }
  put('"');
  only_indicators_ = false;
}

void Page::literal(std::string_view text, int indent) {
  word("|" + detail::literal_indicators(text));
  new_line();
  only_indicators_ = true;
  after_space_ = true;
  bool after_break = true;
  while (!text.empty()) {
    if (copy_break(text)) {
      after_break = true;
      continue;
    }
    if (after_break) start_line(indent);
    after_break = false;
    copy_character(text);
  }
  after_space_ = true;
}

/// A merge sort, because the order of keys goes round in a circle for some ("1a", "2", "10"), which std::sort
/// must not be given. It starts from the order of bytes, so that the result does not depend on chance.
void sort_members(std::vector<const Member*>& members) {
  const auto by_bytes = [](const Member* a, const Member* b) { return a->key() < b->key(); };
  const auto by_key_order = [](const Member* a, const Member* b) {
    return detail::yaml_key_less(a->key(), b->key());
  };
  std::sort(members.begin(), members.end(), by_bytes);
  std::vector<const Member*> merged(members.size());
  for (std::size_t width = 1; width < members.size(); width *= 2) {
    for (std::size_t begin = 0; begin < members.size(); begin += 2 * width) {
      const auto at = [&](std::size_t i) {
        return members.begin() + static_cast<std::ptrdiff_t>(std::min(i, members.size()));
      };
      std::merge(at(begin), at(begin + width), at(begin + width), at(begin + 2 * width),
                 merged.begin() + static_cast<std::ptrdiff_t>(begin), by_key_order);
    }
    members.swap(merged);
  }
}

class YamlPrinter {
 public:
  explicit YamlPrinter(YamlPrintOptions options) : options_(options) {}

  std::string run(const Value& root) {
    node(root, Around{kRoot, false});
    while (!frames_.empty()) step();
    return std::move(page_).finish();
  }

 private:
  /// What a node stands in.
  struct Around {
    int indent;
    bool in_mapping;
  };
  struct Frame {
    const Value* container = nullptr;
    std::size_t next = 0;
    std::size_t keys_begin = 0;  ///< Where its members begin in members_.
    int indent = 0;
  };

  void step();
  void node(const Value& value, Around around);
  void container(const Value& value, Around around);
  void text(std::string_view raw, TextPlace place, int indent);
  void number(double value);
  void push_members(const Value& object);

  YamlPrintOptions options_;
  Page page_;
  FrameStack<Frame> frames_;
  std::vector<const Member*> members_;  ///< Of all open mappings, in the order of printing.
  std::string storage_;
};

void YamlPrinter::step() {
  Frame& frame = frames_.top();
  if (frame.next == frame.container->size()) {
    members_.resize(frame.keys_begin);
    frames_.pop();
    return;
  }
  const std::size_t index = frame.next++;
  const int indent = frame.indent;
  page_.start_line(indent);
  if (frame.container->is_array()) {
    page_.block_indicator('-');
    return node(frame.container->elements()[index], Around{indent, false});
  }
  const Member& member = *members_[frame.keys_begin + index];
  if (detail::fits_simple_key(valid_utf8(member.key(), storage_))) {
    text(member.key(), TextPlace::kSimpleKey, indent);
    page_.colon();
  } else {
    page_.block_indicator('?');
    text(member.key(), TextPlace::kElsewhere, indent);
    page_.start_line(indent);
    page_.block_indicator(':');
  }
  node(member.value(), Around{indent, true});
}

void YamlPrinter::node(const Value& value, Around around) {
  switch (value.kind()) {
    case Kind::kNull: return page_.word("null");
    case Kind::kBool: return page_.word(value.as_bool() ? "true" : "false");
    case Kind::kInt: return page_.word(std::to_string(value.as_int()));
    case Kind::kUint: return page_.word(std::to_string(value.as_uint()));
    case Kind::kDouble: return number(value.as_double());
    case Kind::kString: return text(value.as_string(), TextPlace::kElsewhere, around.indent);
    case Kind::kArray:
      if (value.empty()) return page_.word("[]");
      return container(value, around);
    case Kind::kObject:
      if (value.empty()) return page_.word("{}");
      return container(value, around);
  }
}

void YamlPrinter::container(const Value& value, Around around) {
  Frame frame{&value, 0, members_.size(), 0};
  // A sequence that is the value of a simple key is not indented below it.
  const bool flush = value.is_array() && around.in_mapping && !page_.only_indicators();
  if (around.indent != kRoot) frame.indent = around.indent + (flush ? 0 : kIndent);
  if (value.is_object()) push_members(value);
  frames_.push(frame);
}

void YamlPrinter::push_members(const Value& object) {
  const auto begin = static_cast<std::ptrdiff_t>(members_.size());
  for (const Member& member : object.members()) members_.push_back(&member);
  if (!options_.sort_keys) return;
  std::vector<const Member*> sorted(members_.begin() + begin, members_.end());
  sort_members(sorted);
  std::copy(sorted.begin(), sorted.end(), members_.begin() + begin);
}

void YamlPrinter::text(std::string_view raw, TextPlace place, int indent) {
  const std::string_view text = valid_utf8(raw, storage_);
  const Wrap wrap{indent == kRoot ? kIndent : indent + kIndent, place == TextPlace::kElsewhere};
  switch (detail::choose_style(text, place)) {
    case TextStyle::kPlain: return page_.plain(text, wrap);
    case TextStyle::kSingleQuoted: return page_.single_quoted(text, wrap);
    case TextStyle::kDoubleQuoted: return page_.double_quoted(text, wrap);
    case TextStyle::kLiteral: return page_.literal(text, wrap.indent);
  }
}

/// Kubernetes' tools go through JSON: what that prints as a whole number is an integer from then on.
void YamlPrinter::number(double value) {
  char buffer[kDoubleBytes];
  const char* end = write_double(value, buffer);
  const std::string_view json(buffer, static_cast<std::size_t>(end - buffer));
  const std::optional<Value> read =
      json.find_first_of(".e") == std::string_view::npos ? read_number(json) : std::nullopt;
  if (read && !read->is_double()) {
    return page_.word(read->is_int() ? std::to_string(read->as_int()) : std::string(json));
  }
  std::string text;
  detail::append_general(text, value);
  page_.word(text);
}

}  // namespace

std::string print_yaml(const Value& value, YamlPrintOptions options) {
  return YamlPrinter(options).run(value);
}

}  // namespace klutch::json
