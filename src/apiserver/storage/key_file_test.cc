// SPDX-License-Identifier: Apache-2.0
#include "apiserver/storage/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/os/file.h"
#include "crypto/base64.h"

namespace klutch::apiserver {
namespace {

std::string key_line(char fill) {
  return crypto::base64_encode(std::string(crypto::Keyring::kKeySize, fill)) + "\n";
}

class KeyFileTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_.file("store.key"); }
  void write(const std::string& text) const { ASSERT_TRUE(os::write_file_atomic(path(), text).has_value()); }
  os::TempDir folder_ = os::TempDir::create().value();
};

TEST_F(KeyFileTest, AMissingFileIsNoErrorAndANewOneIsPrivateAndNeverReplaced) {
  EXPECT_FALSE(load_key_file(path()).value().has_value());
  const auto made = make_key_file(path()).value();
  EXPECT_EQ(os::find_file(path()).value()->mode, 0600U);
  const auto envelope = made.seal("text", "for").value();
  EXPECT_EQ(load_key_file(path()).value()->open(envelope, "for").value().reveal(), "text");
  EXPECT_EQ(make_key_file(path()).error().code(), Code::kAlreadyExists);
}

TEST_F(KeyFileTest, TheFirstKeySealsAndAllOpen) {
  write(key_line('o'));
  const auto old_envelope = load_key_file(path()).value()->seal("text", "").value();
  write("# a new one in front\n" + key_line('n') + "\n" + key_line('o'));
  const auto keys = load_key_file(path()).value().value();
  EXPECT_TRUE(keys.open(old_envelope, "").has_value());
  EXPECT_TRUE(keys.is_stale(old_envelope));
  EXPECT_FALSE(keys.is_stale(keys.seal("text", "").value()));
}

TEST_F(KeyFileTest, RefusesWhatIsNoKeyAndNamesTheLineButNotItsContent) {
  const struct {
    std::string text;
    const char* message;
    const char* reason;
  } rows[] = {
      {"", "there is no key in it", "empty"},
      {"# only a comment\n", "there is no key in it", "comments only"},
      {key_line('k') + "c2hvcnQ=\n", "line 2 is not a key", "too short"},
      {"not base64!\n", "line 1 is not a key", "not base64"},
      {key_line('k') + key_line('k'), "cannot use", "the same key twice"},
      {std::string(8192, '#'), "cannot use the key file", "too large"},
  };
  for (const auto& row : rows) {
    write(row.text);
    const auto loaded = load_key_file(path());
    ASSERT_FALSE(loaded.has_value()) << row.reason;
    EXPECT_NE(loaded.error().message().find(row.message), std::string::npos) << loaded.error().message();
    EXPECT_NE(loaded.error().message().find(path()), std::string::npos) << loaded.error().message();
    EXPECT_EQ(loaded.error().message().find("c2hvcnQ"), std::string::npos) << row.reason;
  }
}

TEST_F(KeyFileTest, RefusesAFileThatOthersMayUse) {
  write(key_line('k'));
  for (const unsigned mode : {0640U, 0604U, 0620U, 0666U}) {
    ASSERT_EQ(::chmod(path().c_str(), mode), 0);
    EXPECT_EQ(load_key_file(path()).error().code(), Code::kForbidden) << mode;
  }
  ASSERT_EQ(::chmod(path().c_str(), 0400), 0);
  EXPECT_TRUE(load_key_file(path()).has_value());
}

TEST_F(KeyFileTest, AddedKeysComeFirstAndNoneIsLost) {
  EXPECT_TRUE(add_to_key_file(path(), Secret(key_line('a'))).value()) << "a new file";
  EXPECT_FALSE(add_to_key_file(path(), Secret(key_line('a'))).value()) << "it is there already";
  EXPECT_TRUE(add_to_key_file(path(), Secret(key_line('b'))).value());
  EXPECT_EQ(os::find_file(path()).value()->mode, 0600U);
  const auto text = os::read_file(path()).value();
  EXPECT_LT(text.find(key_line('b')), text.find(key_line('a')));
  EXPECT_NE(text.find(key_line('a')), std::string::npos);
  EXPECT_TRUE(add_to_key_file(path(), Secret(key_line('a'))).value()) << "moves to the front";
  const auto keys = load_key_file(path()).value().value();
  const auto only_a = parse_key_text(Secret(key_line('a')), "a").value();
  EXPECT_TRUE(only_a.open(keys.seal("text", "").value(), "").has_value());
}

}  // namespace
}  // namespace klutch::apiserver
