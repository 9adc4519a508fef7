// SPDX-License-Identifier: Apache-2.0
#include "base/os/port_holder.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os/descriptor.h"

namespace klutch::os {
namespace {

TEST(PortHolder, NamesTheProcessThatListens) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(socket.get(), generic, size), 0);
  ASSERT_EQ(::getsockname(socket.get(), generic, &size), 0);
  const std::uint16_t port = ntohs(address.sin_port);
  EXPECT_EQ(find_port_holder(port), "");
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  EXPECT_NE(find_port_holder(port).find("(pid " + std::to_string(::getpid()) + ")"), std::string::npos);
}

}  // namespace
}  // namespace klutch::os
