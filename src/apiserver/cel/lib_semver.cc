// SPDX-License-Identifier: Apache-2.0
// Kubernetes' functions for semantic versions, which it reads with github.com/blang/semver.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/functions.h"
#include "apiserver/cel/go_text.h"
#include "apiserver/cel/heap.h"
#include "apiserver/schema/go_text.h"

namespace klutch::apiserver::cel {
namespace {

/// One identifier of a pre-release: a number or a text.
struct PreRelease {
  bool is_number = false;
  std::uint64_t number = 0;
  std::string text = {};
};

struct Version {
  std::array<std::uint64_t, 3> numbers = {};
  std::vector<PreRelease> pre_release = {};
  std::string written = {};
};

bool is_all_of(std::string_view text, bool letters) {
  return std::ranges::all_of(text, [letters](char c) {
    return (c >= '0' && c <= '9') ||
           (letters && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'));
  });
}

bool has_leading_zero(std::string_view text) {
  return text.size() > 1 && text[0] == '0';
}

Result<std::uint64_t> parse_uint64(std::string_view text) {
  const auto number = go_parse_uint(text);
  if (number) return *number;
  return fail(Code::kInvalid, "strconv.ParseUint: parsing " + go_quote(text) +
                                  (text.empty() ? ": invalid syntax" : ": value out of range"));
}

Result<std::uint64_t> parse_part(std::string_view text, std::string_view lower, std::string_view upper) {
  if (!is_all_of(text, false)) {
    return fail(Code::kInvalid,
                "Invalid character(s) found in " + std::string(lower) + " number " + go_quote(text));
  }
  if (has_leading_zero(text)) {
    return fail(Code::kInvalid,
                std::string(upper) + " number must not contain leading zeroes " + go_quote(text));
  }
  return parse_uint64(text);
}

Result<PreRelease> parse_pre_release(std::string_view text) {
  if (text.empty()) return fail(Code::kInvalid, "Prerelease is empty");
  if (is_all_of(text, false)) {
    if (has_leading_zero(text)) {
      return fail(Code::kInvalid,
                  "Numeric PreRelease version must not contain leading zeroes " + go_quote(text));
    }
    const std::uint64_t number = TRY(parse_uint64(text));
    return PreRelease{.is_number = true, .number = number};
  }
  if (is_all_of(text, true)) return PreRelease{.text = std::string(text)};
  return fail(Code::kInvalid, "Invalid character(s) found in prerelease " + go_quote(text));
}

Result<void> check_build(std::string_view text) {
  if (text.empty()) return fail(Code::kInvalid, "Build meta data is empty");
  if (is_all_of(text, true)) return {};
  return fail(Code::kInvalid, "Invalid character(s) found in build meta data " + go_quote(text));
}

Result<Version> parse_version(std::string_view text) {
  if (text.empty()) return fail(Code::kInvalid, "Version string empty");
  const auto parts = go_split(text, ".", 3);
  if (parts.size() != 3) return fail(Code::kInvalid, "No Major.Minor.Patch elements found");
  Version version;
  version.written = text;
  version.numbers[0] = TRY(parse_part(parts[0], "major", "Major"));
  version.numbers[1] = TRY(parse_part(parts[1], "minor", "Minor"));
  std::string_view patch = parts[2];
  std::vector<std::string_view> builds;
  std::vector<std::string_view> pre_releases;
  if (const std::size_t plus = patch.find('+'); plus != std::string_view::npos) {
    builds = go_split(patch.substr(plus + 1), ".", -1);
    patch = patch.substr(0, plus);
  }
  if (const std::size_t dash = patch.find('-'); dash != std::string_view::npos) {
    pre_releases = go_split(patch.substr(dash + 1), ".", -1);
    patch = patch.substr(0, dash);
  }
  version.numbers[2] = TRY(parse_part(patch, "patch", "Patch"));
  for (const std::string_view part : pre_releases)
    version.pre_release.push_back(TRY(parse_pre_release(part)));
  for (const std::string_view part : builds) TRY(check_build(part));
  return version;
}

/// Takes "v1.02" for "1.2.0".
Result<Version> parse_loosely(std::string_view text) {
  if (text.starts_with('v')) text.remove_prefix(1);
  std::vector<std::string> parts;
  for (const std::string_view part : go_split(text, ".", 3)) {
    std::string stripped(part);
    if (part.size() > 1) {
      stripped.erase(0, std::min(stripped.find_first_not_of('0'), stripped.size()));
      if (stripped.empty() || stripped[0] < '0' || stripped[0] > '9') stripped.insert(0, "0");
    }
    parts.push_back(std::move(stripped));
  }
  if (parts.size() < 3 && parts.back().find_first_of("+-") != std::string::npos) {
    return fail(Code::kInvalid, "short version cannot contain PreRelease/Build meta data");
  }
  parts.resize(3, "0");
  return parse_version(parts[0] + '.' + parts[1] + '.' + parts[2]);
}

int order_of(auto left, auto right) {
  if (left == right) return 0;
  return left < right ? -1 : 1;
}

int compare_pre_releases(const PreRelease& left, const PreRelease& right) {
  if (left.is_number != right.is_number) return left.is_number ? -1 : 1;
  if (left.is_number) return order_of(left.number, right.number);
  return order_of(std::string_view(left.text), std::string_view(right.text));
}

int compare_versions(const Version& left, const Version& right) {
  for (std::size_t i = 0; i < 3; ++i) {
    if (const int order = order_of(left.numbers[i], right.numbers[i]); order != 0) return order;
  }
  if (left.pre_release.empty() || right.pre_release.empty()) {
    return order_of(left.pre_release.empty(), right.pre_release.empty());
  }
  const std::size_t shared = std::min(left.pre_release.size(), right.pre_release.size());
  for (std::size_t i = 0; i < shared; ++i) {
    const int order = compare_pre_releases(left.pre_release[i], right.pre_release[i]);
    if (order != 0) return order;
  }
  return order_of(left.pre_release.size(), right.pre_release.size());
}

class SemverObject : public detail::OpaqueObject {
 public:
  explicit SemverObject(Version parsed) : version(std::move(parsed)) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "kubernetes.Semver"; }
  [[nodiscard]] bool equals(const OpaqueObject& other) const override {
    return compare_versions(version, static_cast<const SemverObject&>(other).version) == 0;
  }
  [[nodiscard]] std::string debug() const override { return "semver(" + version.written + ')'; }
  [[nodiscard]] Value native() const override {
    return Value::error("unsupported conversion to ref.Val: (semver.Version)" + version.written);
  }

  const Version version;
};

const Version& version_of(const Value& value) {
  return detail::find_opaque<SemverObject>(value)->version;
}

Result<Version> read_version(Arguments a) {
  const bool is_loose = a.size() > 1 && a[1].as_bool();
  return is_loose ? parse_loosely(a[0].as_text()) : parse_version(a[0].as_text());
}

Value to_semver(Arguments a) {
  auto version = read_version(a);
  if (!version) return Value::error(version.error().message());
  return Value::adopt(Kind::kOpaque, new SemverObject(*std::move(version)));
}

Value is_semver(Arguments a) {
  return Value::boolean(read_version(a).has_value());
}

Value semver_is_greater_than(Arguments a) {
  return Value::boolean(compare_versions(version_of(a[0]), version_of(a[1])) > 0);
}

Value semver_is_less_than(Arguments a) {
  return Value::boolean(compare_versions(version_of(a[0]), version_of(a[1])) < 0);
}

Value semver_compare_to(Arguments a) {
  return Value::integer(compare_versions(version_of(a[0]), version_of(a[1])));
}

/// As Go converts uint64 to int64.
template <std::size_t kPart>
Value semver_part(Arguments a) {
  return Value::integer(static_cast<std::int64_t>(version_of(a[0]).numbers[kPart]));
}

constexpr std::string_view kTest = ".(kubernetes.Semver, kubernetes.Semver) -> bool";
constexpr std::string_view kPart = ".(kubernetes.Semver) -> int";

constexpr std::array kSemverFunctions = {
    OverloadSpec{"semver", "string_to_semver", "(string) -> kubernetes.Semver", to_semver},
    OverloadSpec{"semver", "string_bool_to_semver", "(string, bool) -> kubernetes.Semver", to_semver},
    OverloadSpec{"isSemver", "is_semver_string", "(string) -> bool", is_semver},
    OverloadSpec{"isSemver", "is_semver_string_bool", "(string, bool) -> bool", is_semver},
    OverloadSpec{"isGreaterThan", "semver_is_greater_than", kTest, semver_is_greater_than},
    OverloadSpec{"isLessThan", "semver_is_less_than", kTest, semver_is_less_than},
    OverloadSpec{"compareTo", "semver_compare_to", ".(kubernetes.Semver, kubernetes.Semver) -> int",
                 semver_compare_to},
    OverloadSpec{"major", "semver_major", kPart, semver_part<0>},
    OverloadSpec{"minor", "semver_minor", kPart, semver_part<1>},
    OverloadSpec{"patch", "semver_patch", kPart, semver_part<2>},
};

}  // namespace

std::span<const OverloadSpec> semver_overloads() {
  return kSemverFunctions;
}

}  // namespace klutch::apiserver::cel
