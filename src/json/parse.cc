// SPDX-License-Identifier: Apache-2.0
#include "json/parse.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <optional>
#include <span>

#include "base/check.h"
#include "json/block.h"
#include "json/number.h"
#include "json/pointer.h"

namespace klutch::json {
namespace {

using boost::json::error_code;
using detail::Block;
using BoostView = boost::json::string_view;

std::string_view view(BoostView text) {
  return {text.data(), text.size()};
}

/// Receives the events of Boost's parser. Finished values wait on one stack, keys between them; the end of an
/// array or object takes its part of the stack into a block of exactly the right size.
class Builder {
 public:
  static constexpr std::size_t max_array_size = SIZE_MAX;
  static constexpr std::size_t max_object_size = SIZE_MAX;
  static constexpr std::size_t max_string_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX;

  explicit Builder(DuplicateKeys policy) : policy_(policy) {}

  [[nodiscard]] Document take() {
    CHECK(stack_.size() == 1);
    return {std::move(stack_.back()), std::move(duplicates_)};
  }
  /// Our own reason to stop, as opposed to one of Boost's.
  [[nodiscard]] const std::optional<std::string>& refusal() const { return refusal_; }
  [[nodiscard]] std::string place() const {
    if (open_.empty()) return "";
    return open_.back().object ? " in an object" : " in an array";
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_array_begin(error_code&) { return open(false); }
  bool on_object_begin(error_code&) { return open(true); }
  bool on_array_end(std::size_t, error_code&);
  bool on_object_end(std::size_t, error_code&);
  bool on_string_part(BoostView part, std::size_t, error_code&) { return keep(part); }
  bool on_string(BoostView part, std::size_t, error_code&) { return push_text(part); }
  bool on_key_part(BoostView part, std::size_t, error_code&) { return keep(part); }
  bool on_key(BoostView part, std::size_t, error_code&) { return push_text(part); }
  bool on_number_part(BoostView part, error_code&) { return keep(part); }
  bool on_int64(std::int64_t number, BoostView, error_code&) { return push(number); }
  bool on_uint64(std::uint64_t number, BoostView, error_code&) { return push(number); }
  bool on_double(double, BoostView part, error_code& error);
  bool on_bool(bool truth, error_code&) { return push(truth); }
  bool on_null(error_code&) { return push(nullptr); }
  bool on_comment_part(BoostView, error_code&) { return true; }
  bool on_comment(BoostView, error_code&) { return true; }

 private:
  struct Open {
    std::size_t begin;  // of its children on the stack
    bool object;
  };

  bool open(bool object) {
    parts_.clear();
    open_.push_back({stack_.size(), object});
    return true;
  }
  bool keep(BoostView part) {
    parts_.append(part.data(), part.size());
    return true;
  }
  template <class T>
  bool push(T content) {
    parts_.clear();
    stack_.emplace_back(content);
    return true;
  }
  bool push_text(BoostView last);
  bool refuse(std::string why, error_code& error) {
    refusal_ = std::move(why);
    error = boost::json::error::exception;
    return false;
  }
  std::span<Value> children() { return std::span(stack_).subspan(open_.back().begin); }
  void close(Value finished) {
    stack_.resize(open_.back().begin);
    open_.pop_back();
    stack_.push_back(std::move(finished));
  }
  [[nodiscard]] std::string path_of(std::string_view key) const;
  bool note_duplicate(std::string_view key, error_code& error);

  DuplicateKeys policy_;
  std::vector<Value> stack_;
  std::vector<Open> open_;
  std::string parts_;  // of a string or number that comes in pieces
  std::vector<std::string> duplicates_;
  std::optional<std::string> refusal_;
};

bool Builder::push_text(BoostView last) {
  if (parts_.empty()) {
    stack_.emplace_back(view(last));
    return true;
  }
  parts_.append(last.data(), last.size());
  stack_.emplace_back(std::string_view(parts_));
  parts_.clear();
  return true;
}

bool Builder::on_double(double, BoostView part, error_code& error) {
  // Boost rounds many doubles of 17 digits wrongly, so only the text counts.
  std::optional<Value> number;
  if (parts_.empty()) {
    number = read_number(view(part));
  } else {
    parts_.append(part.data(), part.size());
    number = read_number(parts_);
    parts_.clear();
  }
  if (!number) return refuse("the number is too large for a double", error);
  stack_.push_back(std::move(*number));
  return true;
}

bool Builder::on_array_end(std::size_t, error_code&) {
  close(Block::adopt_array(children()));
  return true;
}

bool Builder::on_object_end(std::size_t, error_code& error) {
  const std::span<Value> parts = children();
  Value object = Block::object_for(parts.size() / 2);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < parts.size(); i += 2) {
    if (Block::adopt_member(object, &parts[i], seen)) continue;
    if (!note_duplicate(parts[i].as_string(), error)) return false;
  }
  close(std::move(object));
  return true;
}

/// The pointer to member `key` of the object that is closing. Every open container below it ends in the key
/// or the elements that lead here.
std::string Builder::path_of(std::string_view key) const {
  Pointer path;
  for (std::size_t i = 0; i + 1 < open_.size(); ++i) {
    const std::size_t end = open_[i + 1].begin;
    if (open_[i].object) {
      path.push(stack_[end - 1].as_string());
    } else {
      path.push(end - open_[i].begin);
    }
  }
  path.push(key);
  return path.to_string();
}

bool Builder::note_duplicate(std::string_view key, error_code& error) {
  if (policy_ == DuplicateKeys::kReject) return refuse("duplicate field \"" + path_of(key) + "\"", error);
  if (duplicates_.size() >= Document::kMaxDuplicates) return true;
  std::string path = path_of(key);
  if (std::find(duplicates_.begin(), duplicates_.end(), path) == duplicates_.end()) {
    duplicates_.push_back(std::move(path));
  }
  return true;
}

/// "line 3, column 7"; columns are bytes.
std::string position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 == 0
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

std::string found_at(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return "the end of the text";
  const char c = text[offset];
  if (c > ' ' && c < 0x7f) return std::string("'") + c + "'";
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return std::string("byte 0x") + kHex[byte >> 4] + kHex[byte & 15];
}

std::string describe(error_code reason, const std::string& found, const std::string& place) {
  using boost::json::error;
  if (reason == error::extra_data) return "expected the end of the text after the value, found " + found;
  if (reason == error::incomplete) return "the text ends before the value does" + place;
  if (reason == error::expected_hex_digit)
    return "expected four hexadecimal digits after \\u, found " + found;
  if (reason == error::exponent_overflow) return "the exponent of the number is too large";
  return "unexpected " + found + place;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The UTF-16 unit that an escape \uXXXX at `at` names, or -1 when there is no such escape.
int utf16_escape(std::string_view text, std::size_t at) {
  if (text.size() < 6 || at > text.size() - 6 || text[at] != '\\' || text[at + 1] != 'u') return -1;
  int unit = 0;
  for (std::size_t i = at + 2; i < at + 6; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

bool is_leading(int unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}

bool is_trailing(int unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

/// Boost refuses half a surrogate pair, Go reads it as U+FFFD. Returns the text with such halves replaced,
/// each by as many bytes so that positions stay true; nothing when there are none, which is nearly always.
std::optional<std::string> mend_surrogates(std::string_view text) {
  if (text.find("\\ud") == text.npos && text.find("\\uD") == text.npos) return std::nullopt;
  std::string mended(text);
  for (std::size_t at = mended.find('\\'); at < mended.size(); at = mended.find('\\', at)) {
    const int unit = utf16_escape(mended, at);
    if (is_leading(unit) && is_trailing(utf16_escape(mended, at + 6))) {
      at += 12;
    } else if (is_leading(unit) || is_trailing(unit)) {
      mended.replace(at, 6, "\\ufffd");
      at += 6;
    } else {
      at += 2;
    }
  }
  return mended;
}

using Parser = boost::json::basic_parser<Builder>;

}  // namespace

Result<Document> parse_document(std::string_view text, const ParseOptions& options) {
  if (text.size() > options.max_bytes) {
    return fail(Code::kTooLarge, "JSON text of " + std::to_string(text.size()) +
                                     " bytes is over the limit of " + std::to_string(options.max_bytes));
  }
  boost::json::parse_options grammar;
  grammar.max_depth = options.max_depth;
  std::optional<std::string> mended;
  std::optional<Parser> parser;
  error_code error;
  std::size_t used = 0;
  const auto run = [&] {
    error = {};
    parser.emplace(grammar, options.duplicate_keys);
    used = parser->write_some(false, text.data(), text.size(), error);
    if (!error && used < text.size()) error = boost::json::error::extra_data;
  };
  run();
  // Looked for only now: hardly any text has halves, and looking takes as long as parsing where there are
  // many escapes. What is mended keeps its place, so any other error stays the same.
  if (error && (mended = mend_surrogates(text))) {
    text = *mended;
    run();
  }
  if (!error) return parser->handler().take();

  const std::string where = "invalid JSON at " + position(text, used) + ": ";
  if (error == boost::json::error::too_deep) {
    return fail(Code::kTooLarge,
                where + "nested deeper than " + std::to_string(options.max_depth) + " levels");
  }
  const Builder& builder = parser->handler();
  if (builder.refusal()) return fail(Code::kBadRequest, where + *builder.refusal());
  return fail(Code::kBadRequest, where + describe(error, found_at(text, used), builder.place()));
}

Result<Value> parse(std::string_view text, const ParseOptions& options) {
  return TRY(parse_document(text, options)).value;
}

}  // namespace klutch::json
