// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/name_rules.h"

#include <algorithm>
#include <initializer_list>

#include "base/strings.h"

namespace klutch::apiserver {
namespace {

constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kMaxSubdomain = 253;
constexpr std::string_view kLabelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
constexpr std::string_view kQualifiedPattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit_character(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_or_digit(char c) {
  return is_lower(c) || is_digit_character(c);
}
bool is_alphanumeric(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/// Whether a non-empty text begins and ends with what `outer` allows and has only that and `inner` between.
bool has_shape(std::string_view text, bool (*outer)(char), std::string_view inner) {
  if (text.empty() || !outer(text.front()) || !outer(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return outer(c) || inner.find(c) != std::string_view::npos; });
}

bool is_label(std::string_view text) {
  return has_shape(text, is_lower_or_digit, "-");
}

bool is_subdomain(std::string_view text) {
  const auto labels = split(text, '.');
  return std::all_of(labels.begin(), labels.end(), is_label);
}

bool is_qualified(std::string_view text) {
  return has_shape(text, is_alphanumeric, "-_.");
}

std::string too_long(std::size_t limit) {
  return "must be no more than " + std::to_string(limit) + " characters";
}

std::string bad_shape(std::string_view words, std::initializer_list<std::string_view> examples,
                      std::string_view pattern) {
  std::string text = std::string(words) + " (e.g. ";
  bool first = true;
  for (const std::string_view example : examples) {
    text.append(first ? "'" : " or '").append(example).append("', ");
    first = false;
  }
  return text.append("regex used for validation is '").append(pattern).append("')");
}

std::string bad_qualified_name() {
  return bad_shape(
      "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
      "character",
      {"MyName", "my.name", "123-abc"}, kQualifiedPattern);
}

Problems check_path_segment(std::string_view name, bool prefix) {
  if (!prefix && (name == "." || name == "..")) return {"may not be '" + std::string(name) + "'"};
  Problems problems;
  for (const char c : {'/', '%'}) {
    if (name.find(c) != std::string_view::npos)
      problems.push_back(std::string("may not contain '") + c + "'");
  }
  return problems;
}

}  // namespace

Problems check_dns1123_label(std::string_view text) {
  Problems problems;
  if (text.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
  if (is_label(text)) return problems;
  problems.push_back(
      is_subdomain(text)
          ? "must not contain dots"
          : bad_shape(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
                "must start and end with an alphanumeric character",
                {"my-name", "123-abc"}, kLabelPattern));
  return problems;
}

Problems check_dns1123_subdomain(std::string_view text) {
  Problems problems;
  if (text.size() > kMaxSubdomain) problems.push_back(too_long(kMaxSubdomain));
  if (is_subdomain(text)) return problems;
  const std::string pattern = std::string(kLabelPattern) + "(\\." + std::string(kLabelPattern) + ")*";
  problems.push_back(bad_shape(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
      "and must start and end with an alphanumeric character",
      {"example.com"}, pattern));
  return problems;
}

Problems check_dns1035_label(std::string_view text) {
  Problems problems;
  if (text.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
  if (is_label(text) && is_lower(text.front())) return problems;
  problems.push_back(
      bad_shape("a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
                "alphabetic character, and end with an alphanumeric character",
                {"my-name", "abc-123"}, "[a-z]([-a-z0-9]*[a-z0-9])?"));
  return problems;
}

Problems check_qualified_name(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() > 2) {
    return {"a qualified name " + bad_qualified_name() +
            " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
  }
  Problems problems;
  if (parts.size() == 2 && parts[0].empty()) {
    problems.emplace_back("prefix part must be non-empty");
  } else if (parts.size() == 2) {
    for (const std::string& problem : check_dns1123_subdomain(parts[0])) {
      problems.push_back("prefix part " + problem);
    }
  }
  const std::string_view name = parts.back();
  if (name.empty()) {
    problems.emplace_back("name part must be non-empty");
  } else if (name.size() > kMaxLabel) {
    problems.push_back("name part " + too_long(kMaxLabel));
  }
  if (!is_qualified(name)) problems.push_back("name part " + bad_qualified_name());
  return problems;
}

Problems check_label_value(std::string_view text) {
  Problems problems;
  if (text.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
  if (text.empty() || is_qualified(text)) return problems;
  problems.push_back(bad_shape(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "
      "must start and end with an alphanumeric character",
      {"MyValue", "my_value", "12345"}, "(" + std::string(kQualifiedPattern) + ")?"));
  return problems;
}

Problems check_name(NameRule rule, std::string_view name, bool prefix) {
  if (rule == NameRule::kPathSegment) return check_path_segment(name, prefix);
  std::string masked(name);
  // A dash at the end will not be the end. Go masks it together with the character before it.
  if (prefix && name.size() > 1 && name.ends_with('-'))
    masked = std::string(name.substr(0, name.size() - 2)) + "a";
  if (rule == NameRule::kDnsLabel) return check_dns1123_label(masked);
  if (rule == NameRule::kDns1035Label) return check_dns1035_label(masked);
  return check_dns1123_subdomain(masked);
}

}  // namespace klutch::apiserver
