// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/static_tokens.h"

#include <fmt/format.h>

#include <utility>

#include "apiserver/auth/comma_separated.h"
#include "base/os/file.h"
#include "base/secret.h"
#include "base/strings.h"
#include "crypto/compare.h"
#include "crypto/hash.h"
#include "obs/log.h"

namespace klutch::apiserver {
namespace {

const obs::Logger& static_tokens_log() {
  static const obs::Logger log("apiserver.auth");
  return log;
}

Result<std::string> read_token_file(const std::string& path) {
  TRY(os::require_private(path));
  return os::read_file(path, StaticTokens::kMaxBytes);
}

}  // namespace

Result<std::shared_ptr<StaticTokens>> StaticTokens::load(const std::string& path) {
  const auto explain = context("cannot use the token file " + path);
  std::shared_ptr<StaticTokens> tokens(new StaticTokens(path));
  TRY(tokens->accept(TRY(read_token_file(path).map_error(explain))).map_error(explain));
  return tokens;
}

Result<std::vector<StaticTokens::Entry>> StaticTokens::parse(std::string_view text) {
  std::vector<Entry> entries;
  auto records = TRY(parse_comma_separated(text, kMaxTokens));
  for (auto& [line, fields] : records) {
    if (fields.size() < 3) {
      return fail(Code::kInvalid,
                  fmt::format("line {}: at least 3 columns are needed (token, user name, user uid)", line));
    }
    if (fields[0].empty()) continue;
    User user{.name = fields[1], .uid = fields[2]};
    if (fields.size() > 3) {
      for (const auto group : split(fields[3], ',')) {
        if (!group.empty()) user.groups.emplace_back(group);
      }
    }
    entries.push_back({crypto::sha256(fields[0]), std::move(user)});
    wipe_string(fields[0]);
  }
  return entries;
}

Result<bool> StaticTokens::accept(std::string text) {
  auto file_digest = crypto::sha256(text);
  bool changed = false;
  Result<> outcome;
  if (file_digest != digest_) {
    auto entries = parse(text);
    if (entries) {
      entries_ = *std::move(entries);
      digest_ = std::move(file_digest);
      changed = true;
    } else {
      outcome = fail(std::move(entries).error());
    }
  }
  wipe_string(text);
  TRY(std::move(outcome));
  return changed;
}

std::optional<User> StaticTokens::find(std::string_view token) const {
  const auto wanted = crypto::sha256(token);
  const Entry* found = nullptr;
  // Of a token that is there twice the last one counts, as in kube-apiserver.
  for (const auto& entry : entries_) {
    if (crypto::constant_time_equal(entry.digest, wanted)) found = &entry;
  }
  return found == nullptr ? std::nullopt : std::optional(found->user);
}

Result<bool> StaticTokens::reload(Ctx& ctx) {
  const auto explain = context("cannot use the token file " + path_);
  auto text = TRY(ctx.blocking([path = path_] { return read_token_file(path); }).map_error(explain));
  return accept(std::move(text)).map_error(explain);
}

Result<> StaticTokens::follow(Ctx& ctx, Duration interval) {
  while (true) {
    TRY(ctx.sleep(interval));
    const auto changed = reload(ctx);
    TRY(ctx.check());
    if (!changed) {
      static_tokens_log().warn("kept the old static tokens", {{"error", changed.error()}});
    } else if (*changed) {
      static_tokens_log().info("read the static tokens again", {{"size", entries_.size()}});
    }
  }
}

}  // namespace klutch::apiserver
