// SPDX-License-Identifier: Apache-2.0
// Cross-check with the openssl command line, an independent reader of what we write and writer of what we
// read.
#include <gtest/gtest.h>
#include <stdlib.h>  // mkdtemp

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "crypto/certificate_testing.h"
#include "crypto/certificate_verify.h"

namespace klutch::crypto {
namespace {

class OpensslCli : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("openssl version >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "the openssl program is not installed";
    std::string name = (std::filesystem::temp_directory_path() / "klutch-crypto-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  void write(const std::string& name, std::string_view content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Runs `openssl <arguments>` in the folder; its output is in "out" afterwards.
  [[nodiscard]] bool openssl(const std::string& arguments) const {
    return std::system(
               ("cd '" + folder_.string() + "' && openssl " + arguments + " >out 2>&1 </dev/null").c_str()) ==
           0;
  }
  [[nodiscard]] bool verifies(const std::string& arguments, Time now = kNow) const {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    return openssl("verify -x509_strict -check_ss_sig -auth_level 2 -attime " + std::to_string(seconds) +
                   " " + arguments);
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(OpensslCli, AcceptsOurCertificatesUnderStrictRules) {
  for (const KeySpec spec : {KeySpec::kEcP256, KeySpec::kEcP384, KeySpec::kEd25519, KeySpec::kRsa2048}) {
    const auto root = make_authority("root", spec);
    write("root.pem", root.certificate().to_pem());
    write("server.pem",
          root.issue(PrivateKey::generate(spec).public_key(),
                     for_server({"a.example", "*.b.example"}, {"192.0.2.1", "2001:db8::1"}), kNow)
              .value()
              .to_pem());
    write("client.pem",
          root.issue(PrivateKey::generate(spec).public_key(), for_client("alice", {"dev"}), kNow)
              .value()
              .to_pem());
    EXPECT_TRUE(verifies("-CAfile root.pem -purpose sslserver -verify_hostname a.example server.pem"))
        << read("out");
    EXPECT_TRUE(verifies("-CAfile root.pem -purpose sslserver -verify_hostname x.b.example server.pem"))
        << read("out");
    EXPECT_TRUE(verifies("-CAfile root.pem -purpose sslserver -verify_ip 2001:db8::1 server.pem"))
        << read("out");
    EXPECT_TRUE(verifies("-CAfile root.pem -purpose sslclient client.pem")) << read("out");
    EXPECT_FALSE(verifies("-CAfile root.pem -purpose sslserver client.pem"));
    EXPECT_FALSE(verifies("-CAfile root.pem -purpose sslserver -verify_hostname c.example server.pem"));
    EXPECT_FALSE(verifies("-CAfile root.pem -purpose sslserver server.pem", kNow + 400 * kDay));
    EXPECT_FALSE(verifies("-CAfile root.pem -purpose sslserver server.pem", kNow - kDay));
  }
}

TEST_F(OpensslCli, AcceptsBothRootsOfARotation) {
  AuthoritySet set{
      .active = CertificateAuthority::create({.common_name = "root", .lifetime = 30 * kDay}, kNow).value()};
  const RotationOptions options{.authority = {.common_name = "root", .lifetime = 30 * kDay},
                                .announce = kDay};
  write("old.pem",
        set.active.issue_with_new_key(for_server({"a.example"}), kNow).value().certificate.to_pem());
  set = rotate(set, options, kNow + 21 * kDay).value().value();
  set = rotate(set, options, kNow + 22 * kDay).value().value();
  const Time later = kNow + 22 * kDay;
  write("new.pem",
        set.active.issue_with_new_key(for_server({"a.example"}), later).value().certificate.to_pem());
  write("bundle.pem", to_pem(set.trust_bundle()));
  EXPECT_TRUE(verifies("-CAfile bundle.pem -purpose sslserver old.pem new.pem", later)) << read("out");
}

TEST_F(OpensslCli, ReadsOurKeysAndRequests) {
  for (const KeySpec spec : {KeySpec::kEcP256, KeySpec::kEcP384, KeySpec::kEd25519, KeySpec::kRsa2048}) {
    const PrivateKey key = PrivateKey::generate(spec);
    write("key.pem", key.to_pem().reveal());
    write("public.pem", key.public_key().to_pem());
    EXPECT_TRUE(openssl("pkey -in key.pem -check -noout")) << read("out");
    EXPECT_TRUE(openssl("pkey -pubin -in public.pem -noout")) << read("out");
    const CertificateNames names{
        .common_name = "bob", .organizations = {"dev"}, .dns_names = {"bob.example"}};
    write("request.pem", CertificateRequest::create(key, names).value().to_pem());
    EXPECT_TRUE(openssl("req -in request.pem -verify -noout -text")) << read("out");
    EXPECT_NE(read("out").find("DNS:bob.example"), std::string::npos);
    EXPECT_NE(read("out").find("Subject: O = dev, CN = bob"), std::string::npos) << read("out");
  }
}

TEST_F(OpensslCli, ItsKeysRequestsAndCertificatesAreReadByUs) {
  ASSERT_TRUE(openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")) << read("out");
  ASSERT_TRUE(
      openssl("req -new -key key.pem -subj /O=dev/CN=carol -addext subjectAltName=DNS:c.example,IP:192.0.2.3 "
              "-out request.pem"))
      << read("out");
  const auto key = PrivateKey::from_pem(read("key.pem")).value();
  const auto request = CertificateRequest::from_pem(read("request.pem")).value();
  EXPECT_TRUE(request.public_key() == key.public_key());
  EXPECT_EQ(request.names().common_name, "carol");
  EXPECT_EQ(request.names().dns_names, std::vector<std::string>{"c.example"});
  EXPECT_EQ(request.names().ip_addresses, std::vector<std::string>{"192.0.2.3"});

  ASSERT_TRUE(openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -days 3650 -out ca.pem"))
      << read("out");
  ASSERT_TRUE(openssl(
      "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 -copy_extensions copy "
      "-out leaf.pem"))
      << read("out");
  const auto root = parse_certificate(read("ca.pem")).value();
  const auto leaf = parse_certificate(read("leaf.pem")).value();
  const std::vector<Certificate> chain = {leaf};
  const std::vector<Certificate> trusted = {root};
  const Time within = leaf.info().not_before + kDay;
  EXPECT_TRUE(verify_chain(chain, trusted, {.now = within, .host = "c.example"}).has_value());
  const auto ca = CertificateAuthority::load(root, PrivateKey::from_pem(read("ca.key")).value()).value();
  const std::vector<Certificate> ours = {
      ca.issue(key.public_key(), for_server({"d.example"}), within).value()};
  EXPECT_TRUE(verify_chain(ours, trusted, {.now = within, .host = "d.example"}).has_value());
}

TEST_F(OpensslCli, ItsIntermediateAuthorityWorksWithOurs) {
  write("ext",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n");
  ASSERT_TRUE(
      openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -subj /CN=root -days 3650 -out root.pem"))
      << read("out");
  ASSERT_TRUE(openssl("req -new -newkey rsa:2048 -nodes -keyout mid.key -subj /CN=mid -out mid.csr"))
      << read("out");
  ASSERT_TRUE(
      openssl("x509 -req -in mid.csr -CA root.pem -CAkey root.key -CAcreateserial -days 365 -extfile ext "
              "-out mid.pem"))
      << read("out");
  const auto root = parse_certificate(read("root.pem")).value();
  const auto middle = parse_certificate(read("mid.pem")).value();
  const auto ca = CertificateAuthority::load(middle, PrivateKey::from_pem(read("mid.key")).value()).value();
  const Time now = middle.info().not_before + kDay;
  const auto leaf = ca.issue_with_new_key(for_server({"a.example"}), now).value().certificate;
  EXPECT_TRUE(verify_chain(Certificates{leaf, middle}, Certificates{root}, {.now = now}).has_value());
  EXPECT_TRUE(verify_chain(Certificates{leaf}, Certificates{middle}, {.now = now}).has_value())
      << "an anchor that is no root";
  EXPECT_FALSE(verify_chain(Certificates{leaf}, Certificates{root}, {.now = now}).has_value())
      << "the middle is missing";
}

TEST_F(OpensslCli, WeakSignaturesAreNotTrusted) {
  ASSERT_TRUE(
      openssl("req -x509 -newkey rsa:2048 -nodes -keyout root.key -subj /CN=root -days 3650 -out root.pem"))
      << read("out");
  ASSERT_TRUE(openssl("req -new -newkey rsa:2048 -nodes -keyout leaf.key -subj /CN=leaf -out leaf.csr"))
      << read("out");
  const auto root = std::vector{parse_certificate(read("root.pem")).value()};
  for (const auto& [hash, trusted] : {std::pair{"sha256", true}, std::pair{"sha1", false}}) {
    ASSERT_TRUE(openssl(
        std::string(
            "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -days 365 -out leaf.pem -") +
        hash))
        << read("out");
    const auto leaf = std::vector{parse_certificate(read("leaf.pem")).value()};
    EXPECT_EQ(verify_chain(leaf, root, {.now = leaf[0].info().not_before + kDay}).has_value(), trusted)
        << hash;
  }
}

}  // namespace
}  // namespace klutch::crypto
