// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

// A regular expression in Go's syntax, as the `pattern` of a schema has it. Compiled when it is first needed,
// since many schemas are never used; immutable to its users and safe from any thread. Matching takes linear
// time, whatever the pattern.

namespace klutch::apiserver {

class Pattern {
 public:
  explicit Pattern(std::string_view text);
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern();

  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Whether it occurs anywhere in `subject`; never if it is not valid.
  [[nodiscard]] bool matches(std::string_view subject) const;
  /// Where in a subject it was found, in bytes.
  struct Match {
    std::size_t begin;
    std::size_t end;
  };
  /// The first place at or after byte `from`; what stands before it counts as context. As matches().
  [[nodiscard]] std::optional<Match> find(std::string_view subject, std::size_t from) const;
  /// Why it is not valid, in Go's words: "error parsing regexp: missing closing ): `(`". Nothing if it is.
  [[nodiscard]] std::optional<std::string> error() const;

 private:
  struct Compiled;
  [[nodiscard]] const Compiled& compiled() const;

  std::string text_;
  mutable std::once_flag once_ = {};
  mutable std::unique_ptr<const Compiled> compiled_;
};

}  // namespace klutch::apiserver
