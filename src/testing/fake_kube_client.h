// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <initializer_list>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "async/ctx.h"
#include "async/suspension.h"
#include "kube/client/client.h"

// A kube::Client whose answers are written down in advance, for tests that need an exact sequence of them.
// Requests are recorded. When the answers are used up, a request waits until its Ctx ends, and a watch is
// accepted and stays silent, as one does whose steps are used up; steps can be added while it is open. Loop
// thread only; works under virtual time.
//
//   testing::FakeKubeClient client;
//   client.on_send(testing::list_of({secret("a", 1)}, "7"));
//   client.on_watch({testing::added(secret("b", 8)), testing::EndOfWatch{}});

namespace klutch::testing {

struct EndOfWatch {};
/// One thing that happens in a watch: an event, an error that ends it, its end in order, or a pause.
using WatchStep = std::variant<kube::WatchEvent, Error, EndOfWatch, Duration>;

class FakeKubeClient final : public kube::Client {
 public:
  struct Asked {
    kube::Request request;
    Instant at;
    /// A parameter of the query, empty if it is missing.
    [[nodiscard]] std::string parameter(std::string_view name) const;
  };

  FakeKubeClient();
  ~FakeKubeClient() override;

  /// The next request that is not a watch gets this answer, after `delay`.
  void on_send(Result<kube::Object> answer, Duration delay = {});
  /// The next watch is accepted and goes like this.
  void on_watch(std::vector<WatchStep> steps);
  /// The next watch is refused.
  void on_watch(Error error);
  /// Adds steps to the watch that was opened last (CHECK).
  void push(std::initializer_list<WatchStep> steps);

  Result<kube::Object> send(Ctx& ctx, const kube::Request& request) override;
  Result<std::unique_ptr<kube::WatchStream>> open(Ctx& ctx, const kube::Request& request) override;

  /// Everything that was asked, in order.
  [[nodiscard]] const std::vector<Asked>& asked() const noexcept { return asked_; }
  [[nodiscard]] std::size_t count(kube::Verb verb) const noexcept;
  /// Watches that are open now.
  [[nodiscard]] std::size_t open_watches() const noexcept;

 private:
  struct Answer {
    Result<kube::Object> object;
    Duration delay;
  };
  struct Script {
    std::deque<WatchStep> steps;
    async::WaitList waiting = {};
  };
  class Stream;

  std::vector<Asked> asked_;
  std::deque<Answer> answers_;
  std::deque<std::variant<std::vector<WatchStep>, Error>> watches_;
  std::vector<std::weak_ptr<Script>> open_;
};

const kube::ResourceType& config_maps();
/// A ConfigMap of namespace "default" (or that of "ns/name"), its UID that of its name unless given.
kube::Object config_map(std::string_view key, int version, std::string_view uid = {},
                        std::string_view data = {});
/// A page of a list.
kube::Object list_of(std::vector<kube::Object> items, std::string_view version,
                     std::string_view continue_token = {});
WatchStep added(kube::Object object);
WatchStep modified(kube::Object object);
WatchStep deleted(kube::Object object);
WatchStep bookmark(int version);
/// The bookmark that ends the initial events of a streaming list.
WatchStep end_of_list(int version);

}  // namespace klutch::testing
