// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <charconv>

#include "apiserver/schema/go_text.h"
#include "apiserver/schema/json_path_node.h"
#include "base/strings.h"
#include "json/number.h"

namespace klutch::apiserver {
namespace {

using Node = JsonPath::Node;
using NodeList = JsonPath::NodeList;

constexpr int kMaxNesting = 8;  // of filters and unions in each other

tl::unexpected<Error> bad_path(std::string text) {
  return fail(Code::kInvalid, std::move(text));
}

re2::StringPiece view(std::string_view text) {
  return {text.data(), text.size()};
}

/// One character, as the UTF-8 it is written in; "" at the end.
std::string_view next_character(std::string_view text) {
  return text.substr(0, text.empty() ? 0 : std::max<std::size_t>(utf8_length(text), 1));
}

bool is_terminator(std::string_view c) {
  return c.empty() || std::string_view(" \t\r\n.,[]$@{}").find(c) != std::string_view::npos;
}
bool is_unicode_digit(std::string_view c) {
  static const RE2 kDigit("\\p{Nd}");
  return RE2::FullMatch(view(c), kDigit);
}
bool is_word_character(std::string_view c) {
  static const RE2 kWord("[_\\pL\\p{Nd}]");
  return RE2::FullMatch(view(c), kWord);
}

void append_utf8(std::string& out, std::uint32_t rune) {
  if (rune < 0x80) {
    out += static_cast<char>(rune);
    return;
  }
  const int more = rune < 0x800 ? 1 : rune < 0x10000 ? 2 : 3;
  static constexpr unsigned kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[more] | rune >> static_cast<unsigned>(6 * more));
  for (int i = more - 1; i >= 0; --i) {
    out += static_cast<char>(0x80U | (rune >> static_cast<unsigned>(6 * i) & 0x3FU));
  }
}

/// Reads one character of a quoted string, which may be an escape, off `text`; false if there is none.
class Unquoter {
 public:
  Unquoter(std::string_view text, char quote) : text_(text), quote_(quote) {}

  bool run(std::string& out) {
    while (!text_.empty()) {
      const char c = text_.front();
      if (c == quote_) return false;
      if (c != '\\') {
        out += c;
        text_.remove_prefix(1);
      } else if (!read_escape(out)) {
        return false;
      }
    }
    return true;
  }

 private:
  bool read_escape(std::string& out) {
    if (text_.size() < 2) return false;
    const char c = text_[1];
    text_.remove_prefix(2);
    static constexpr std::string_view kNames = "abfnrtv\\";
    static constexpr std::string_view kValues = "\a\b\f\n\r\t\v\\";
    if (const std::size_t at = kNames.find(c); at != std::string_view::npos) {
      out += kValues[at];
      return true;
    }
    if (c == quote_) {
      out += c;
      return true;
    }
    switch (c) {
      case 'x': return read_code(out, 2, 16, true);
      case 'u': return read_code(out, 4, 16, false);
      case 'U': return read_code(out, 8, 16, false);
      default: break;
    }
    if (c < '0' || c > '7') return false;
    text_ = {text_.data() - 1, text_.size() + 1};
    return read_code(out, 3, 8, true);
  }

  bool read_code(std::string& out, std::size_t digits, int base, bool byte) {
    std::uint32_t code = 0;
    if (text_.size() < digits) return false;
    const char* const end = text_.data() + digits;
    const auto read = std::from_chars(text_.data(), end, code, base);
    if (read.ec != std::errc() || read.ptr != end || *text_.data() == '-') return false;
    if (byte ? code > 255 : code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return false;
    text_.remove_prefix(digits);
    if (byte) {
      out += static_cast<char>(code);
    } else {
      append_utf8(out, code);
    }
    return true;
  }

  std::string_view text_;
  char quote_;
};

class PathParser {
 public:
  PathParser(std::string_view text, int depth) : rest_(text), depth_(depth) {}

  Result<NodeList> parse() {
    if (depth_ > kMaxNesting) return bad_path("nested too deeply");
    NodeList root;
    while (!rest_.empty()) {
      const std::size_t brace = std::min(rest_.find('{'), rest_.size());
      if (brace > 0) root.push_back(text_node(rest_.substr(0, brace)));
      rest_.remove_prefix(brace);
      if (rest_.empty()) break;
      rest_.remove_prefix(1);
      Node list;
      list.lists.push_back(TRY(parse_action()));
      root.push_back(std::move(list));
    }
    return root;
  }

 private:
  static Node text_node(std::string_view text) {
    Node node;
    node.kind = Node::Kind::kText;
    node.value = text;
    return node;
  }
  static Node plain_node(Node::Kind kind, std::string text = {}) {
    Node node;
    node.kind = kind;
    node.text = std::move(text);
    return node;
  }

