// SPDX-License-Identifier: Apache-2.0
#include "apiserver/schema/pattern.h"

#include <re2/re2.h>

#include <algorithm>

namespace klutch::apiserver {
namespace {

// A pattern may use so much memory for its program and the states of its automaton. Nearly all fit the first;
// the second is for patterns with large counted repetitions.
constexpr std::int64_t kUsualMemory = std::int64_t{1} << 20;
constexpr std::int64_t kLargeMemory = std::int64_t{64} << 20;

re2::StringPiece piece(std::string_view text) {
  return {text.data(), text.size()};
}

/// A pattern as RE2 takes it, and the error of one that Go refuses and RE2 takes.
struct Translation {
  std::string pattern = {};
  std::string error = {};
};

/// The repetition `text` begins with, such as "{5,7}", if one of its numbers has more digits than RE2 reads.
std::string_view huge_repetition(std::string_view text) {
  static const RE2 kHuge("(\\{(?:[1-9]\\d{8,}(?:,\\d*)?|\\d+,[1-9]\\d{8,})\\}).*", RE2::Latin1);
  re2::StringPiece found;
  return RE2::FullMatch(piece(text), kHuge, &found) ? text.substr(0, found.size()) : std::string_view();
}

/// Go reads (?<name>...) as (?P<name>...), which this version of RE2 does not; it has no \C; and it does not
/// take numbers for literal text because they are large.
Translation translate(std::string_view pattern) {
  Translation out;
  bool in_class = false;
  while (!pattern.empty()) {
    std::size_t taken = 1;
    std::string_view replacement = pattern.substr(0, 1);
    if (pattern.starts_with("\\Q")) {
      const std::size_t end = pattern.find("\\E");
      taken = std::min(end, pattern.size());
      replacement = pattern.substr(0, taken);
    } else if (pattern[0] == '\\') {
      if (!in_class && pattern.starts_with("\\C")) out.error = "invalid escape sequence: `\\C`";
      taken = std::min<std::size_t>(2, pattern.size());
      replacement = pattern.substr(0, taken);
    } else if (in_class) {
      in_class = pattern[0] != ']';
    } else if (pattern[0] == '[') {
      in_class = true;
    } else if (const auto huge = huge_repetition(pattern); !huge.empty() && !out.pattern.empty()) {
      out.error = "invalid repeat count: `" + std::string(huge) + "`";
    } else if (pattern.starts_with("(?<") && !pattern.starts_with("(?<=") && !pattern.starts_with("(?<!")) {
      replacement = "(?P<";
      taken = 3;
    }
    if (!out.error.empty()) return out;
    out.pattern += replacement;
    pattern.remove_prefix(taken);
  }
  return out;
}

std::unique_ptr<RE2> compile(const std::string& pattern, std::int64_t memory) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(memory);
  return std::make_unique<RE2>(pattern, options);
}

std::string_view go_reason(RE2::ErrorCode code) {
  switch (code) {
    case RE2::ErrorBadEscape: return "invalid escape sequence";
    case RE2::ErrorBadCharClass: return "invalid character class";
    case RE2::ErrorBadCharRange: return "invalid character class range";
    case RE2::ErrorMissingBracket: return "missing closing ]";
    case RE2::ErrorMissingParen: return "missing closing )";
    case RE2::ErrorUnexpectedParen: return "unexpected )";
    case RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case RE2::ErrorRepeatSize: return "invalid repeat count";
    case RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case RE2::ErrorBadUTF8: return "invalid UTF-8";
    case RE2::ErrorBadNamedCapture: return "invalid named capture";
    case RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "regexp/syntax: internal error";
  }
}

/// "" for an expression without error.
std::string go_error(const RE2& expression, const std::string& original) {
  if (expression.ok()) return {};
  std::string part = expression.error_arg();
  if (expression.error_code() == RE2::ErrorPatternTooLarge) part = original;
  if (part.starts_with("(?P<") && original.find(part) == std::string::npos) part.erase(2, 1);
  return std::string(go_reason(expression.error_code())) + ": `" + part + "`";
}

}  // namespace

struct Pattern::Compiled {
  std::unique_ptr<RE2> expression = {};  // null: `error` says why
  std::string error = {};
};

Pattern::Pattern(std::string_view text) : text_(text) {}

Pattern::~Pattern() = default;

const Pattern::Compiled& Pattern::compiled() const {
  std::call_once(once_, [this] {
    auto made = std::make_unique<Compiled>();
    const Translation translation = translate(text_);
    made->error = translation.error;
    if (made->error.empty()) {
      made->expression = compile(translation.pattern, kUsualMemory);
      if (made->expression->error_code() == RE2::ErrorPatternTooLarge) {
        made->expression = compile(translation.pattern, kLargeMemory);
      }
      made->error = go_error(*made->expression, text_);
      if (!made->error.empty()) made->expression = nullptr;
    }
    compiled_ = std::move(made);
  });
  return *compiled_;
}

bool Pattern::matches(std::string_view subject) const {
  const auto& expression = compiled().expression;
  return expression != nullptr && RE2::PartialMatch(piece(subject), *expression);
}

std::optional<Pattern::Match> Pattern::find(std::string_view subject, std::size_t from) const {
  const auto& expression = compiled().expression;
  if (expression == nullptr || from > subject.size()) return std::nullopt;
  re2::StringPiece found;
  const re2::StringPiece text = piece(subject);
  if (!expression->Match(text, from, subject.size(), RE2::UNANCHORED, &found, 1)) return std::nullopt;
  const auto begin = static_cast<std::size_t>(found.data() - text.data());
  return Match{.begin = begin, .end = begin + found.size()};
}

std::optional<std::string> Pattern::error() const {
  const std::string& error = compiled().error;
  if (error.empty()) return std::nullopt;
  return "error parsing regexp: " + error;
}

}  // namespace klutch::apiserver
