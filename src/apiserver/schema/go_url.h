// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// URLs and IP addresses as Go's net/url and net read them, which decides what Kubernetes accepts in a field
// of format `uri` and similar. Pure functions. Private to src/apiserver.

namespace klutch::apiserver {

struct GoUrl {
  std::string scheme = {};
  std::string host = {};    ///< with the port
  std::string user = {};    ///< as written
  std::string opaque = {};  ///< of "mailto:a@b"
  std::string path = {};    ///< as written
  std::string raw_query = {};
  bool has_query = false;  ///< a '?', even if nothing follows
  std::string fragment = {};
};

/// url.Parse. kInvalid with Go's text: `parse "x y://": first path segment in URL cannot contain colon`.
Result<GoUrl> go_parse_url(std::string_view url);
/// URL.EscapedPath: the path as written if it may stand in a URL, else escaped anew.
std::string go_escaped_path(const GoUrl& url);
/// url.QueryUnescape.
Result<std::string> go_unescape_query(std::string_view text);
/// url.ParseRequestURI: an absolute URI or an absolute path.
Result<GoUrl> go_parse_request_uri(std::string_view url);

enum class IpFamily { kNone, kV4, kV6 };
/// kStrict: netip.ParseAddr without zones, as net.ParseIP. kSloppy: as Go before 1.17, leading zeros allowed.
enum class IpSyntax { kStrict, kSloppy };
/// Which kind of IP address `text` is written as.
IpFamily go_parse_ip(std::string_view text, IpSyntax syntax);

/// net.ParseCIDR with leading zeros allowed.
bool is_sloppy_cidr(std::string_view text);

}  // namespace klutch::apiserver
