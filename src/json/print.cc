// SPDX-License-Identifier: Apache-2.0
#include "json/print.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ostream>
#include <span>
#include <vector>

#include "base/strings.h"
#include "json/frame_stack.h"
#include "json/number.h"

namespace klutch::json {
namespace {

/// Where finished text goes: to the end of a string ...
class StringOut {
 public:
  explicit StringOut(std::string& out) : out_(out) {}
  void write(const char* data, std::size_t size) { out_.append(data, size); }

 private:
  std::string& out_;
};

/// ... or into a hash (FNV-1a).
class HashOut {
 public:
  void write(const char* data, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      hash_ = (hash_ ^ static_cast<unsigned char>(data[i])) * 0x00000100000001b3U;
    }
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325U;
};

/// Collects small pieces, because a call per token would cost more than the printing. Writers ask for room,
/// write there and say where they ended.
template <class Out>
class Buffer {
 public:
  /// room() never has less than this.
  static constexpr std::size_t kRoom = 64;

  explicit Buffer(Out& out) : out_(out) {}
  char* room() {
    if (kSize - used_ < kRoom) flush();
    return data_ + used_;
  }
  void advance_to(const char* end) { used_ = static_cast<std::size_t>(end - data_); }
  /// As advance_to() and room().
  char* more_room(const char* end) {
    if (static_cast<std::size_t>(data_ + kSize - end) >= kRoom) return data_ + (end - data_);
    advance_to(end);
    return room();
  }
  void put(char c) {
    *room() = c;
    ++used_;
  }
  /// For at most kRoom bytes.
  void put(std::string_view text) {
    std::memcpy(room(), text.data(), text.size());
    used_ += text.size();
  }
  void put_spaces(std::size_t count) {
    for (; count > 0; --count) put(' ');
  }
  void flush() {
    out_.write(data_, used_);
    used_ = 0;
  }

 private:
  static constexpr std::size_t kSize = 2048;
  Out& out_;
  std::size_t used_ = 0;
  char data_[kSize];
};

constexpr std::array<bool, 256> stops(bool html) {
  std::array<bool, 256> stop{};
  for (std::size_t c = 0; c < 256; ++c) stop[c] = c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
  if (html) stop['<'] = stop['>'] = stop['&'] = true;
  return stop;
}
constexpr std::array<bool, 256> kStops = stops(false);
constexpr std::array<bool, 256> kHtmlStops = stops(true);

char* copy(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* write_escape(char* out, unsigned char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': return copy(out, "\\\"");
    case '\\': return copy(out, "\\\\");
    case '\b': return copy(out, "\\b");
    case '\f': return copy(out, "\\f");
    case '\n': return copy(out, "\\n");
    case '\r': return copy(out, "\\r");
    case '\t': return copy(out, "\\t");
    default: break;
  }
  out = copy(out, "\\u00");
  *out++ = kHex[c >> 4];
  *out++ = kHex[c & 15];
  return out;
}

/// Writes the first character of `text`, which may not go out as a plain byte, and removes it.
char* write_character(char* out, std::string_view& text) {
  const auto c = static_cast<unsigned char>(text.front());
  const std::size_t length = c < 0x80 ? 1 : utf8_length(text);
  const std::string_view character = text.substr(0, length);
  text.remove_prefix(std::max<std::size_t>(length, 1));
  if (c < 0x80) return write_escape(out, c);
  if (length == 0) return copy(out, "\\ufffd");
  if (character == "\u2028") return copy(out, "\\u2028");
  if (character == "\u2029") return copy(out, "\\u2029");
  return copy(out, character);
}

template <class Out>
void print_string(Buffer<Out>& buffer, std::string_view text, bool html) {
  const bool* const stop = (html ? kHtmlStops : kStops).data();
  const auto stops_at = [&](std::size_t i) { return unsigned{stop[static_cast<unsigned char>(text[i])]}; };
  char* out = buffer.room();
  *out++ = '"';
  while (!text.empty()) {
    out = buffer.more_room(out);
    if (text.size() >= 8 && (stops_at(0) | stops_at(1) | stops_at(2) | stops_at(3) | stops_at(4) |
                             stops_at(5) | stops_at(6) | stops_at(7)) == 0) {
      std::memcpy(out, text.data(), 8);
      out += 8;
      text.remove_prefix(8);
      continue;
    }
    const std::size_t end = std::min<std::size_t>(text.size(), 8);
    std::size_t plain = 0;
    for (; plain < end && stops_at(plain) == 0; ++plain) *out++ = text[plain];
    text.remove_prefix(plain);
    if (plain < end) out = write_character(out, text);
  }
  out = buffer.more_room(out);
  *out++ = '"';
  buffer.advance_to(out);
}

struct Style {
  bool html = true;
  bool canonical = false;
  std::size_t indent = 0;
};

template <class Out>
class Printer {
 public:
  Printer(Out& out, Style style) : out_(out), style_(style) {}

