// SPDX-License-Identifier: Apache-2.0
#include "json/print.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ostream>
#include <vector>

#include "json/frame_stack.h"
#include "json/number.h"
#include "json/utf8.h"

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

/// Collects small pieces, because a call per token would cost more than the printing.
template <class Out>
class Buffer {
 public:
  explicit Buffer(Out& out) : out_(out) {}
  void put(char c) { *room(1) = c, ++used_; }
  void put(std::string_view text) {
    if (text.size() > kSize / 4) {
      flush();
      out_.write(text.data(), text.size());
      return;
    }
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    used_ += text.size();
  }
  void put_spaces(std::size_t count) {
    for (; count > 0; --count) put(' ');
  }
  /// Space for `size` bytes; call advance_to() with the end of what was written.
  char* room(std::size_t size) {
    if (kSize - used_ < size) flush();
    return data_ + used_;
  }
  void advance_to(const char* end) { used_ = static_cast<std::size_t>(end - data_); }
  void flush() {
    out_.write(data_, used_);
    used_ = 0;
  }

 private:
  static constexpr std::size_t kSize = 1024;
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

template <class Out>
void print_escaped(Buffer<Out>& out, unsigned char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out.put("\\\""); break;
    case '\\': out.put("\\\\"); break;
    case '\b': out.put("\\b"); break;
    case '\f': out.put("\\f"); break;
    case '\n': out.put("\\n"); break;
    case '\r': out.put("\\r"); break;
    case '\t': out.put("\\t"); break;
    default:
      out.put("\\u00");
      out.put(kHex[c >> 4]);
      out.put(kHex[c & 15]);
  }
}

template <class Out>
void print_string(Buffer<Out>& out, std::string_view text, bool html) {
  const std::array<bool, 256>& stop = html ? kHtmlStops : kStops;
  out.put('"');
  std::size_t begin = 0;  // of what may be copied as it is
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (!stop[c]) {
      ++at;
      continue;
    }
    const std::size_t length = c < 0x80 ? 1 : utf8_length(text.substr(at));
    const bool separator = length == 3 && (text.substr(at, 3) == "\u2028" || text.substr(at, 3) == "\u2029");
    if (c >= 0x80 && length != 0 && !separator) {
      at += length;
      continue;
    }
    out.put(text.substr(begin, at - begin));
    if (c < 0x80) {
      print_escaped(out, c);
    } else if (separator) {
      out.put(text[at + 2] == '\xa8' ? "\\u2028" : "\\u2029");
    } else {
      out.put("\\ufffd");
    }
    at += std::max<std::size_t>(length, 1);
    begin = at;
  }
  out.put(text.substr(begin));
  out.put('"');
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
  struct Frame {
    const Value* container;
    std::size_t next;
    std::size_t count;
    std::size_t order;  // where this object's members begin in sorted_, or kUnsorted
  };
  static constexpr std::size_t kUnsorted = SIZE_MAX;

  /// Prints a scalar or an empty container, or the opening of another one, whose children follow.
  void open(const Value& value) {
    const bool object = value.is_object();
    if (!object && !value.is_array()) return print_scalar(value);
    if (value.empty()) return out_.put(object ? "{}" : "[]");
    out_.put(object ? '{' : '[');
    frames_.push({&value, 0, value.size(), style_.canonical && object ? sort(value) : kUnsorted});
  }

  void next_child(Frame& frame) {
    if (frame.next != 0) out_.put(',');
    new_line();
    const std::size_t index = frame.next++;
    if (!frame.container->is_object()) return open(frame.container->at(index));
    const Member& member =
        frame.order == kUnsorted ? frame.container->members()[index] : *sorted_[frame.order + index];
    print_string(out_, member.key(), style_.html);
    out_.put(':');
    if (style_.indent != 0) out_.put(' ');
    open(member.value());
  }

  void close(const Frame& frame) {
    const bool object = frame.container->is_object();
    if (frame.order != kUnsorted) sorted_.resize(frame.order);
    frames_.pop();
    new_line();
    out_.put(object ? '}' : ']');
  }

  void new_line() {
    if (style_.indent == 0) return;
    out_.put('\n');
    out_.put_spaces(frames_.size() * style_.indent);
  }

  std::size_t sort(const Value& object) {
    const auto by_key = [](const Member* a, const Member* b) { return a->key() < b->key(); };
    const std::size_t order = sorted_.size();
    for (const Member& member : object.members()) sorted_.push_back(&member);
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
    char* at = out_.room(kDoubleBytes);
    out_.advance_to(std::to_chars(at, at + kDoubleBytes, number).ptr);
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
    out_.advance_to(write_double(number, out_.room(kDoubleBytes)));
  }

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