  /// What a path in braces of its own would be.
  Result<NodeList> parse_inner(std::string_view text) const {
    const std::string in_braces = "{" + std::string(text) + "}";
    NodeList root = TRY(parse_json_path_template(in_braces, depth_ + 1));
    return std::move(root.front().lists.front());
  }

  /// Up to the closing brace.
  Result<NodeList> parse_action() {
    NodeList nodes;
    for (;;) {
      if (rest_.starts_with('}')) {
        rest_.remove_prefix(1);
        return nodes;
      }
      const std::string_view c = next_character(rest_);
      if (rest_.starts_with("[?(")) {
        TRY(parse_filter(nodes));
      } else if (rest_.starts_with("..")) {
        TRY(parse_recursive(nodes));
      } else if (c.empty() || c == "\r" || c == "\n") {
        return bad_path("unclosed action");
      } else if (c == " " || c == "@" || c == "$") {
        rest_.remove_prefix(1);
      } else if (c == "[") {
        TRY(parse_array(nodes));
      } else if (c == "\"" || c == "'") {
        TRY(parse_quote(nodes));
      } else if (c == ".") {
        rest_.remove_prefix(1);
        parse_field(nodes);
      } else if (c == "+" || c == "-" || is_unicode_digit(c)) {
        TRY(parse_number(nodes));
      } else if (is_word_character(c)) {
        parse_identifier(nodes);
      } else {
        return bad_path("unrecognized character in action: " + shown(c));
      }
    }
  }

  /// %#U of Go: "U+0023 '#'".
  static std::string shown(std::string_view c) {
    const std::uint32_t rune = go_code_point(c);
    const std::string code = fmt::format("U+{:04X}", rune);
    return go_is_printable(c) ? code + " '" + std::string(c) + "'" : code;
  }

  void parse_field(NodeList& nodes) {
    std::string name;
    const bool wildcard = rest_.starts_with('*');
    while (!is_terminator(next_character(rest_))) {
      if (rest_.starts_with('\\')) {
        rest_.remove_prefix(1);
        if (rest_.empty()) break;
      }
      const std::string_view c = next_character(rest_);
      if (c != "\\") name += c;
      rest_.remove_prefix(c.size());
    }
    nodes.push_back(wildcard && name == "*" ? plain_node(Node::Kind::kWildcard)
                                            : plain_node(Node::Kind::kField, name));
  }

  Result<> parse_recursive(NodeList& nodes) {
    if (!nodes.empty() && nodes.back().kind == Node::Kind::kRecursive) {
      return bad_path("invalid multiple recursive descent");
    }
    rest_.remove_prefix(2);
    nodes.push_back(plain_node(Node::Kind::kRecursive));
    if (is_word_character(next_character(rest_))) parse_field(nodes);
    return {};
  }

  void parse_identifier(NodeList& nodes) {
    std::string word;
    while (!is_terminator(next_character(rest_))) {
      const std::string_view c = next_character(rest_);
      word += c;
      rest_.remove_prefix(c.size());
    }
    if (word == "true" || word == "false") {
      nodes.push_back(text_node({}));
      nodes.back().value = word == "true";
    } else {
      nodes.push_back(plain_node(Node::Kind::kIdentifier, word));
    }
  }

  Result<> parse_number(NodeList& nodes) {
    std::string digits;
    if (rest_.starts_with('+') || rest_.starts_with('-')) {
      digits = rest_.front();
      rest_.remove_prefix(1);
    }
    for (;;) {
      const std::string_view c = next_character(rest_);
      if (c != "." && !is_unicode_digit(c)) break;
      digits += c;
      rest_.remove_prefix(c.size());
    }
    // Go takes a sign, and a point without digits on one of its sides, which JSON does not.
    const std::size_t first = digits.starts_with('+') ? 1 : 0;
    std::int64_t integer = 0;
    double number = 0;
    const char* const begin = digits.data() + first;
    const char* const end = digits.data() + digits.size();
    nodes.push_back(text_node({}));
    if (const auto read = std::from_chars(begin, end, integer); read.ec == std::errc() && read.ptr == end) {
      nodes.back().value = integer;
    } else if (const auto real = std::from_chars(begin, end, number);
               real.ec == std::errc() && real.ptr == end) {
      nodes.back().value = number;
    } else {
      return bad_path("cannot parse number " + digits);
    }
    return {};
  }

  Result<> parse_array(NodeList& nodes) {
    const std::size_t end = rest_.find_first_of("]\n");
    if (end == std::string_view::npos || rest_[end] == '\n') return bad_path("unterminated array");
    std::string_view text = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    if (text == "*") text = ":";
    if (text.find(',') != std::string_view::npos) return parse_union(nodes, text);
    if (text.size() >= 2 && text.front() == '\'' && text.find('\'', 1) == text.size() - 1) {
      NodeList inner = TRY(parse_inner("." + std::string(text.substr(1, text.size() - 2))));
      std::move(inner.begin(), inner.end(), std::back_inserter(nodes));
      return {};
    }
    return parse_slice(nodes, text);
  }

