// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The text of an expression and messages about places in it, laid out as cel-go prints them:
//
//   ERROR: <input>:1:6: Syntax error: no viable alternative at input '.'
//    | self.
//    | .....^
//
// Positions count code points. Internal to the library.

namespace klutch::apiserver::cel {

/// A position in the text that is nowhere: messages about the whole expression.
inline constexpr std::int32_t kNoPosition = -2;
/// The position of what a broken text left out; shown as column 0 of line 1.
inline constexpr std::int32_t kMissingPosition = -1;

class Source {
 public:
  explicit Source(std::string_view text);

  [[nodiscard]] std::string_view text() const noexcept { return text_; }
  /// In code points.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  struct Location {
    std::int32_t line = -1;    ///< From 1; -1 for kNoPosition.
    std::int32_t column = -1;  ///< From 0.
  };
  [[nodiscard]] Location locate(std::int32_t position) const noexcept;
  /// "ERROR: <input>:LINE:COLUMN: message", with the line and a caret below it.
  [[nodiscard]] std::string display(std::int32_t position, std::string_view message) const;

 private:
  [[nodiscard]] std::string_view line_text(std::int32_t line) const noexcept;

  std::string text_;
  std::size_t size_ = 0;
  struct Line {
    std::int32_t position;  // of its first code point
    std::size_t byte;
  };
  std::vector<Line> lines_;
};

/// Messages collected while an expression is read, at most 100 of them.
class Issues {
 public:
  void report(std::int32_t position, std::string message);
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// All messages, in order of their positions.
  [[nodiscard]] std::string display(const Source& source) const;

 private:
  static constexpr std::size_t kMaxReported = 100;

  struct Issue {
    std::int32_t position;
    std::string message;
  };
  std::vector<Issue> issues_;
  std::size_t count_ = 0;
};

}  // namespace klutch::apiserver::cel
