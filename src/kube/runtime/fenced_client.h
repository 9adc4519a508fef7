// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "kube/client/client.h"

// A fence around a client: whoever leads writes only while it is certain that nobody else can lead. Reads and
// watches pass. Loop thread only.

namespace klutch::kube {

/// How long we may count on leading. Kept by leader election, read by the fence.
class Leadership {
 public:
  /// `name` of the lease, for messages. `clock` is not trusted to be right, only to show that time has passed
  /// which the steady clock did not count, as after a suspended machine.
  Leadership(std::string name, const Clock& clock) : name_(std::move(name)), clock_(clock) {}

  /// A renewal that was asked for at `asked` (and `asked_wall`) succeeded: writes may begin for `certain`,
  /// and must have ended within `last`, both counted from then.
  void renewed(Instant asked, Time asked_wall, Duration certain, Duration last);
  /// Nothing may be written any more; for good.
  void end(std::string reason);

  /// kUnavailable with the reason unless a write may begin now.
  [[nodiscard]] Result<> check(Instant now) const;
  /// When writes that began must have ended.
  [[nodiscard]] Instant last() const noexcept { return last_; }
  /// Until when writes may begin, by the steady clock.
  [[nodiscard]] Instant certain_until() const noexcept { return certain_until_; }

 private:
  std::string name_;
  const Clock& clock_;
  Instant certain_until_ = {};
  Instant last_ = {};
  Time certain_until_wall_ = {};
  std::string ended_ = {};
};

/// Sends writes only under `leadership`: kUnavailable, and nothing sent, when it is not certain; kTimeout
/// when no answer came within the time that is certain to be ours.
class FencedClient final : public Client {
 public:
  /// `inner` must outlive this.
  FencedClient(Client& inner, std::shared_ptr<const Leadership> leadership)
      : inner_(inner), leadership_(std::move(leadership)) {}

  Result<Object> send(Ctx& ctx, const Request& request) override;
  Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override;
  Result<Document> fetch(Ctx& ctx, const Request& request, std::string_view etag) override;

 private:
  Client& inner_;
  std::shared_ptr<const Leadership> leadership_;
};

}  // namespace klutch::kube
