// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "base/result.h"
#include "base/secret.h"

// Private to kube/client: a file that somebody else replaces now and then, such as the token of a pod. The
// last content that was good stays until there is another: a file that is missing, empty or unreadable for a
// moment changes nothing. Belongs to one loop; reading happens on the pool for blocking calls.

namespace klutch::kube {

class RereadFile {
 public:
  RereadFile() = default;
  RereadFile(std::string path, std::size_t max_bytes, Duration interval)
      : path_(std::move(path)), max_bytes_(max_bytes), interval_(interval) {}

  /// The first reading; a file that cannot be read or has nothing but white space is an error.
  Result<> load(Ctx& ctx);

  enum class When { kDue, kNow };
  /// Reads again if the interval has passed, or in any case. True if the content changed.
  bool refresh(Ctx& ctx, When when);

  [[nodiscard]] bool named() const noexcept { return !path_.empty(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string_view content() const noexcept { return content_.reveal(); }

 private:
  Result<klutch::Secret> read(Ctx& ctx) const;

  std::string path_;
  std::size_t max_bytes_ = 0;
  Duration interval_{};
  Instant read_at_{};
  klutch::Secret content_;
  bool failing_ = false;
};

}  // namespace klutch::kube
