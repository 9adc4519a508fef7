// SPDX-License-Identifier: Apache-2.0
// Cross-check with jwcrypto (Debian: python3-jwcrypto), an independent implementation, in both directions.
#include <gtest/gtest.h>
#include <stdlib.h>  // mkdtemp

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "jose/token_testing.h"
#include "json/print.h"

namespace klutch::jose {
namespace {

// Verifies our tokens with our key set, and makes keys and tokens of its own.
constexpr std::string_view kScript = R"(
from jwcrypto import jwk, jws
ours = jwk.JWKSet.from_json(open("ours.json").read())
for kid in ("rsa", "ec", "ed"):
    token = jws.JWS()
    token.deserialize(open(kid + ".jws").read())
    token.verify(ours.get_key(kid))
    assert token.payload == b"from klutch", token.payload
    key = ours.get_key(kid)
    open(kid + ".thumbprint", "w").write(key.thumbprint())
theirs = jwk.JWKSet()
for kid, alg, parameters in (("rsa", "RS256", {"kty": "RSA", "size": 2048}),
                             ("ec", "ES256", {"kty": "EC", "crv": "P-256"}),
                             ("ed", "EdDSA", {"kty": "OKP", "crv": "Ed25519"})):
    key = jwk.JWK.generate(kid=kid, use="sig", alg=alg, **parameters)
    theirs.add(key)
    token = jws.JWS(b"from jwcrypto")
    token.add_signature(key, alg, '{"alg":"%s","kid":"%s"}' % (alg, kid))
    open(kid + ".theirs", "w").write(token.serialize(compact=True))
open("theirs.json", "w").write(theirs.export(private_keys=False))
)";

TEST(Jwcrypto, AgreesInBothDirections) {
  if (std::system("/usr/bin/python3 -c 'import jwcrypto' >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "python3-jwcrypto is not installed";
  }
  std::string name = (std::filesystem::temp_directory_path() / "klutch-jose-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::filesystem::path folder = name;
  const auto write = [&](const std::string& file, std::string_view text) {
    std::ofstream(folder / file) << text;
  };
  const auto read = [&](const std::string& file) {
    std::ifstream in(folder / file);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  write("check.py", kScript);
  write("ours.json", json::print(to_json(all_keys())));
  for (const auto& key : {rsa_key(), ec_key(), ed_key()})
    write(key.kid + ".jws", sign_jws("from klutch", key).value());

  ASSERT_EQ(std::system(("cd '" + name + "' && /usr/bin/python3 check.py >out 2>&1").c_str()), 0)
      << read("out");

  const JwkSet theirs = parse_jwk_set(read("theirs.json")).value();
  EXPECT_EQ(theirs.keys.size(), 3U);
  for (const auto& key : all_keys().keys) {
    EXPECT_EQ(read(key.kid + ".thumbprint"), thumbprint(key.key).value());
    const auto jws = verify_jws(read(key.kid + ".theirs"), theirs, {.algorithms = kAllAlgorithms});
    ASSERT_TRUE(jws.has_value()) << key.kid << ": " << jws.error().message();
    EXPECT_EQ(jws->payload, "from jwcrypto");
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace klutch::jose
