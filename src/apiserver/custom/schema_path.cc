// SPDX-License-Identifier: Apache-2.0
#include "apiserver/custom/schema_path.h"

#include <optional>

#include "apiserver/schema/field_error.h"

namespace klutch::apiserver {
namespace {

/// Cuts a path into dots, brackets, quoted names and names.
class PathTokens {
 public:
  explicit PathTokens(std::string_view path) : rest_(path) {}

  std::optional<std::string_view> next() {
    if (rest_.empty()) return std::nullopt;
    std::size_t end = rest_.size();
    if (rest_.front() == '\'') {
      for (std::size_t i = 1; i < rest_.size(); ++i) {
        if (rest_[i] != '\'' || rest_[i - 1] == '\\') continue;
        end = i + 1;
        break;
      }
    } else {
      const auto delimiter = rest_.find_first_of(".[]");
      if (delimiter != std::string_view::npos) end = delimiter == 0 ? 1 : delimiter;
    }
    const std::string_view token = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return token;
  }

 private:
  std::string_view rest_;
};

Result<std::string> unescape_quoted(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char letter = text[++i];
    constexpr std::string_view kFrom = "abfnrtv'\\";
    constexpr std::string_view kTo = "\a\b\f\n\r\t\v'\\";
    const auto known = kFrom.find(letter);
    if (known == std::string_view::npos) {
      return fail(Code::kInvalid, std::string("invalid string literal: invalid escape char \\") + letter);
    }
    out += kTo[known];
  }
  return out;
}

class PathWalk {
 public:
  PathWalk(std::string_view path, const StructuralSchema& schema) : tokens_(path), schema_(&schema) {}

  Result<SchemaPlace> run(bool allow_brackets) {
    while (const auto token = tokens_.next()) {
      if (*token == "[") {
        if (!allow_brackets) return fail(Code::kInvalid, "array notation is not allowed");
        TRY(enter_brackets());
      } else if (*token == ".") {
        const auto name = TRY(expect_token());
        TRY(enter(name));
      } else {
        return fail(Code::kInvalid, "expected [ or . but got: " + std::string(*token));
      }
    }
    return SchemaPlace{path_.empty() ? "" : path_.to_string(), root_, schema_};
  }

 private:
  Result<std::string_view> expect_token() {
    const auto token = tokens_.next();
    if (!token) return fail(Code::kInvalid, "unexpected end of JSON path");
    return *token;
  }

  Result<> enter_brackets() {
    const auto quoted = TRY(expect_token());
    if (quoted.size() < 2 || quoted.front() != '\'' || quoted.back() != '\'') {
      return fail(Code::kInvalid, "expected single quoted string but got " + std::string(quoted));
    }
    const auto name = TRY(unescape_quoted(quoted.substr(1, quoted.size() - 2)));
    TRY(enter(name));
    const auto end = TRY(expect_token());
    if (end != "]") return fail(Code::kInvalid, "expected ] but got " + std::string(end));
    return {};
  }

  Result<> enter(std::string_view name) {
    const bool is_first = path_.empty();
    const bool named = !schema_->properties.empty();
    schema_ = named ? schema_->find_property(name) : schema_->additional();
    if (schema_ == nullptr) return fail(Code::kInvalid, "does not refer to a valid field");
    path_ = named ? path_.child(name) : path_.key(name);
    if (is_first) root_ = name;
    return {};
  }

  PathTokens tokens_;
  const StructuralSchema* schema_;
  FieldPath path_ = {};
  std::string root_ = {};
};

}  // namespace

Result<SchemaPlace> find_schema_place(std::string_view path, const StructuralSchema& schema,
                                      bool allow_brackets) {
  return PathWalk(path, schema).run(allow_brackets);
}

}  // namespace klutch::apiserver
