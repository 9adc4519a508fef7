// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

// An absolute http or https URL (RFC 3986, RFC 9110 §4.2) that is safe to log: it never holds a user name or
// password, and messages about URLs show neither these nor the query. An immutable value. Scheme and host are
// lower case, the path is kept exactly as written.

namespace klutch::http {

/// The part of a URL before '@', taken out of it.
struct UserInfo {
  std::string user = {};
  Secret password = {};
};

class Url {
 public:
  /// The longest text that is accepted.
  static constexpr std::size_t kMaxBytes = 32 * 1024;

  /// kInvalid, saying what is wrong, for anything but "http[s]://host[:port][/path][?query]". User
  /// information and fragments are refused.
  static Result<Url> parse(std::string_view text);

  struct WithUserInfo;
  /// The same, with user information allowed and split off.
  static Result<WithUserInfo> parse_with_user_info(std::string_view text);

  [[nodiscard]] bool is_https() const noexcept { return https_; }
  /// "http" or "https".
  [[nodiscard]] std::string_view scheme() const noexcept { return https_ ? "https" : "http"; }
  /// Lower case; an IPv6 address without brackets.
  [[nodiscard]] const std::string& host() const noexcept { return host_; }
  /// The one written, else 80 or 443.
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Percent-encoded as written; may be empty.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Percent-encoded, without '?'. An empty query differs from none.
  [[nodiscard]] const std::optional<std::string>& query() const noexcept { return query_; }

  /// "host:port", with brackets around IPv6, always with the port: what to connect to.
  [[nodiscard]] std::string host_and_port() const;
  /// The value of the Host header: without the port where it is the scheme's own.
  [[nodiscard]] std::string authority() const;
  /// "https://host[:port]" (RFC 6454 §6.2).
  [[nodiscard]] std::string origin() const;
  /// "/path?query" for the request line; the path is at least "/".
  [[nodiscard]] std::string target() const;
  /// The whole URL.
  [[nodiscard]] std::string to_string() const;
  /// Without the query, which may carry secrets: for messages and logs.
  [[nodiscard]] std::string for_log() const;

  [[nodiscard]] bool same_origin(const Url& other) const noexcept;
  /// The URL `reference` means when found here (RFC 3986 §5.2), without its fragment. kInvalid as parse().
  [[nodiscard]] Result<Url> resolve(std::string_view reference) const;
  /// With another path and no query. kInvalid unless `path`, percent-encoded, is empty or begins with '/'.
  [[nodiscard]] Result<Url> with_path(std::string_view path) const;
  /// with_path() of this path followed by `more`, with exactly one '/' in between.
  [[nodiscard]] Result<Url> join(std::string_view more) const;
  /// With another query, percent-encoded, as Query::to_string() gives it. Empty: without one. kInvalid for
  /// characters that cannot stand in a query.
  [[nodiscard]] Result<Url> with_query(std::string_view query) const;

  bool operator==(const Url&) const = default;

 private:
  Url() = default;

  bool https_ = false;
  std::uint16_t port_ = 0;
  std::string host_;
  std::string path_;
  std::optional<std::string> query_;
};

struct Url::WithUserInfo {
  Url url;
  std::optional<UserInfo> user_info;
};

}  // namespace klutch::http
