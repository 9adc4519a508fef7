// SPDX-License-Identifier: Apache-2.0
#include "apiserver/cel/zone_info.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/cel/go_time.h"

namespace klutch::apiserver::cel {
namespace {

constexpr std::size_t kMaxZoneBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxZones = 1024;
constexpr std::size_t kHeaderBytes = 44;
constexpr std::int64_t kDaySeconds = 86400;

/// One rule of a POSIX TZ text, such as M3.2.0/2: when a change happens each year.
struct YearlyRule {
  enum class Form { kMonthWeekDay, kJulianNoLeap, kZeroBased } form = Form::kMonthWeekDay;
  int month = 0;
  int week = 0;
  int day = 0;
  std::int64_t time = 7200;  ///< Seconds after local midnight.
};

/// The footer of a zone file: what holds after the last listed change.
struct Footer {
  std::int64_t standard = 0;
  std::int64_t summer = 0;
  bool has_summer = false;
  YearlyRule begin;
  YearlyRule end;
};

struct Zone {
  std::vector<std::int64_t> changes;
  std::vector<std::int64_t> offsets;  ///< After each change.
  std::int64_t first_offset = 0;
  std::optional<Footer> footer;
};

/// Reads a POSIX TZ text from left to right; `ok` turns false at the first thing that does not fit.
class TzText {
 public:
  explicit TzText(std::string_view text) : rest_(text) {}

  std::optional<Footer> read() {
    Footer footer;
    name();
    footer.standard = -duration();
    if (ok_ && !rest_.empty()) {
      footer.has_summer = true;
      footer.summer = footer.standard + 3600;
      name();
      if (!rest_.empty() && rest_[0] != ',') footer.summer = -duration();
      expect(',');
      footer.begin = rule();
      expect(',');
      footer.end = rule();
    }
    if (!ok_ || !rest_.empty()) return std::nullopt;
    return footer;
  }

 private:
  void expect(char c) {
    ok_ = ok_ && rest_.starts_with(c);
    if (ok_) rest_.remove_prefix(1);
  }

  void name() {
    const bool quoted = rest_.starts_with('<');
    const std::size_t end = quoted ? rest_.find('>') : rest_.find_first_of("0123456789+-,");
    if (quoted ? end == std::string_view::npos : end == 0) ok_ = false;
    rest_.remove_prefix(std::min(rest_.size(), quoted && ok_ ? end + 1 : end));
  }

  int number() {
    int value = 0;
    const auto [end, code] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    ok_ = ok_ && code == std::errc() && value >= 0 && value < 1000;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  /// [+-]hh[:mm[:ss]]
  std::int64_t duration() {
    const bool negative = rest_.starts_with('-');
    if (negative || rest_.starts_with('+')) rest_.remove_prefix(1);
    std::int64_t seconds = std::int64_t{number()} * 3600;
    for (const int unit : {60, 1}) {
      if (!rest_.starts_with(':')) break;
      rest_.remove_prefix(1);
      seconds += std::int64_t{number()} * unit;
    }
    return negative ? -seconds : seconds;
  }

  YearlyRule rule() {
    YearlyRule rule;
    if (rest_.starts_with('M')) {
      rest_.remove_prefix(1);
      rule.month = number();
      expect('.');
      rule.week = number();
      expect('.');
      rule.day = number();
      ok_ = ok_ && rule.month >= 1 && rule.month <= 12 && rule.week >= 1 && rule.week <= 5 && rule.day <= 6;
    } else {
      rule.form = YearlyRule::Form::kZeroBased;
      if (rest_.starts_with('J')) {
        rest_.remove_prefix(1);
        rule.form = YearlyRule::Form::kJulianNoLeap;
      }
      rule.day = number();
    }
    if (rest_.starts_with('/')) {
      rest_.remove_prefix(1);
      rule.time = duration();
    }
    return rule;
  }

  std::string_view rest_;
  bool ok_ = true;
};

/// Seconds from the start of the year of `now` to the change that `rule` describes, in local time.
std::int64_t seconds_into_year(const YearlyRule& rule, const CivilTime& now) {
  constexpr std::array kDaysBefore = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
  const bool leap = now.year % 4 == 0 && (now.year % 100 != 0 || now.year % 400 == 0);
  if (rule.form == YearlyRule::Form::kZeroBased) return rule.day * kDaySeconds + rule.time;
  if (rule.form == YearlyRule::Form::kJulianNoLeap) {
    return (rule.day - 1 + (leap && rule.day >= 60 ? 1 : 0)) * kDaySeconds + rule.time;
  }
  const auto index = static_cast<std::size_t>(rule.month - 1);
  const int before = kDaysBefore.at(index) + (leap && rule.month > 2 ? 1 : 0);
  const int length = kDaysBefore.at(index + 1) - kDaysBefore.at(index) + (leap && rule.month == 2 ? 1 : 0);
  const int first_weekday = ((now.weekday - (now.day_of_year - 1) + before) % 7 + 7 * 53) % 7;
  int day = (rule.day - first_weekday + 7) % 7 + (rule.week - 1) * 7;
  if (day >= length) day -= 7;
  return (before + day) * kDaySeconds + rule.time;
}

std::int64_t footer_offset(const Footer& footer, std::int64_t seconds) {
  if (!footer.has_summer) return footer.standard;
  const CivilTime now = civil_time(seconds, 0);
  const std::int64_t into_year =
      (now.day_of_year - 1) * kDaySeconds + now.hour * 3600 + now.minute * 60 + now.second;
  const std::int64_t begin = seconds_into_year(footer.begin, now) - footer.standard;
  const std::int64_t end = seconds_into_year(footer.end, now) - footer.summer;
  const bool summer =
      begin < end ? into_year >= begin && into_year < end : into_year >= begin || into_year < end;
  return summer ? footer.summer : footer.standard;
}

/// The second, 64-bit block of a zone file.
class ZoneFile {
 public:
  explicit ZoneFile(std::string_view content) : content_(content) {}

