// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "base/clock.h"
#include "kube/api/object.h"
#include "kube/client/client.h"
#include "kube/runtime/event_correlator.h"

// Events are what users see of a controller in `kubectl describe`. Recording one never waits and never fails:
// a fiber of the recorder sends them, the same event again only raises its count, many similar ones become
// one, and what is too much is dropped and counted. Loop thread only.
//
//   kube::EventRecorder events(ctx, client, {.component = "konnector"});
//   events.warning(binding.object(), "SecretNotFound", "Secret a/b does not exist");
//   ...
//   events.stop(ctx);

namespace klutch::kube {

struct EventRecorderOptions {
  /// Who reports: the name of the controller.
  std::string component = {};
  /// Which of several, such as a host name. May be empty.
  std::string instance = {};
  /// Events that wait to be sent; more are dropped.
  std::size_t queue = 1000;
  EventLimits limits = {};
  const Clock* clock = &system_clock();
};

class EventRecorder {
 public:
  /// Longer messages are cut.
  static constexpr std::size_t kMaxMessage = 1024;

  /// `client` must outlive this. The fiber gets the values of `owner`.
  EventRecorder(const Ctx& owner, Client& client, EventRecorderOptions options);
  /// stop() must have been called.
  ~EventRecorder();
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  /// Something worth knowing happened to `about`, which needs kind, apiVersion and metadata. `reason` is one
  /// UpperCamelCase word; `message` is for people and holds no secret. The event lives in the namespace of
  /// the object, or in "default" if it has none.
  void normal(const Object& about, std::string_view reason, std::string_view message);
  /// Something is wrong with it.
  void warning(const Object& about, std::string_view reason, std::string_view message);

  /// How many were dropped because too many waited or the server did not take them. Those left out for the
  /// sake of the limits are not counted.
  [[nodiscard]] std::size_t lost() const noexcept;
  /// Suspends until all events recorded so far were sent or dropped. Errors: kTimeout, kCancelled.
  Result<> flush(Ctx& ctx);
  /// Sends what waits, for a few seconds at most, and ends.
  void stop(Ctx& ctx);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace klutch::kube
