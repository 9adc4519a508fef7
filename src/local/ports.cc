// SPDX-License-Identifier: Apache-2.0
#include "local/ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/os/descriptor.h"

namespace klutch::local {
namespace {

/// A socket on a port that the kernel chose. It is bound, not listening: others see nothing of it.
Result<std::pair<os::Descriptor, std::uint16_t>> bind_any_port() {
  os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (socket.get() < 0 || ::bind(socket.get(), generic, size) != 0 ||
      ::getsockname(socket.get(), generic, &size) != 0) {
    return fail(Code::kUnavailable, "cannot find a free port");
  }
  return std::pair(std::move(socket), static_cast<std::uint16_t>(ntohs(address.sin_port)));
}

}  // namespace

Result<std::vector<std::uint16_t>> find_free_ports(std::size_t count) {
  std::vector<os::Descriptor> held;  // until all are found, so that none comes twice
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    auto [socket, port] = TRY(bind_any_port());
    held.push_back(std::move(socket));
    ports.push_back(port);
  }
  return ports;
}

}  // namespace klutch::local
