// SPDX-License-Identifier: Apache-2.0
#include "kube/client/request_headers.h"

#include "base/strings.h"

namespace klutch::kube {
namespace {

constexpr std::size_t kMaxWarnings = 20;

/// As client-go: what cannot stand in a field name, and '%', is percent-encoded.
std::string encode_field_name(std::string_view key) {
  std::string name;
  for (const char c : key) {
    const auto one = std::string_view(&c, 1);
    name += c != '%' && http::is_token(one) ? std::string(one) : percent_encode(one);
  }
  return name;
}

/// Takes a quoted-string (RFC 9110 §5.6.4) from the front of `text` into `out`.
bool take_quoted(std::string_view& text, std::string& out) {
  if (text.empty() || text.front() != '"') return false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return false;
}

/// One or more `299 agent "text" ["date"]`, with commas in between.
void read_warnings(std::string_view value, std::vector<std::string>& texts) {
  while (texts.size() < kMaxWarnings) {
    value = trim(value);
    const auto code = split_once(value, " ");
    const auto agent = code ? split_once(trim(code->second), " ") : std::nullopt;
    if (!agent) return;
    auto rest = trim(agent->second);
    std::string text;
    if (!take_quoted(rest, text)) return;
    if (code->first == "299" && !text.empty()) texts.push_back(std::move(text));
    rest = trim(rest);
    std::string date;
    if (!rest.empty() && rest.front() == '"' && !take_quoted(rest, date)) return;
    rest = trim(rest);
    if (rest.empty() || rest.front() != ',') return;
    value = rest.substr(1);
  }
}

}  // namespace

http::Headers impersonation_headers(const Impersonation& as) {
  http::Headers headers;
  if (as.user.empty()) return headers;
  headers.add("Impersonate-User", as.user);
  if (!as.uid.empty()) headers.add("Impersonate-Uid", as.uid);
  for (const auto& group : as.groups) headers.add("Impersonate-Group", group);
  for (const auto& [key, values] : as.extra) {
    for (const auto& value : values) headers.add("Impersonate-Extra-" + encode_field_name(key), value);
  }
  return headers;
}

std::vector<std::string> warning_texts(const http::Headers& headers) {
  std::vector<std::string> texts;
  for (const auto& field : headers) {
    if (equal_ignore_case(field.name, "Warning")) read_warnings(field.value, texts);
  }
  return texts;
}

bool is_json(std::string_view content_type) noexcept {
  const auto type = trim(content_type.substr(0, content_type.find(';')));
  return equal_ignore_case(type, "application/json") ||
         (starts_with_ignore_case(type, "application/") && type.ends_with("+json"));
}

}  // namespace klutch::kube
