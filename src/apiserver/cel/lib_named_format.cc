// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/lib_named_format.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/heap.h"
#include "apiserver/schema/go_url.h"
#include "apiserver/schema/name_rules.h"
#include "apiserver/schema/string_format.h"

namespace klutch::apiserver::cel {
namespace {

struct NamedFormat {
  std::string_view function;
  std::string_view name;
  std::uint64_t pattern_size;
  Problems (*check)(std::string_view text);
};

template <NameRule kRule, bool kPrefix>
Problems check_rule(std::string_view text) {
  return check_name(kRule, text, kPrefix);
}

Problems check_uri(std::string_view text) {
  const auto parsed = go_parse_request_uri(text);
  if (parsed) return {};
  return {parsed.error().message()};
}

Problems problem_unless(bool is_fine, std::string_view problem) {
  if (is_fine) return {};
  return {std::string(problem)};
}

Problems check_uuid(std::string_view text) {
  return problem_unless(matches(StringFormat::kUuid, text), "does not match the UUID format");
}
Problems check_byte(std::string_view text) {
  return problem_unless(matches(StringFormat::kByte, text), "invalid base64");
}
Problems check_date(std::string_view text) {
  return problem_unless(matches(StringFormat::kDate, text), "invalid date");
}
Problems check_date_time(std::string_view text) {
  return problem_unless(matches(StringFormat::kDateTime, text), "invalid datetime");
}

constexpr std::array kFormats = {
    NamedFormat{"format.dns1123Label", "DNS1123Label", 30, check_rule<NameRule::kDnsLabel, false>},
    NamedFormat{"format.dns1123Subdomain", "DNS1123Subdomain", 60,
                check_rule<NameRule::kDnsSubdomain, false>},
    NamedFormat{"format.dns1035Label", "DNS1035Label", 30, check_rule<NameRule::kDns1035Label, false>},
    NamedFormat{"format.qualifiedName", "QualifiedName", 60, check_qualified_name},
    NamedFormat{"format.dns1123LabelPrefix", "DNS1123LabelPrefix", 30, check_rule<NameRule::kDnsLabel, true>},
    NamedFormat{"format.dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", 60,
                check_rule<NameRule::kDnsSubdomain, true>},
    NamedFormat{"format.dns1035LabelPrefix", "DNS1035LabelPrefix", 30,
                check_rule<NameRule::kDns1035Label, true>},
    NamedFormat{"format.labelValue", "LabelValue", 40, check_label_value},
    NamedFormat{"format.uri", "URI", 1103, check_uri},
    NamedFormat{"format.uuid", "uuid", 70, check_uuid},
    NamedFormat{"format.byte", "byte", 84, check_byte},
    NamedFormat{"format.date", "date", 71, check_date},
    NamedFormat{"format.datetime", "datetime", 71, check_date_time},
};

class FormatObject : public detail::OpaqueObject {
 public:
  explicit FormatObject(const NamedFormat& known) : format(known) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "kubernetes.NamedFormat"; }
  [[nodiscard]] bool equals(const OpaqueObject& other) const override {
    return format.name == static_cast<const FormatObject&>(other).format.name;
  }
  [[nodiscard]] std::string debug() const override { return "format(" + std::string(format.name) + ')'; }
  [[nodiscard]] Value native() const override {
    return Value::adopt(Kind::kOpaque, new FormatObject(format));
  }

  const NamedFormat& format;
};

Value make_format(const NamedFormat& format) {
  return Value::adopt(Kind::kOpaque, new FormatObject(format));
}

template <std::size_t kIndex>
Value format_constant(Arguments) {
  return make_format(kFormats[kIndex]);
}

Value format_named(Arguments a) {
  constexpr std::string_view kPrefix = "format.";
  for (const NamedFormat& format : kFormats) {
    if (format.function.substr(kPrefix.size()) == a[0].as_text())
      return Value::optional_of(make_format(format));
  }
  return Value::optional_none();
}

Value format_validate(Arguments a) {
  const Problems problems = detail::find_opaque<FormatObject>(a[0])->format.check(a[1].as_text());
  if (problems.empty()) return Value::optional_none();
  std::vector<Value> texts;
  for (const std::string& problem : problems) texts.push_back(Value::string(problem));
  return Value::optional_of(Value::list(texts));
}

template <std::size_t... kIndexes>
constexpr auto constant_specs(std::index_sequence<kIndexes...>) {
  return std::array{
      OverloadSpec{kFormats[kIndexes].function, kFormats[kIndexes].function, "() -> kubernetes.NamedFormat",
                   format_constant<kIndexes>}...,
      OverloadSpec{"format.named", "format-named", "(string) -> optional_type(kubernetes.NamedFormat)",
                   format_named},
      OverloadSpec{"validate", "format-validate",
                   ".(kubernetes.NamedFormat, string) -> optional_type(list(string))", format_validate}};
}

constexpr auto kFormatFunctions = constant_specs(std::make_index_sequence<kFormats.size()>());

}  // namespace

std::optional<std::uint64_t> named_format_pattern_size(const Value& format) {
  const auto* object = detail::find_opaque<FormatObject>(format);
  if (object == nullptr) return std::nullopt;
  return object->format.pattern_size;
}

std::span<const OverloadSpec> named_format_overloads() {
  return kFormatFunctions;
}

}  // namespace klutch::apiserver::cel
