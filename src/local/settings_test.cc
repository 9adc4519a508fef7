// SPDX-License-Identifier: Apache-2.0
#include "local/settings.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/os/descriptor.h"
#include "base/os/environment.h"
#include "base/os/file.h"

namespace klutch::local {
namespace {

class LocalSettings : public testing::Test {
 protected:
  os::TempDir folder_ = *os::TempDir::create();
  Layout layout_{folder_.path() + "/state"};
};

TEST_F(LocalSettings, AreDefaultsBeforeTheFirstStart) {
  const auto settings = read_settings(layout_);
  ASSERT_TRUE(settings);
  EXPECT_TRUE(settings->ports.empty());
  EXPECT_TRUE(settings->app_cluster);
}

TEST_F(LocalSettings, KeepTheirPorts) {
  Settings settings;
  settings.advertise_host = "box.example";
  ASSERT_TRUE(choose_ports(settings, {"a", "b"}));
  EXPECT_NE(settings.ports["a"], settings.ports["b"]);
  ASSERT_TRUE(write_settings(layout_, settings));
  auto again = *read_settings(layout_);
  EXPECT_EQ(again.ports, settings.ports);
  EXPECT_EQ(again.advertise_host, "box.example");
  ASSERT_TRUE(choose_ports(again, {"a", "b", "c"}));
  EXPECT_EQ(again.ports["a"], settings.ports["a"]);
  EXPECT_EQ(again.ports.size(), 3U);
}

TEST_F(LocalSettings, NameTheFileAndTheFieldThatIsWrong) {
  ASSERT_TRUE(os::make_directories(layout_.path()));
  ASSERT_TRUE(os::write_file_atomic(layout_.settings(), R"({"ports":{"x":99999}})"));
  const auto settings = read_settings(layout_);
  ASSERT_FALSE(settings);
  EXPECT_EQ(settings.error().code(), Code::kInvalid);
  EXPECT_EQ(settings.error().message(), layout_.settings() + ": ports.x must be a port number");
}

TEST_F(LocalSettings, APortThatIsTakenIsToldWithItsHolder) {
  const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  Settings settings;
  settings.ports["x"] = ntohs(address.sin_port);
  EXPECT_TRUE(check_port(layout_, settings, "x"));  // bound, but nobody listens
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  const auto taken = check_port(layout_, settings, "x");
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), Code::kAlreadyExists);
  EXPECT_NE(taken.error().message().find("pid " + std::to_string(::getpid())), std::string::npos)
      << taken.error().message();
}

TEST(LocalLayout, PrefersTheOptionThenTheEnvironment) {
  const os::ScopedEnv env("KLUTCH_STATE", "/from/env");
  EXPECT_EQ(Layout::find("/from/option")->path(), "/from/option");
  EXPECT_EQ(Layout::find("")->path(), "/from/env");
  EXPECT_EQ(Layout::find("/a/../b")->path(), "/b");
}

}  // namespace
}  // namespace klutch::local
