// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace klutch::http {
namespace {

constexpr std::array<bool, 256> token_characters() {
  std::array<bool, 256> table{};
  for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}

constexpr auto kToken = token_characters();

}  // namespace

bool is_token(std::string_view text) noexcept {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return kToken[static_cast<unsigned char>(c)]; });
}

bool is_field_value(std::string_view value) noexcept {
  return std::none_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

Headers::Headers(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  fields_.reserve(fields.size());
  for (const auto& [name, value] : fields) add(name, value);
}

void Headers::add(std::string_view name, std::string_view value) {
  if (fields_.capacity() == 0) fields_.reserve(8);  // most heads fit
  fields_.push_back({std::string(name), std::string(value)});
}

void Headers::set(std::string_view name, std::string_view value) {
  erase(name);
  add(name, value);
}

std::size_t Headers::erase(std::string_view name) {
  return std::erase_if(fields_, [&](const Field& field) { return equal_ignore_case(field.name, name); });
}

std::optional<std::string_view> Headers::get(std::string_view name) const noexcept {
  for (const auto& field : fields_) {
    if (equal_ignore_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string Headers::joined(std::string_view name) const {
  std::string all;
  bool first = true;
  for (const auto& field : fields_) {
    if (!equal_ignore_case(field.name, name)) continue;
    if (!first) all += ", ";
    first = false;
    all += field.value;
  }
  return all;
}

bool Headers::lists(std::string_view name, std::string_view token) const noexcept {
  for (const auto& field : fields_) {
    if (!equal_ignore_case(field.name, name)) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (equal_ignore_case(trim(rest.substr(0, comma)), token)) return true;
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return false;
}

Result<> Headers::check() const {
  for (const auto& field : fields_) {
    if (!is_token(field.name))
      return fail(Code::kInvalid, "header name " + quote(field.name) + " is not a token");
    if (!is_field_value(field.value)) {
      return fail(Code::kInvalid, "the value of header " + field.name + " contains control characters");
    }
  }
  return {};
}

}  // namespace klutch::http