  std::optional<Zone> read() {
    const auto first = header(0);
    if (!first || content_[4] < '2') return std::nullopt;
    const std::size_t start = kHeaderBytes + first->bytes(4);
    const auto second = header(start);
    if (!second) return std::nullopt;
    const std::size_t body = start + kHeaderBytes;
    const std::size_t end = body + second->bytes(8);
    if (end > content_.size()) return std::nullopt;
    return fill(*second, body, end);
  }

 private:
  struct Counts {
    std::size_t is_utc, is_standard, leap, time, type, chars;
    [[nodiscard]] std::size_t bytes(std::size_t width) const {
      return time * width + time + type * 6 + chars + leap * (width + 4) + is_standard + is_utc;
    }
  };

  [[nodiscard]] std::uint64_t big_endian(std::size_t at, std::size_t width) const {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(content_[at + i]);
    return value;
  }

  [[nodiscard]] std::optional<Counts> header(std::size_t at) const {
    if (content_.size() < at + kHeaderBytes || content_.substr(at, 4) != "TZif") return std::nullopt;
    const auto count = [&](std::size_t index) {
      return static_cast<std::size_t>(big_endian(at + 20 + index * 4, 4));
    };
    const Counts counts{count(0), count(1), count(2), count(3), count(4), count(5)};
    if (counts.type == 0 || counts.bytes(8) > kMaxZoneBytes) return std::nullopt;
    return counts;
  }

  [[nodiscard]] std::optional<Zone> fill(const Counts& counts, std::size_t body, std::size_t end) const {
    const std::size_t indexes = body + counts.time * 8;
    const std::size_t types = indexes + counts.time;
    const auto offset_of = [&](std::size_t type) {
      return std::int64_t{static_cast<std::int32_t>(big_endian(types + type * 6, 4))};
    };
    Zone zone;
    zone.first_offset = offset_of(0);
    for (std::size_t i = 0; i < counts.type; ++i) {
      if (content_[types + i * 6 + 4] != 0) continue;
      zone.first_offset = offset_of(i);  // the first one that is not summer time
      break;
    }
    for (std::size_t i = 0; i < counts.time; ++i) {
      const auto type = static_cast<std::size_t>(big_endian(indexes + i, 1));
      if (type >= counts.type) return std::nullopt;
      zone.changes.push_back(static_cast<std::int64_t>(big_endian(body + i * 8, 8)));
      zone.offsets.push_back(offset_of(type));
    }
    std::string_view footer = content_.substr(end);
    if (footer.size() > 2 && footer.front() == '\n' && footer.back() == '\n') {
      zone.footer = TzText(footer.substr(1, footer.size() - 2)).read();
    }
    return zone;
  }

  std::string_view content_;
};

std::shared_ptr<const Zone> load_zone(const std::string& name) {
  for (const char* folder : {"/usr/share/zoneinfo/", "/usr/share/lib/zoneinfo/", "/etc/zoneinfo/"}) {
    std::ifstream file(folder + name, std::ios::binary);
    if (!file.good()) continue;
    std::string content(kMaxZoneBytes, '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    content.resize(static_cast<std::size_t>(file.gcount()));
    if (auto zone = ZoneFile(content).read()) return std::make_shared<const Zone>(*std::move(zone));
  }
  return nullptr;
}

/// The zones read so far; names that do not exist are not kept, so that they cannot fill it.
std::shared_ptr<const Zone> find_zone(std::string_view name) {
  static std::mutex mutex;
  static std::map<std::string, std::shared_ptr<const Zone>, std::less<>> zones;
  const std::lock_guard lock(mutex);
  if (const auto found = zones.find(name); found != zones.end()) return found->second;
  auto zone = load_zone(std::string(name));
  if (zone != nullptr && zones.size() < kMaxZones) zones.emplace(name, zone);
  return zone;
}

bool is_safe_zone_name(std::string_view name) {
  return !name.starts_with('/') && !name.starts_with('\\') && name.find("..") == std::string_view::npos &&
         name.find('\0') == std::string_view::npos && name.size() < 256;
}

}  // namespace

Result<std::int64_t> ZoneInfo::offset(std::string_view name, std::int64_t seconds) {
  if (name.empty() || name == "UTC") return 0;
  if (!is_safe_zone_name(name)) return fail(Code::kInvalid, "time: invalid location name");
  const auto zone = name == "Local" ? nullptr : find_zone(name);
  if (zone == nullptr) {
    if (name == "Local") return 0;  // a server's own zone says nothing about an object
    return fail(Code::kInvalid, "unknown time zone " + std::string(name));
  }
  const auto after = std::ranges::upper_bound(zone->changes, seconds);
  if (after == zone->changes.end() && zone->footer) return footer_offset(*zone->footer, seconds);
  if (after == zone->changes.begin()) return zone->first_offset;
  return zone->offsets[static_cast<std::size_t>(after - zone->changes.begin() - 1)];
}

}  // namespace klutch::apiserver::cel
