// SPDX-License-Identifier: Apache-2.0
#include "apiserver/auth/impersonation.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <string>

namespace klutch::apiserver {
namespace {

using Texts = std::vector<std::string>;

/// "ns/resource.group/subresource name", for reading.
Texts needed_of(const Impersonation& impersonation) {
  Texts texts;
  for (const auto& request : impersonation.needed) {
    EXPECT_TRUE(request.is_resource);
    EXPECT_EQ(request.verb, "impersonate");
    std::string text = request.ns.empty() ? "" : request.ns + ":";
    text += request.resource;
    if (!request.group.empty()) text += "." + request.group;
    if (!request.subresource.empty()) text += "/" + request.subresource;
    texts.push_back(text + " " + request.name);
  }
  return texts;
}

TEST(Impersonation, IsReadFromHeaders) {
  struct Case {
    http::Headers headers;
    std::string name;
    Texts groups;
    Texts needed;
    const char* reason;
  };
  const Case cases[] = {
      {{{"Impersonate-User", "bob"}}, "bob", {"system:authenticated"}, {"users bob"}, "a user"},
      {{{"impersonate-user", "bob"}, {"IMPERSONATE-GROUP", "a"}, {"Impersonate-Group", "b"}},
       "bob",
       {"a", "b", "system:authenticated"},
       {"users bob", "groups a", "groups b"},
       "names of headers have no case; groups add up"},
      {{{"Impersonate-User", "system:serviceaccount:ns:robot"}},
       "system:serviceaccount:ns:robot",
       {"system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"},
       {"ns:serviceaccounts robot"},
       "a ServiceAccount has its groups"},
      {{{"Impersonate-User", "system:serviceaccount:ns:robot"}, {"Impersonate-Group", "g"}},
       "system:serviceaccount:ns:robot",
       {"g", "system:authenticated"},
       {"ns:serviceaccounts robot", "groups g"},
       "groups that are named replace them"},
      {{{"Impersonate-User", "system:serviceaccount:Not:a:name"}},
       "system:serviceaccount:Not:a:name",
       {"system:authenticated"},
       {"users system:serviceaccount:Not:a:name"},
       "only looks like a ServiceAccount"},
      {{{"Impersonate-User", "system:anonymous"}},
       "system:anonymous",
       {"system:unauthenticated"},
       {"users system:anonymous"},
       "nobody is not authenticated"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Group", "system:unauthenticated"}},
       "bob",
       {"system:unauthenticated"},
       {"users bob", "groups system:unauthenticated"},
       "said to be unauthenticated"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Group", "system:masters"}},
       "bob",
       {"system:masters", "system:authenticated"},
       {"users bob", "groups system:masters"},
       "a mighty group must be allowed by name"},
      {{{"Impersonate-User", "bob"}, {"Impersonate-Uid", "u-1"}},
       "bob",
       {"system:authenticated"},
       {"users bob", "uids.authentication.k8s.io u-1"},
       "a uid"},
  };
  for (const auto& test : cases) {
    const auto got = read_impersonation(test.headers);
    ASSERT_TRUE(got && *got) << test.reason;
    EXPECT_EQ((*got)->user.name, test.name) << test.reason;
    EXPECT_EQ((*got)->user.groups, test.groups) << test.reason;
    EXPECT_EQ(needed_of(**got), test.needed) << test.reason;
  }
}

TEST(Impersonation, DecodesTheKeysOfExtra) {
  const auto got = read_impersonation({{"Impersonate-User", "bob"},
                                       {"Impersonate-Extra-Example.com%2fScopes", "a"},
                                       {"Impersonate-Extra-example.com%2Fscopes", "b"},
                                       {"Impersonate-Extra-bad%zz", "c"}});
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->user.extra,
            (std::map<std::string, Texts>{{"example.com/scopes", {"a", "b"}}, {"bad%zz", {"c"}}}));
  EXPECT_EQ(needed_of(**got), (Texts{"users bob", "userextras.authentication.k8s.io/example.com/scopes a",
                                     "userextras.authentication.k8s.io/example.com/scopes b",
                                     "userextras.authentication.k8s.io/bad%zz c"}));
}

TEST(Impersonation, IsNotThereWithoutItsHeaders) {
  for (const auto& headers :
       {http::Headers{}, http::Headers{{"Accept", "*/*"}}, http::Headers{{"Impersonate-User", ""}},
        http::Headers{{"X-Impersonate-User", "a"}}}) {
    const auto got = read_impersonation(headers);
    ASSERT_TRUE(got);
    EXPECT_FALSE(got->has_value());
  }
}

TEST(Impersonation, RefusesWhatIsNotClear) {
  struct Case {
    http::Headers headers;
    const char* reason;
  };
  const Case cases[] = {
      {{{"Impersonate-Group", "system:masters"}}, "a group without a user"},
      {{{"Impersonate-User", ""}, {"Impersonate-Group", "g"}}, "an empty user is none"},
      {{{"Impersonate-Uid", "1"}}, "a uid without a user"},
      {{{"Impersonate-Extra-a", "1"}}, "extra without a user"},
      {{{"Impersonate-User", "alice"}, {"Impersonate-User", "bob"}}, "two users"},
      {{{"Impersonate-User", "alice"}, {"Impersonate-User", "alice"}}, "the same user twice"},
      {{{"Impersonate-User", "a"}, {"Impersonate-Uid", "1"}, {"impersonate-uid", "2"}}, "two uids"},
  };
  for (const auto& test : cases) {
    const auto got = read_impersonation(test.headers);
    ASSERT_FALSE(got) << test.reason;
    EXPECT_EQ(got.error().code(), Code::kBadRequest) << test.reason;
  }
}

TEST(Impersonation, NeverGivesWhatItDoesNotAskFor) {
  EXPECT_TRUE(rc::check([](const std::vector<std::pair<int, std::string>>& wishes) {
    static constexpr const char* kNames[] = {"Impersonate-User",      "Impersonate-Group",
                                             "Impersonate-Uid",       "Impersonate-Extra-k",
                                             "Impersonate-Extra-%41", "Impersonate-"};
    http::Headers headers;
    for (const auto& [kind, value] : wishes) headers.add(kNames[static_cast<unsigned>(kind) % 6], value);
    const auto got = read_impersonation(headers);
    if (!got || !*got) return;
    const auto& [user, needed] = **got;
    const auto asked = [&needed = needed](std::string_view resource, std::string_view name) {
      return std::ranges::any_of(needed, [&](const RequestAttributes& request) {
        return request.resource == resource && request.name == name;
      });
    };
    const auto account = service_account_of(user.name);
    const bool named = account ? asked("serviceaccounts", account->name) : asked("users", user.name);
    RC_ASSERT(named);
    for (const auto& group : user.groups) {
      const bool own = group == kAuthenticatedGroup || group == kUnauthenticatedGroup ||
                       (account && group.starts_with("system:serviceaccounts"));
      RC_ASSERT(own || asked("groups", group));
    }
    for (const auto& [key, values] : user.extra) {
      for (const auto& value : values) RC_ASSERT(asked("userextras", value));
    }
    RC_ASSERT(user.uid.empty() || asked("uids", user.uid));
  }));
}

}  // namespace
}  // namespace klutch::apiserver
