// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/comma_separated.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace klutch::apiserver {
namespace {

class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  Result<std::vector<CsvRecord>> read(std::size_t max_records) {
    std::vector<CsvRecord> records;
    while (skip_blank_lines()) {
      if (records.size() == max_records) {
        return fail(Code::kTooLarge, fmt::format("there are more than {} records", max_records));
      }
      records.push_back(TRY(read_record()));
    }
    return records;
  }

 private:
  /// The length of the line end at the front: 0, 1 or 2.
  [[nodiscard]] std::size_t line_end() const {
    if (text_.starts_with("\r\n")) return 2;
    return text_.starts_with('\n') ? 1 : 0;
  }

  bool take_line_end() {
    const auto length = line_end();
    text_.remove_prefix(length);
    line_ += length == 0 ? 0 : 1;
    return length != 0;
  }

  /// False at the end of the text.
  bool skip_blank_lines() {
    while (take_line_end()) {
    }
    return !text_.empty();
  }

  Result<CsvRecord> read_record() {
    CsvRecord record{.line = line_};
    while (true) {
      record.fields.push_back(TRY(read_field()));
      if (text_.empty() || take_line_end()) return record;
      text_.remove_prefix(1);  // a comma
    }
  }

  Result<std::string> read_field() {
    if (text_.starts_with('"')) return read_quoted();
    std::size_t end = text_.find_first_of(",\n");
    if (end == std::string_view::npos) end = text_.size();
    if (end > 0 && end < text_.size() && text_[end] == '\n' && text_[end - 1] == '\r') --end;
    const auto field = text_.substr(0, end);
    if (field.find('"') != std::string_view::npos) return refuse("a quote inside of a field without quotes");
    text_.remove_prefix(end);
    return std::string(field);
  }

  Result<std::string> read_quoted() {
    std::string field;
    text_.remove_prefix(1);
    while (true) {
      const auto end = text_.find('"');
      if (end == std::string_view::npos) return refuse("a quoted field does not end");
      field += text_.substr(0, end);
      line_ += static_cast<std::size_t>(std::ranges::count(text_.substr(0, end), '\n'));
      text_.remove_prefix(end + 1);
      if (!text_.starts_with('"')) break;
      field += '"';
      text_.remove_prefix(1);
    }
    if (!text_.empty() && text_.front() != ',' && line_end() == 0) {
      return refuse("text after the end of a quoted field");
    }
    return field;
  }

  [[nodiscard]] tl::unexpected<Error> refuse(std::string_view why) const {
    return fail(Code::kInvalid, fmt::format("line {}: {}", line_, why));
  }

  std::string_view text_;
  std::size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRecord>> parse_comma_separated(std::string_view text, std::size_t max_records) {
  return CsvReader(text).read(max_records);
}

}  // namespace klutch::apiserver