  void print(const Value& root) {
    open(root);
    while (!frames_.empty()) {
      Frame& frame = frames_.top();
      if (frame.next == frame.count) {
        close(frame);
      } else {
        next_child(frame);
      }
    }
    out_.flush();
  }

 private:
  /// An open container and what is left of it: elements or members in their order, or sorted members.
  struct Frame {
    const Value* element;
    const Member* member;
    std::size_t next;
    std::size_t count;
    std::size_t order;  // where this object's members begin in sorted_, or kUnsorted
  };
  static constexpr std::size_t kUnsorted = SIZE_MAX;

  /// Prints a scalar or an empty container, or the opening of another one, whose children follow.
  void open(const Value& value) {
    if (value.is_object()) {
      const auto members = value.members();
      if (members.empty()) return out_.put("{}");
      out_.put('{');
      frames_.push(
          {nullptr, members.data(), 0, members.size(), style_.canonical ? sort(members) : kUnsorted});
    } else if (value.is_array()) {
      const auto elements = value.elements();
      if (elements.empty()) return out_.put("[]");
      out_.put('[');
      frames_.push({elements.data(), nullptr, 0, elements.size(), kUnsorted});
    } else {
      print_scalar(value);
    }
  }

  void next_child(Frame& frame) {
    if (frame.next != 0) out_.put(',');
    if (style_.indent != 0) new_line();
    const std::size_t index = frame.next++;
    if (frame.element != nullptr) return open(frame.element[index]);
    const Member& member = frame.order == kUnsorted ? frame.member[index] : *sorted_[frame.order + index];
    print_string(out_, member.key(), style_.html);
    out_.put(':');
    if (style_.indent != 0) out_.put(' ');
    open(member.value());
  }

  void close(const Frame& frame) {
    const bool object = frame.member != nullptr;
    if (frame.order != kUnsorted) sorted_.resize(frame.order);
    frames_.pop();
    if (style_.indent != 0) new_line();
    out_.put(object ? '}' : ']');
  }

  void new_line() {
    out_.put('\n');
    out_.put_spaces(frames_.size() * style_.indent);
  }

  std::size_t sort(std::span<const Member> members) {
    const auto by_key = [](const Member* a, const Member* b) { return a->key() < b->key(); };
    const std::size_t order = sorted_.size();
    for (const Member& member : members) sorted_.push_back(&member);
    const auto begin = sorted_.begin() + static_cast<std::ptrdiff_t>(order);
    if (!std::is_sorted(begin, sorted_.end(), by_key)) std::sort(begin, sorted_.end(), by_key);
    return order;
  }

  void print_scalar(const Value& value) {
    switch (value.kind()) {
      case Kind::kBool: return out_.put(value.as_bool() ? "true" : "false");
      case Kind::kInt: return print_integer(value.as_int());
      case Kind::kUint: return print_integer(value.as_uint());
      case Kind::kDouble: return print_double(value.as_double());
      case Kind::kString: return print_string(out_, value.as_string(), style_.html);
      default: return out_.put("null");
    }
  }

  template <class T>
  void print_integer(T number) {
    char* at = out_.room();
    out_.advance_to(std::to_chars(at, at + Buffer<Out>::kRoom, number).ptr);
  }

  void print_double(double number) {
    if (style_.canonical) {
      // Equality decides what "the same integer" means, see Value::operator==.
      if (number >= -0x1p63 && number < 0x1p63 &&
          static_cast<double>(static_cast<std::int64_t>(number)) == number) {
        return print_integer(static_cast<std::int64_t>(number));
      }
      if (number >= 0x1p63 && number < 0x1p64) return print_integer(static_cast<std::uint64_t>(number));
    }
    out_.advance_to(write_double(number, out_.room()));
  }

  static_assert(kDoubleBytes <= Buffer<Out>::kRoom);

  Buffer<Out> out_;
  Style style_;
  detail::FrameStack<Frame> frames_;
  std::vector<const Member*> sorted_;
};

}  // namespace

void print_to(std::string& out, const Value& value, PrintOptions options) {
  StringOut end(out);
  Printer(end, Style{options.escape_html, false, static_cast<std::size_t>(std::max(options.indent, 0))})
      .print(value);
}

std::string print(const Value& value, PrintOptions options) {
  std::string out;
  print_to(out, value, options);
  return out;
}

std::string print_pretty(const Value& value, int indent) {
  return print(value, PrintOptions{.escape_html = true, .indent = indent});
}

void print_string_to(std::string& out, std::string_view text, PrintOptions options) {
  StringOut end(out);
  Buffer buffer(end);
  print_string(buffer, text, options.escape_html);
  buffer.flush();
}

std::string canonical(const Value& value) {
  std::string out;
  StringOut end(out);
  Printer(end, Style{.canonical = true}).print(value);
  return out;
}

std::uint64_t hash(const Value& value) {
  HashOut out;
  Printer(out, Style{.canonical = true}).print(value);
  return out.hash();
}

std::ostream& operator<<(std::ostream& out, const Value& value) {
  return out << print(value);
}

}  // namespace klutch::json
