// SPDX-License-Identifier: Apache-2.0
#include "apiserver/server/state_folder.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/os/file.h"
#include "crypto/base64.h"
#include "crypto/certificate.h"
#include "json/yaml.h"

namespace klutch::apiserver {
namespace {

constexpr Time kNow = Time(std::chrono::hours(24 * 365 * 56));

class StateFolderTest : public testing::Test {
 protected:
  [[nodiscard]] Result<StateFolder> open(std::vector<std::string> hosts = {}, Time now = kNow) const {
    return open_state_folder({.path = path_, .hosts = std::move(hosts)}, now);
  }
  [[nodiscard]] unsigned mode(const std::string& name) const {
    return (*os::find_file(path_ + "/" + name))->mode;
  }
  os::TempDir folder_ = *os::TempDir::create();
  std::string path_ = folder_.path() + "/state";
};

TEST_F(StateFolderTest, MakesWhatIsMissingAndKeepsWhatIsThere) {
  const auto first = *open();
  const auto second = *open();
  EXPECT_EQ(first.ca_pem, second.ca_pem);
  EXPECT_EQ(first.server.certificate_chain, second.server.certificate_chain);
  EXPECT_EQ(mode("pki/ca.key"), 0600U);
  EXPECT_EQ(mode("pki/server.key"), 0600U);
}

TEST_F(StateFolderTest, RenewsTheServersCertificateForNewNamesAndInTime) {
  const auto first = *open();
  const auto named = *open({"box.example", "192.0.2.7"});
  EXPECT_NE(first.server.certificate_chain, named.server.certificate_chain);
  const auto info = crypto::parse_certificate(named.server.certificate_chain)->info();
  EXPECT_NE(std::ranges::find(info.dns_names, "box.example"), info.dns_names.end());
  EXPECT_NE(std::ranges::find(info.ip_addresses, "192.0.2.7"), info.ip_addresses.end());
  const auto later = *open({"box.example"}, kNow + std::chrono::hours(24 * 300));
  EXPECT_NE(later.server.certificate_chain, named.server.certificate_chain);
  EXPECT_EQ(later.ca_pem, first.ca_pem);
}

TEST_F(StateFolderTest, RefusesAKeyThatOthersMayRead) {
  ASSERT_TRUE(open());
  const auto key = *os::read_file(path_ + "/pki/ca.key");
  ASSERT_TRUE(os::write_file_atomic(path_ + "/pki/ca.key", key, 0644));
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::kForbidden);
  EXPECT_NE(opened.error().message().find("ca.key"), std::string::npos);
}

TEST_F(StateFolderTest, NamesAFileThatIsDamaged) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(os::write_file_atomic(path_ + "/pki/ca.crt", "nonsense"));
  const auto opened = open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message().find("pki/ca.crt"), std::string::npos);
}

TEST_F(StateFolderTest, WritesAKubeconfigOnceForEachUrl) {
  const auto folder = *open();
  ASSERT_TRUE(write_admin_kubeconfig(folder, "https://127.0.0.1:1", kNow));
  const auto first = *os::read_file(folder.admin_kubeconfig());
  EXPECT_EQ(mode("admin.kubeconfig"), 0600U);
  ASSERT_TRUE(write_admin_kubeconfig(folder, "https://127.0.0.1:1", kNow));
  EXPECT_EQ(*os::read_file(folder.admin_kubeconfig()), first);
  ASSERT_TRUE(write_admin_kubeconfig(folder, "https://127.0.0.1:2", kNow));
  const auto config = *json::parse_yaml(*os::read_file(folder.admin_kubeconfig()));
  EXPECT_EQ(config.find_array("clusters")->at(0).find_object("cluster")->find_string("server"),
            "https://127.0.0.1:2");
  const auto pem = *crypto::base64_decode(
      *config.find_array("users")->at(0).find_object("user")->find_string("client-certificate-data"));
  EXPECT_TRUE(crypto::parse_certificate(pem)->info().subject.organizations ==
              std::vector<std::string>{"system:masters"});
}

}  // namespace
}  // namespace klutch::apiserver
