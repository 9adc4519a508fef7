// SPDX-License-Identifier: Apache-2.0
#include "kube/api/kinds.h"

#include <gtest/gtest.h>

#include <type_traits>

// After kinds.h, which has a kind of the name Secret.
#include "kube/client/client_config.h"
#include "kube/client/kubeconfig.h"

namespace klutch::kube {
namespace {

template <class T>
constexpr bool kHidden = std::is_same_v<T, klutch::Secret>;

TEST(SecretNames, CredentialsAreHiddenTextsWhateverIsIncludedFirst) {
  EXPECT_TRUE(kHidden<decltype(Credentials::token)>);
  EXPECT_TRUE(kHidden<decltype(Credentials::password)>);
  EXPECT_TRUE(kHidden<decltype(Credentials::client_key)>);
  EXPECT_TRUE(kHidden<decltype(ConfigOverrides::token)>);
  EXPECT_TRUE(kHidden<decltype(Kubeconfig::User::token)>);
  EXPECT_TRUE(kHidden<decltype(Kubeconfig::User::password)>);
  EXPECT_TRUE(kHidden<decltype(Kubeconfig::User::client_key_data)>);
}

}  // namespace
}  // namespace klutch::kube
