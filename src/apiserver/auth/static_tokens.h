// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/auth/user.h"
#include "async/ctx.h"
#include "base/clock.h"
#include "base/result.h"

// Bearer tokens from a file, as kube-apiserver's --token-auth-file: lines `token,user,uid,"group1,group2"`.
// Only digests of the tokens are kept, and looking for one takes as long whether it is there or not. The file
// must be readable by its owner alone. Loop thread only.
//
//   const auto tokens = TRY(StaticTokens::load("tokens.csv"));
//   group.spawn("static tokens", [tokens](Ctx& task) { return tokens->follow(task); });

namespace klutch::apiserver {

class StaticTokens {
 public:
  static constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
  static constexpr std::size_t kMaxTokens = 10'000;

  /// Reads the file now, which blocks. kForbidden when others may read it; kInvalid names the line.
  static Result<std::shared_ptr<StaticTokens>> load(const std::string& path);

  /// Nothing if it is not in the file.
  [[nodiscard]] std::optional<User> find(std::string_view token) const;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

  /// Reads the file again, off the loop. Whether it had changed; after an error everything is as it was.
  Result<bool> reload(Ctx& ctx);
  /// Reads it again every `interval` until it is cancelled; a file that cannot be used is logged and passed
  /// over.
  Result<> follow(Ctx& ctx, Duration interval = std::chrono::seconds(5));

 private:
  struct Entry {
    std::string digest;
    User user;
  };
  explicit StaticTokens(std::string path) : path_(std::move(path)) {}
  static Result<std::vector<Entry>> parse(std::string_view text);
  Result<bool> accept(std::string text);

  std::string path_;
  std::string digest_ = {};  ///< of the file
  std::vector<Entry> entries_ = {};
};

}  // namespace klutch::apiserver
