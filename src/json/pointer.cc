// SPDX-License-Identifier: Apache-2.0
#include "json/pointer.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace klutch::json {
namespace {

void append_escaped(std::string& out, std::string_view token) {
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

/// The token with its escapes resolved, or nothing when '~' stands alone.
std::optional<std::string> unescape(std::string_view token) {
  std::string result;
  result.reserve(token.size());
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      result += token[i];
      continue;
    }
    ++i;
    if (i == token.size() || (token[i] != '0' && token[i] != '1')) return std::nullopt;
    result += token[i] == '0' ? '~' : '/';
  }
  return result;
}

const Value* child(const Value& parent, std::string_view token) noexcept {
  if (!parent.is_array()) return parent.find(token);
  const auto index = index_of(token);
  return index && *index < parent.size() ? &parent.at(*index) : nullptr;
}

}  // namespace

std::string escape_token(std::string_view token) {
  std::string out;
  append_escaped(out, token);
  return out;
}

std::optional<std::size_t> index_of(std::string_view token) noexcept {
  if (token.empty() || (token.size() > 1 && token.front() == '0')) return std::nullopt;
  std::size_t index = 0;
  const char* end = token.data() + token.size();
  const auto read = std::from_chars(token.data(), end, index);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return index;
}

Result<Pointer> Pointer::parse(std::string_view text) {
  Pointer result;
  if (text.empty()) return result;
  if (text.front() != '/') {
    return fail(Code::kInvalid, "JSON pointer \"" + std::string(text) + "\" must be empty or begin with '/'");
  }
  std::size_t begin = 1;
  while (true) {
    const std::size_t end = std::min(text.find('/', begin), text.size());
    auto token = unescape(text.substr(begin, end - begin));
    if (!token) {
      return fail(Code::kInvalid,
                  "JSON pointer \"" + std::string(text) + "\": '~' must be followed by '0' or '1'");
    }
    result.tokens_.push_back(std::move(*token));
    if (end == text.size()) return result;
    begin = end + 1;
  }
}

Pointer& Pointer::push(std::string_view key) {
  tokens_.emplace_back(key);
  return *this;
}

Pointer& Pointer::push(std::size_t index) {
  tokens_.push_back(std::to_string(index));
  return *this;
}

void Pointer::pop() {
  CHECK(!tokens_.empty());
  tokens_.pop_back();
}

Pointer Pointer::parent() const {
  CHECK(!tokens_.empty());
  return Pointer(std::vector<std::string>(tokens_.begin(), tokens_.end() - 1));
}

const std::string& Pointer::back() const {
  CHECK(!tokens_.empty());
  return tokens_.back();
}

bool Pointer::contains(const Pointer& other) const noexcept {
  return tokens_.size() <= other.tokens_.size() &&
         std::equal(tokens_.begin(), tokens_.end(), other.tokens_.begin());
}

std::string Pointer::to_string() const {
  std::string out;
  for (const std::string& token : tokens_) {
    out += '/';
    append_escaped(out, token);
  }
  return out;
}

const Value* Pointer::find(const Value& document) const noexcept {
  const Value* at = &document;
  for (const std::string& token : tokens_) {
    at = child(*at, token);
    if (at == nullptr) return nullptr;
  }
  return at;
}

Value* Pointer::find(Value& document) const noexcept {
  return const_cast<Value*>(find(std::as_const(document)));
}

Result<const Value*> Pointer::get(const Value& document) const {
  const Value* at = &document;
  Pointer reached;
  for (const std::string& token : tokens_) {
    at = child(*at, token);
    reached.push(token);
    if (at == nullptr) return fail(Code::kNotFound, "there is nothing at \"" + reached.to_string() + "\"");
  }
  return at;
}

}  // namespace klutch::json
