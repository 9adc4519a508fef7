// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "async/ctx.h"
#include "async/token_bucket.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "kube/client/client.h"
#include "kube/client/client_config.h"
#include "kube/client/client_observer.h"

// The Client that talks to a real API server. Connections are kept and shared; those of watches are counted
// apart, so that watches never take them away from requests. Belongs to one loop; any number of its fibers
// may use it at once. Watches may outlive it.
//
// It obeys the server rather than limiting itself: a 429, 503 or other 5xx with Retry-After is waited for and
// repeated, within the deadline of the Ctx and only if that cannot do a thing twice. After a 401 credentials
// are renewed and the request repeated once. Errors carry the server's Status (kube/api/status.h), or are
// those of http::Client; kUnauthenticated if there is nothing valid to show, saying why.
//
//   auto client = TRY(kube::HttpClient::make(ctx, TRY(kube::load_client_config())));
//   const auto pods = TRY(client->list(ctx, kPod, {.ns = "default"}));

namespace klutch::kube {

struct HttpClientOptions {
  /// Empty: "klutch/<version>". Servers take the default field manager from it, up to the '/'.
  std::string user_agent = {};

  /// For one attempt from waiting for a connection to the last byte; of a watch, until it is accepted. Lists
  /// and removals of many have `list_timeout`. 0: only the deadline of the Ctx.
  Duration request_timeout = std::chrono::seconds(30);
  Duration list_timeout = std::chrono::minutes(2);
  /// The largest answers, decompressed; more is kTooLarge. etcd takes 1.5 MiB per object as its own default.
  /// 10,000 objects of 20 KB, about the largest list that a controller reads in one piece, are 200 MB.
  std::size_t object_bytes = std::size_t{16} << 20;
  std::size_t list_bytes = std::size_t{256} << 20;

  /// Open at once; who wants more waits its turn.
  std::size_t connections = 64;
  std::size_t watches = 4096;

  /// Repetitions of one request that the server asks for.
  int retries = 10;
  /// A server that asks for a longer wait than this gets no repetition; the error says how long it asks for.
  Duration longest_wait = std::chrono::seconds(30);
  /// Requests per second and at once; no limit unless set, because servers have API priority and fairness.
  async::Rate rate = {};

  /// How often credentials and authorities in files are looked at.
  Duration reread_interval = std::chrono::minutes(1);
  /// How long a credential plugin may take; where it talks to a person, `interactive_timeout`.
  Duration exec_timeout = std::chrono::minutes(1);
  Duration interactive_timeout = std::chrono::minutes(5);

  /// Told of warnings the server sends, such as for deprecated versions. None: each text is logged once.
  std::function<void(std::string_view text)> on_warning = {};
  std::shared_ptr<RequestObserver> observer = {};            ///< may be null
  std::shared_ptr<http::ClientObserver> http_observer = {};  ///< may be null
  const Clock* clock = &system_clock();
};

class HttpClient final : public Client {
 public:
  /// Reads what `config` refers to and checks it; sends nothing. kInvalid, kNotFound and kUnauthenticated
  /// name the file, the user or the cluster that is wrong.
  static Result<std::unique_ptr<HttpClient>> make(Ctx& ctx, const ClientConfig& config,
                                                  HttpClientOptions options = {});
  ~HttpClient() override;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<Object> send(Ctx& ctx, const Request& request) override;
  Result<Document> fetch(Ctx& ctx, const Request& request, std::string_view etag = {}) override;
  Result<std::unique_ptr<WatchStream>> open(Ctx& ctx, const Request& request) override;

  /// Of requests and of watches.
  [[nodiscard]] http::Client::Statistics request_statistics() const;
  [[nodiscard]] http::Client::Statistics watch_statistics() const;

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace klutch::kube
