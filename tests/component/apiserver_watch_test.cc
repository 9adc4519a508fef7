// SPDX-License-Identifier: Apache-2.0
// Watches over real connections: one client that stops reading costs the others and the writers nothing, and
// is dropped; when the server stops, every watch ends in order.
#include <algorithm>

#include "apiserver/endpoints/endpoints_testing.h"
#include "apiserver/endpoints/reading.h"
#include "apiserver/endpoints/rendering.h"
#include "async/task_group.h"
#include "http/server.h"
#include "json/build.h"
#include "testing/fiber_test.h"
#include "testing/raw_client.h"
#include "testing/running_server.h"

namespace klutch::apiserver {
namespace {

using klutch::testing::RawClient;
using klutch::testing::RunningServer;
using std::chrono::milliseconds;

constexpr std::string_view kWatch = "GET /apis/ex.io/v1/widgets?watch=1 HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::size_t kObjects = 2000;
/// All objects together are more than the kernel holds for a client that does not read.
constexpr std::size_t kObjectBytes = 8 * 1024;

http::Handler watch_handler(Storage& storage, const ServedPtr& resource) {
  return [&storage, resource](Ctx& ctx, http::ServerRequest& request) {
    ApiRequest api{
        .http = request,
        .attributes = RequestAttributes::from_request(request.method, request.segments, request.query),
        .resource = resource};
    return serve_watch(ctx, api, storage, system_clock());
  };
}

struct Reader {
  std::size_t lines = 0;
  bool ended = false;
};

/// Reads a watch until the server ends it.
Result<> read_watch(Ctx& ctx, RawClient& client, Reader& reader) {
  TRY(client.send(ctx, kWatch));
  TRY(client.reader().read_head(ctx, http::MessageParser::Kind::kResponse));
  while (true) {
    const auto piece = TRY(client.reader().read(ctx));
    if (piece.empty()) break;
    reader.lines += static_cast<std::size_t>(std::ranges::count(piece, '\n'));
  }
  reader.ended = true;
  return {};
}

template <class Done>
void wait_until(Ctx& ctx, Done done) {
  while (!done()) ASSERT_TRUE(ctx.sleep(milliseconds(2)).has_value());
}

IO_FIBER_TEST(ApiServerWatch, OneClientThatStopsReadingHurtsNobodyAndIsDropped) {
  const auto storage = *Storage::open(ctx, make_ephemeral_backend());
  const auto resource = widgets();
  http::ServerOptions options;
  options.timeouts.write_stall = milliseconds(300);
  options.render_error = render_error;
  RunningServer server(ctx, options, watch_handler(*storage, resource));

  auto stalled = RawClient::connect(ctx, server.address()).value();
  ASSERT_TRUE(stalled.send(ctx, kWatch).has_value());
  std::vector<RawClient> clients;
  std::vector<Reader> readers(4);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    clients.push_back(RawClient::connect(ctx, server.address()).value());
  }
  async::TaskGroup tasks(ctx);
  for (std::size_t i = 0; i < readers.size(); ++i) {
    tasks.spawn("reader", [&, i](Ctx& task) { return read_watch(task, clients[i], readers[i]); });
  }
  wait_until(ctx, [&] { return server->open_connections() == readers.size() + 1; });

  const std::string filling(kObjectBytes, 'x');
  for (std::size_t i = 0; i < kObjects; ++i) {
    const auto stored = put(ctx, *storage, resource, {"n", "o" + std::to_string(i % 100)},
                            json::object({{"spec", json::object({{"filling", filling}})}}));
    ASSERT_NE(stored, nullptr);
  }
  wait_until(ctx, [&] {
    return std::ranges::all_of(readers, [](const Reader& reader) { return reader.lines == kObjects; });
  });
  wait_until(ctx, [&] { return server->open_connections() == readers.size(); });
  EXPECT_TRUE(std::ranges::none_of(readers, &Reader::ended));

  EXPECT_TRUE(server.stop().has_value());
  EXPECT_TRUE(tasks.wait(ctx).has_value());
  EXPECT_TRUE(std::ranges::all_of(readers, &Reader::ended));
  storage->stop(ctx);
}

}  // namespace
}  // namespace klutch::apiserver
