// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/mail_address.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>

#include "apiserver/schema/go_url.h"
#include "base/strings.h"

namespace klutch::apiserver {
namespace {

bool is_multibyte(std::string_view c) {
  return c.size() > 1;
}
bool is_visible(std::string_view c) {
  return is_multibyte(c) || (c[0] >= '!' && c[0] <= '~');
}
bool is_blank(std::string_view c) {
  return c == " " || c == "\t";
}
bool is_atom_character(std::string_view c) {
  return is_visible(c) && std::string_view("()<>[]:;@\\,\"").find(c) == std::string_view::npos;
}

/// RFC 2047: whether a word names a character set that Go's decoder does not know, which it refuses. A word
/// that is no encoded word at all is fine.
bool has_foreign_charset(std::string_view word) {
  if (word.size() < 8 || !word.starts_with("=?") || !word.ends_with("?=") ||
      std::count(word.begin(), word.end(), '?') != 4) {
    return false;
  }
  const auto parts = split(word.substr(2, word.size() - 4), '?');
  const std::string_view charset = parts[0], encoding = parts[1], text = parts[2];
  if (charset.empty() || encoding.size() != 1) return false;
  const auto is_hex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
  const char kind = to_lower(encoding[0]);
  if (kind == 'q') {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '=' && (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])))
        return false;
      if (text[i] < ' ' || text[i] > '~') return false;
    }
  } else if (kind == 'b') {
    const std::size_t body = std::min(text.find('='), text.size());
    const auto is_base64 = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '/';
    };
    const std::string_view padding = text.substr(body);
    if (text.size() % 4 != 0 || padding.size() > 2 ||
        padding.find_first_not_of('=') != std::string_view::npos ||
        !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(body), is_base64)) {
      return false;
    }
  } else {
    return false;
  }
  return !equal_ignore_case(charset, "utf-8") && !equal_ignore_case(charset, "iso-8859-1") &&
         !equal_ignore_case(charset, "us-ascii");
}

class MailParser {
 public:
  explicit MailParser(std::string_view text) : rest_(text) {}

  bool parse() {
    int addresses = 0;
    return read_address(addresses, true) && skip_comments() && rest_.empty() && addresses == 1;
  }

 private:
  /// The next character; "" at the end or where there is no UTF-8.
  [[nodiscard]] std::string_view peek() const { return rest_.substr(0, utf8_length(rest_)); }
  bool consume(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  bool read_address(int& addresses, bool allow_group) {
    skip_blanks();
    if (rest_.empty()) return false;
    if (read_addr_spec()) {
      skip_blanks();
      ++addresses;
      return !consume('(') || read_named_comment();
    }
    if (!rest_.starts_with('<') && !read_phrase()) return false;
    skip_blanks();
    if (allow_group && consume(':')) return read_group(addresses);
    if (!consume('<') || !read_addr_spec() || !consume('>')) return false;
    ++addresses;
    return true;
  }

  bool read_group(int& addresses) {
    skip_blanks();
    if (consume(';')) return skip_comments();
    for (;;) {
      skip_blanks();
      if (!read_address(addresses, false) || !skip_comments()) return false;
      if (consume(';')) return skip_comments();
      if (!consume(',')) return false;
    }
  }

  /// Leaves everything as it was if there is none.
  bool read_addr_spec() {
    const std::string_view before = rest_;
    skip_blanks();
    bool local_part = false;
    if (rest_.starts_with('"')) {
      std::string content;
      local_part = read_quoted(content) && !content.empty();
    } else {
      std::string_view atom;
      local_part = read_atom(atom, true);
    }
    if (local_part && consume('@')) {
      skip_blanks();
      std::string_view atom;
      if (rest_.starts_with('[') ? read_domain_literal() : !rest_.empty() && read_atom(atom, true))
        return true;
    }
    rest_ = before;
    return false;
  }

  /// One word or more. A word that fails ends the phrase, where it stands.
  bool read_phrase() {
    for (int words = 0;; ++words) {
      if (words > 0 && !skip_comments()) return false;
      skip_blanks();
      if (rest_.empty()) return words > 0;
      std::string content;
      std::string_view atom;
      const bool word = rest_.starts_with('"') ? read_quoted(content)
                                               : read_atom(atom, false) && !has_foreign_charset(atom);
      if (!word) return words > 0;
    }
  }

  bool read_quoted(std::string& content) {
    std::string_view text = rest_.substr(1);
    for (bool escaped = false;;) {
      const std::string_view c = text.substr(0, utf8_length(text));
      if (c.empty()) return false;
      text.remove_prefix(c.size());
      if (!escaped && c == "\"") break;
      if (!escaped && c == "\\") {
        escaped = true;
        continue;
      }
      if (!is_visible(c) && !is_blank(c)) return false;
      content += c;
      escaped = false;
    }
    rest_ = text;
    return true;
  }

  bool read_atom(std::string_view& atom, bool strict_dots) {
    std::size_t size = 0;
    for (;;) {
      const std::string_view tail = rest_.substr(size);
      const std::string_view c = tail.substr(0, utf8_length(tail));
      if (c.empty() && !tail.empty()) return false;
      if (c.empty() || !is_atom_character(c)) break;
      size += c.size();
    }
    if (size == 0) return false;
    atom = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return !strict_dots ||
           !(atom.starts_with('.') || atom.ends_with('.') || atom.find("..") != std::string_view::npos);
  }

  bool read_domain_literal() {
    const std::size_t close = rest_.find(']');
    if (close == std::string_view::npos) return false;
    const std::string_view address = rest_.substr(1, close - 1);
    rest_.remove_prefix(close + 1);
    return go_parse_ip(address, IpSyntax::kStrict) != IpFamily::kNone;
  }

  bool skip_comments() {
    skip_blanks();
    while (consume('(')) {
      std::string comment;
      if (!read_comment(comment)) return false;
      skip_blanks();
    }
    return true;
  }

  /// "(" is behind.
  bool read_comment(std::string& comment) {
    for (int depth = 1; depth > 0;) {
      if (rest_.empty()) return false;
      if (rest_.front() == '\\' && rest_.size() > 1) {
        rest_.remove_prefix(1);
      } else if (rest_.front() == '(') {
        ++depth;
      } else if (rest_.front() == ')') {
        --depth;
      }
      if (depth > 0) comment += rest_.front();
      rest_.remove_prefix(1);
    }
    return true;
  }

  bool read_named_comment() {
    std::string comment;
    if (!read_comment(comment)) return false;
    std::replace(comment.begin(), comment.end(), '\t', ' ');
    const auto words = split(comment, ' ');
    return std::none_of(words.begin(), words.end(), has_foreign_charset);
  }

  std::string_view rest_;
};

}  // namespace

bool is_mail_address(std::string_view text) {
  return MailParser(text).parse();
}

}  // namespace klutch::apiserver
