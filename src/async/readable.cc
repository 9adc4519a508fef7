// SPDX-License-Identifier: Apache-2.0
#include "async/readable.h"

#include <boost/asio/posix/stream_descriptor.hpp>

#include "async/asio_bridge.h"

namespace klutch::async {

Result<> wait_readable(Ctx& ctx, int fd) {
  boost::asio::posix::stream_descriptor descriptor(io_context_of(ctx));
  boost::system::error_code ec;
  descriptor.assign(fd, ec);
  if (ec) return fail(Code::kInvalid, "cannot wait for this descriptor: " + ec.message());
  const IoOutcome outcome = run_io(
      ctx, [&](IoHandler handler) { descriptor.async_wait(descriptor.wait_read, handler); },
      [&] { descriptor.cancel(ec); });
  descriptor.release();
  if (!outcome.ec) return {};
  TRY(to_result(outcome.wake, "the descriptor to be readable"));
  return fail(Code::kInvalid, "cannot wait for this descriptor: " + outcome.ec.message());
}

}  // namespace klutch::async
