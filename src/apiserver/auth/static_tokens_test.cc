// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/static_tokens.h"

#include <gtest/gtest.h>

#include "apiserver/auth/comma_separated.h"
#include "base/os/file.h"
#include "testing/fiber_test.h"

namespace klutch::apiserver {
namespace {

using Texts = std::vector<std::string>;

TEST(CommaSeparated, IsReadAsGoDoes) {
  struct Case {
    const char* text;
    std::vector<Texts> records;
    const char* reason;
  };
  const Case cases[] = {
      {"a,b\nc,d\n", {{"a", "b"}, {"c", "d"}}, "lines"},
      {"a,b", {{"a", "b"}}, "the last line needs no end"},
      {"a,b\r\nc\r\n", {{"a", "b"}, {"c"}}, "CRLF"},
      {"\n\na\n\n", {{"a"}}, "blank lines are skipped"},
      {"a,,\n", {{"a", "", ""}}, "empty fields"},
      {"a,\"b,c\",d\n", {{"a", "b,c", "d"}}, "commas in quotes"},
      {"\"a\"\"b\"\n", {{"a\"b"}}, "quotes in quotes"},
      {"\"a\nb\",c\n", {{"a\nb", "c"}}, "lines in quotes"},
      {" a , b \n", {{" a ", " b "}}, "spaces count"},
      {"", {}, "nothing"},
  };
  for (const auto& test : cases) {
    const auto got = parse_comma_separated(test.text, 10);
    ASSERT_TRUE(got) << test.reason;
    std::vector<Texts> records;
    for (const auto& record : *got) records.push_back(record.fields);
    EXPECT_EQ(records, test.records) << test.reason;
  }
}

TEST(CommaSeparated, NamesTheLineAndNotWhatStandsThere) {
  for (const char* text : {"ok\nsecret\"x,b\n", "ok\n\"secret", "ok\n\"secret\"x,b"}) {
    const auto got = parse_comma_separated(text, 10);
    ASSERT_FALSE(got) << text;
    EXPECT_EQ(got.error().code(), Code::kInvalid);
    EXPECT_TRUE(got.error().message().starts_with("line 2: ")) << got.error().message();
    EXPECT_EQ(got.error().message().find("secret"), std::string::npos) << got.error().message();
  }
  EXPECT_EQ(parse_comma_separated("a\nb\nc\n", 2).error().code(), Code::kTooLarge);
}

class TokenFile {
 public:
  explicit TokenFile(std::string_view text) { write(text); }
  void write(std::string_view text, unsigned mode = os::kOwnerOnly) {
    ASSERT_TRUE(os::write_file_atomic(path(), text, mode));
  }
  std::string path() const { return folder_.file("tokens.csv"); }

 private:
  os::TempDir folder_ = *os::TempDir::create();
};

TEST(StaticTokens, StandForTheUsersOfTheFile) {
  const TokenFile file("t-1,alice,u-1,\"a,b\"\nt-2,bob,u-2\n,nobody,u-3\nt-1,alice2,u-4,c\n");
  const auto tokens = *StaticTokens::load(file.path());
  EXPECT_EQ(tokens->size(), 3U) << "an empty token is none";
  const auto bob = tokens->find("t-2");
  ASSERT_TRUE(bob);
  EXPECT_EQ(bob->name, "bob");
  EXPECT_EQ(bob->uid, "u-2");
  EXPECT_TRUE(bob->groups.empty());
  EXPECT_EQ(tokens->find("t-1")->name, "alice2") << "the last one counts";
  EXPECT_EQ(tokens->find("t-1")->groups, Texts{"c"});
  for (const char* wrong : {"", "t", "t-3", "t-22", "T-2"}) EXPECT_FALSE(tokens->find(wrong)) << wrong;
}

TEST(StaticTokens, RefusesAFileThatOthersMayRead) {
  TokenFile file("");
  file.write("t,a,b\n", 0644);
  const auto tokens = StaticTokens::load(file.path());
  ASSERT_FALSE(tokens);
  EXPECT_EQ(tokens.error().code(), Code::kForbidden);
  EXPECT_NE(tokens.error().message().find(file.path()), std::string::npos);
}

TEST(StaticTokens, RefusesLinesThatAreTooShortWithoutRepeatingThem) {
  const TokenFile file("t,a,b\nhush,alice\n");
  const auto tokens = StaticTokens::load(file.path());
  ASSERT_FALSE(tokens);
  EXPECT_EQ(tokens.error().code(), Code::kInvalid);
  EXPECT_NE(tokens.error().message().find("line 2"), std::string::npos);
  EXPECT_EQ(tokens.error().message().find("hush"), std::string::npos);
}

IO_FIBER_TEST(StaticTokens, FollowTheFileAndKeepTheOldOnesWhenItIsBad) {
  TokenFile file("t-1,alice,u\n");
  const auto tokens = *StaticTokens::load(file.path());
  EXPECT_FALSE(tokens->reload(ctx).value());
  file.write("t-2,bob,u\n");
  EXPECT_TRUE(tokens->reload(ctx).value());
  EXPECT_FALSE(tokens->find("t-1")) << "taken away";
  EXPECT_TRUE(tokens->find("t-2"));
  file.write("nonsense\n");
  EXPECT_EQ(tokens->reload(ctx).error().code(), Code::kInvalid);
  EXPECT_TRUE(tokens->find("t-2"));
  ASSERT_TRUE(os::remove_file(file.path()));
  EXPECT_EQ(tokens->reload(ctx).error().code(), Code::kNotFound);
  EXPECT_TRUE(tokens->find("t-2"));
}

}  // namespace
}  // namespace klutch::apiserver