  Result<> parse_union(NodeList& nodes, std::string_view text) {
    Node node = plain_node(Node::Kind::kUnion);
    for (std::string_view part : split(text, ',')) {
      part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
      while (part.ends_with(' ')) part.remove_suffix(1);
      node.lists.push_back(TRY(parse_inner("[" + std::string(part) + "]")));
    }
    nodes.push_back(std::move(node));
    return {};
  }

  static Result<> parse_slice(NodeList& nodes, std::string_view text) {
    static const RE2 kSlice("(-?[\\d]*)(:-?[\\d]*)?(:-?[\\d]*)?");
    std::array<std::string, 3> parts;
    if (!RE2::FullMatch(view(text), kSlice, &parts[0], &parts[1], &parts[2])) {
      return bad_path("invalid array index " + std::string(text));
    }
    Node node = plain_node(Node::Kind::kArray);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      Node::Bound& bound = node.bounds[i];
      if (parts[i].empty()) {
        if (i == 1) bound = {node.bounds[0].value + 1, true, true};
        continue;
      }
      const std::string digits = i > 0 ? parts[i].substr(1) : parts[i];
      if (i > 0 && digits.empty()) continue;
      bound.known = true;
      const char* const end = digits.data() + digits.size();
      const auto read = std::from_chars(digits.data(), end, bound.value);
      if (read.ec != std::errc() || read.ptr != end) {
        return bad_path("array index " + digits + " is not a number");
      }
    }
    nodes.push_back(std::move(node));
    return {};
  }

  /// The text between "[?(" and ")]"; a ")" inside quotes does not end it.
  Result<std::string_view> cut_filter() {
    rest_.remove_prefix(3);
    char quote = 0;
    bool closed = false;
    for (std::size_t i = 0; i < rest_.size() && rest_[i] != '\n'; ++i) {
      const char c = rest_[i];
      if (c == '"' || c == '\'') {
        if (quote == 0) {
          quote = c;
        } else if (c == quote && rest_[i - 1] != '\\') {
          closed = true;
        }
      }
      if (c != ')' || (quote != 0) != closed) continue;
      const std::string_view text = rest_.substr(0, i);
      rest_.remove_prefix(i + 1);
      if (!rest_.starts_with(']')) return bad_path("unclosed array expect ]");
      rest_.remove_prefix(1);
      return text;
    }
    return bad_path("unterminated filter");
  }

  Result<> parse_filter(NodeList& nodes) {
    static const RE2 kComparison("([^!<>=]+)([!<>=]+)(.+)");
    const std::string_view text = TRY(cut_filter());
    Node node = plain_node(Node::Kind::kFilter);
    std::string left, right;
    if (RE2::FullMatch(view(text), kComparison, &left, &node.text, &right)) {
      node.lists.push_back(TRY(parse_inner(left)));
      node.lists.push_back(TRY(parse_inner(right)));
    } else {
      node.lists.push_back(TRY(parse_inner(text)));
    }
    nodes.push_back(std::move(node));
    return {};
  }

  Result<> parse_quote(NodeList& nodes) {
    const char quote = rest_.front();
    std::size_t end = 1;
    while (end < rest_.size() && rest_[end] != '\n' && !(rest_[end] == quote && rest_[end - 1] != '\\'))
      ++end;
    if (end >= rest_.size() || rest_[end] == '\n') return bad_path("unterminated quoted string");
    std::string text;
    const std::string_view quoted = rest_.substr(0, end + 1);
    if (!Unquoter(quoted.substr(1, end - 1), quote).run(text)) {
      return bad_path("unquote string " + std::string(quoted) + " error invalid syntax");
    }
    rest_.remove_prefix(end + 1);
    nodes.push_back(text_node(text));
    return {};
  }

  std::string_view rest_;
  int depth_;
};

}  // namespace

Result<JsonPath::NodeList> parse_json_path_template(std::string_view text, int depth) {
  return PathParser(text, depth).parse();
}

Result<JsonPath> JsonPath::parse(std::string_view path) {
  if (path.size() > kMaxLength) {
    return fail(Code::kTooLarge, "a path may have at most " + std::to_string(kMaxLength) + " bytes");
  }
  NodeList nodes = TRY(parse_json_path_template("{" + std::string(path) + "}", 0));
  return JsonPath(std::make_shared<const NodeList>(std::move(nodes)));
}

}  // namespace klutch::apiserver
